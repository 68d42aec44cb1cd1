/** Recordings become one channel at the model's rate, full scale -1 to 1. */

export const lengthAt = (samples: number, from: number, to: number): number =>
  Math.max(1, Math.round((samples * to) / from));

/** The mean of all channels. */
export function toMono(channels: Float32Array[]): Float32Array {
  const mono = new Float32Array(channels[0]?.length ?? 0);
  for (const channel of channels) {
    for (let index = 0; index < mono.length; index++) {
      mono[index] = (mono[index] as number) + (channel[index] as number) / channels.length;
    }
  }
  return mono;
}

/** Joins the pieces that a microphone delivered. */
export function joined(pieces: Float32Array[]): Float32Array<ArrayBuffer> {
  const whole = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Loudness from 0 to 1 on the scale that an ear uses: -60 decibel and less is 0, full scale is 1. */
export function loudness(samples: Float32Array): number {
  const square = samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length);
  return Math.min(1, Math.max(0, 1 + Math.log10(Math.max(square, 1e-12)) / 6));
}

export async function resample(samples: Float32Array<ArrayBuffer>, from: number, to: number): Promise<Float32Array> {
  if (from === to) return samples;
  const context = new OfflineAudioContext(1, lengthAt(samples.length, from, to), to);
  const buffer = context.createBuffer(1, samples.length, from);
  buffer.copyToChannel(samples, 0);
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  source.start();
  return (await context.startRendering()).getChannelData(0);
}

/** Decodes a recording in any format that the browser plays. */
export async function decodeSound(file: Blob, rate: number): Promise<Float32Array> {
  // A context of the model's rate resamples while it decodes.
  const buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await file.arrayBuffer());
  return toMono(Array.from({ length: buffer.numberOfChannels }, (_, channel) => buffer.getChannelData(channel)));
}
