/** The microphone, heard as raw samples: a compressing recorder would change what the model hears. */
import type { Key } from './language';
import { joined, loudness } from './sound';

export interface Recording {
  samples: Float32Array<ArrayBuffer>;
  rate: number;
}

export class Microphone {
  readonly #pieces: Float32Array[] = [];
  readonly #context: AudioContext;
  readonly #stream: MediaStream;

  private constructor(context: AudioContext, stream: MediaStream) {
    this.#context = context;
    this.#stream = stream;
  }

  static async open(onLoudness: (loudness: number) => void): Promise<Microphone> {
    const stream = await navigator.mediaDevices.getUserMedia({
      // Made for telephone calls: they cut out what is no speech.
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    const context = new AudioContext();
    try {
      const microphone = new Microphone(context, stream);
      await context.audioWorklet.addModule(new URL('microphone-worklet.js', document.baseURI).href);
      const listener = new AudioWorkletNode(context, 'microphone', {
        numberOfOutputs: 0,
        channelCount: 1,
        channelCountMode: 'explicit',
      });
      listener.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
        microphone.#pieces.push(data);
        onLoudness(loudness(data));
      };
      context.createMediaStreamSource(stream).connect(listener);
      await context.resume();
      return microphone;
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      void context.close();
      throw error;
    }
  }

  async close(): Promise<Recording> {
    for (const track of this.#stream.getTracks()) track.stop();
    const rate = this.#context.sampleRate;
    await this.#context.close();
    return { samples: joined(this.#pieces), rate };
  }
}

/** Which sentence tells a person what to do about it. */
export function microphoneFault(error: unknown): Key {
  if (!navigator.mediaDevices) return globalThis.isSecureContext ? 'errorMicrophoneMissing' : 'errorInsecureMicrophone';
  const name = error instanceof DOMException ? error.name : '';
  return name === 'NotAllowedError' || name === 'SecurityError' ? 'errorMicrophoneDenied' : 'errorMicrophoneMissing';
}
