/** What page and worker say to each other. */
import type { Outcome } from './answer';
import type { Manifest } from './manifest';

export type Input =
  | { kind: 'picture'; bitmap: ImageBitmap }
  | { kind: 'text'; text: string }
  | { kind: 'sound'; samples: Float32Array };

export type ToWorker =
  | { kind: 'open'; folder: string; manifest: Manifest; threads: number }
  | { kind: 'ask'; id: number; input: Input };

export type FromWorker =
  | { kind: 'progress'; part: number }
  | { kind: 'ready' }
  | { kind: 'failed'; reason: string; damaged: string | null }
  | { kind: 'answer'; id: number; outcome: Outcome }
  | { kind: 'refused'; id: number; reason: string };
