/** Asks the model about examples whose answers are known, to see that this device computes what it should. */

import { topOf } from './answer';
import type { Manifest } from './manifest';
import type { Input } from './messages';
import { decodePicture } from './picture';
import type { Session } from './session';
import { decodeSound } from './sound';

/** What arithmetic in few bits may move a probability by; the examples were computed in full precision. */
const tolerance = (variant: string): number => (variant === 'int8' ? 0.25 : 0.02);

interface Example {
  file: string;
  probabilities: number[];
  label: string;
}

export interface Check {
  all: number;
  agree: number;
  difference: number;
}

export const largestDifference = (found: ArrayLike<number>, known: number[]): number =>
  known.reduce((most, value, index) => Math.max(most, Math.abs(value - (found[index] ?? Number.POSITIVE_INFINITY))), 0);

async function read(content: Blob, manifest: Manifest): Promise<Input> {
  if (manifest.audio) return { kind: 'sound', samples: await decodeSound(content, manifest.audio.rate) };
  if (manifest.text) return { kind: 'text', text: await content.text() };
  return { kind: 'picture', bitmap: await decodePicture(content) };
}

/** Null where the page came without examples. */
export async function checkGolden(
  folder: string,
  manifest: Manifest,
  session: Session,
  onExample: (done: number, all: number) => void,
): Promise<Check | null> {
  const response = await fetch(`${folder}golden/golden.json`);
  if (!response.ok) return null;
  const { inputs } = (await response.json()) as { inputs: Example[] };
  const check: Check = { all: inputs.length, agree: 0, difference: 0 };
  for (const [index, example] of inputs.entries()) {
    onExample(index + 1, inputs.length);
    const content = await (await fetch(`${folder}golden/${example.file}`)).blob();
    const { probabilities } = await session.ask(await read(content, manifest));
    const difference = largestDifference(probabilities, example.probabilities);
    check.difference = Math.max(check.difference, difference);
    const label = topOf(probabilities, manifest.classes, 1)[0]?.name;
    if (label === example.label && difference <= tolerance(manifest.variant)) check.agree += 1;
  }
  return check;
}
