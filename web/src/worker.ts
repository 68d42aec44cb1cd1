/** Runs the graph away from the page, so that the page stays responsive. */

import loader from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import binary from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import * as runtime from 'onnxruntime-web/wasm';
import type { Frame, Outcome } from './answer';
import { DamagedError, download, verify } from './download';
import type { Manifest } from './manifest';
import type { FromWorker, Input, ToWorker } from './messages';
import { frameOf } from './picture';
import type { Words } from './words';

const TOKENIZER = 'tokenizer.json';

interface Opened {
  session: runtime.InferenceSession;
  manifest: Manifest;
  words: Words | null;
}

let opened: Opened | null = null;

const say = (message: FromWorker, transfer: Transferable[] = []) =>
  (self as unknown as Worker).postMessage(message, transfer);

async function open(folder: string, manifest: Manifest, threads: number): Promise<void> {
  runtime.env.logLevel = 'error';
  runtime.env.wasm.numThreads = threads;
  runtime.env.wasm.wasmPaths = { mjs: new URL(loader, self.location.href).href };
  const [wasm, graph, words] = await Promise.all([
    download(new URL(binary, self.location.href).href),
    download(folder + manifest.model, (part) => say({ kind: 'progress', part })),
    manifest.text ? openWords(folder, manifest) : null,
  ]);
  await verify(manifest.model, graph, manifest.sha256[manifest.model]);
  // The runtime and the model load side by side, and no server has to know the type of a .wasm file.
  runtime.env.wasm.wasmBinary = wasm;
  const session = await runtime.InferenceSession.create(graph, { executionProviders: ['wasm'] });
  opened = { session, manifest, words };
}

async function openWords(folder: string, manifest: Manifest): Promise<Words> {
  const [{ Words: Opening }, file] = await Promise.all([import('./words'), download(folder + TOKENIZER)]);
  await verify(TOKENIZER, file, manifest.sha256[TOKENIZER]);
  return new Opening(JSON.parse(new TextDecoder().decode(file)));
}

async function feed(input: Input, { manifest, words }: Opened): Promise<{ tensor: runtime.Tensor; frame?: Frame }> {
  if (input.kind === 'picture') {
    const frame = frameOf(input.bitmap);
    input.bitmap.close();
    return { tensor: new runtime.Tensor('uint8', frame.data, [1, frame.height, frame.width, 3]), frame };
  }
  if (input.kind === 'sound') {
    return { tensor: new runtime.Tensor('float32', input.samples, [1, input.samples.length]) };
  }
  if (!words || !manifest.text) throw new Error('This model takes no texts.');
  const { tokensOf } = await import('./words');
  const tokens = tokensOf(words.ids(input.text), manifest.text);
  return { tensor: new runtime.Tensor('int64', tokens, [1, tokens.length]) };
}

async function ask(input: Input): Promise<Outcome> {
  if (!opened) throw new Error('The model is not loaded yet.');
  const { session, manifest } = opened;
  const began = performance.now();
  const { tensor, frame } = await feed(input, opened);
  const result = await session.run({ [manifest.input.name]: tensor });
  const [probabilities, unknown] = manifest.outputs.map((name) => result[name]?.data as Float32Array | undefined);
  if (!probabilities || !unknown) throw new Error(`The model gives no ${manifest.outputs.join(' and ')}.`);
  const milliseconds = performance.now() - began;
  return {
    probabilities: probabilities.slice(),
    unknown: unknown[0] ?? Number.NaN,
    milliseconds,
    ...(frame ? { frame } : {}),
  };
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

self.onmessage = async ({ data: message }: MessageEvent<ToWorker>) => {
  if (message.kind === 'open') {
    try {
      await open(message.folder, message.manifest, message.threads);
      say({ kind: 'ready' });
    } catch (error) {
      say({ kind: 'failed', reason: reasonOf(error), damaged: error instanceof DamagedError ? error.file : null });
    }
    return;
  }
  const { id, input } = message;
  try {
    const outcome = await ask(input);
    const frame = outcome.frame ? [outcome.frame.data.buffer as ArrayBuffer] : [];
    say({ kind: 'answer', id, outcome }, frame);
  } catch (error) {
    say({ kind: 'refused', id, reason: reasonOf(error) });
  }
};
