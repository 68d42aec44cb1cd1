/** The camera: opened by a tap, read one frame at a time. */
import type { Key } from './language';
import { visiblePart } from './picture';

/** The shorter side of what the graph gets: enough for any network here, and quick to copy. */
const SIDE = 480;

export type Facing = 'environment' | 'user';

export class Camera {
  readonly #video: HTMLVideoElement;
  #stream: MediaStream | null = null;
  facing: Facing = 'environment';

  constructor(video: HTMLVideoElement) {
    this.#video = video;
  }

  get open(): boolean {
    return this.#stream !== null;
  }

  async start(facing: Facing): Promise<void> {
    this.stop();
    this.#stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: { ideal: facing }, width: { ideal: 1280 }, height: { ideal: 960 } },
    });
    // What came may be another camera than was asked for, on a computer with one.
    const given = this.#stream.getVideoTracks()[0]?.getSettings().facingMode;
    this.facing = given === 'user' || given === 'environment' ? given : facing;
    this.#video.srcObject = this.#stream;
    await this.#video.play();
  }

  stop(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }

  pause(): void {
    this.#video.pause();
  }

  resume(): Promise<void> {
    return this.#video.play();
  }

  /** What a person sees of the video, and no more; null while there is no picture yet. */
  async frame(): Promise<ImageBitmap | null> {
    const { videoWidth, videoHeight, clientWidth, clientHeight } = this.#video;
    if (!videoWidth || !clientWidth) return null;
    const part = visiblePart(videoWidth, videoHeight, clientWidth, clientHeight);
    const scale = Math.min(1, SIDE / Math.min(part.width, part.height));
    return createImageBitmap(this.#video, part.x, part.y, part.width, part.height, {
      resizeWidth: Math.round(part.width * scale),
      resizeHeight: Math.round(part.height * scale),
      resizeQuality: 'medium',
    });
  }

  /** Resolves when the video shows its next frame. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      if ('requestVideoFrameCallback' in this.#video) this.#video.requestVideoFrameCallback(() => resolve());
      else requestAnimationFrame(() => resolve());
    });
  }
}

/** Which sentence tells a person what to do about it. */
export function cameraFault(error: unknown): Key {
  if (!navigator.mediaDevices) return globalThis.isSecureContext ? 'errorCameraMissing' : 'errorInsecureCamera';
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'errorCameraDenied';
  return name === 'NotReadableError' || name === 'AbortError' ? 'errorCameraBusy' : 'errorCameraMissing';
}
