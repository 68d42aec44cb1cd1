/** The page's end of the line to the worker: a question goes in, a promise of its outcome comes out. */
import type { Outcome } from './answer';
import { DamagedError } from './download';
import type { Manifest } from './manifest';
import type { FromWorker, Input, ToWorker } from './messages';

interface Waiting {
  resolve: (outcome: Outcome) => void;
  reject: (error: Error) => void;
}

const MOST_THREADS = 4;

/** Threads need memory that several of them see, which a browser gives to isolated pages alone. */
const threadsHere = (): number =>
  globalThis.crossOriginIsolated
    ? Math.min(MOST_THREADS, Math.max(1, Math.ceil(navigator.hardwareConcurrency / 2)))
    : 1;

export class Session {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly threads: number;
  #last = 0;

  private constructor(worker: Worker, threads: number) {
    this.#worker = worker;
    this.threads = threads;
    worker.onmessage = ({ data: message }: MessageEvent<FromWorker>) => {
      if (message.kind !== 'answer' && message.kind !== 'refused') return;
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.kind === 'answer') waiting?.resolve(message.outcome);
      else waiting?.reject(new Error(message.reason));
    };
  }

  static async open(folder: string, manifest: Manifest, onProgress: (part: number) => void): Promise<Session> {
    const threads = threadsHere();
    try {
      return await Session.#start(folder, manifest, threads, onProgress);
    } catch (error) {
      if (threads === 1 || error instanceof DamagedError) throw error;
      // Some phones promise shared memory and then refuse it.
      return Session.#start(folder, manifest, 1, onProgress);
    }
  }

  static #start(folder: string, manifest: Manifest, threads: number, onProgress: (part: number) => void) {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    return new Promise<Session>((resolve, reject) => {
      const fail = (error: Error) => {
        worker.terminate();
        reject(error);
      };
      worker.onerror = (event) => fail(new Error(event.message || 'The worker did not start.'));
      worker.onmessage = ({ data: message }: MessageEvent<FromWorker>) => {
        if (message.kind === 'progress') onProgress(message.part);
        if (message.kind === 'ready') resolve(new Session(worker, threads));
        if (message.kind === 'failed')
          fail(message.damaged ? new DamagedError(message.damaged) : new Error(message.reason));
      };
      worker.postMessage({ kind: 'open', folder, manifest, threads } satisfies ToWorker);
    });
  }

  ask(input: Input): Promise<Outcome> {
    const id = ++this.#last;
    const transfer = input.kind === 'picture' ? [input.bitmap] : [];
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ kind: 'ask', id, input } satisfies ToWorker, transfer);
    });
  }
}
