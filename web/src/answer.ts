/** From probabilities to what a person is told. */

export interface Candidate {
  name: string;
  probability: number;
}

/** RGB pixels, row by row, as they went into the graph. */
export interface Frame {
  data: Uint8Array;
  width: number;
  height: number;
}

export interface Answer {
  label: string;
  unsure: boolean;
  top: Candidate[];
  milliseconds: number;
  frame?: Frame;
}

export interface Outcome {
  probabilities: Float32Array;
  unknown: number;
  milliseconds: number;
  frame?: Frame;
}

const SHOWN = 3;

/** The `count` most probable classes, best first; of equals the one that comes first in the list of classes. */
export function topOf(probabilities: ArrayLike<number>, classes: string[], count = SHOWN): Candidate[] {
  return classes
    .map((name, index) => ({ name, probability: probabilities[index] ?? 0 }))
    .sort((left, right) => right.probability - left.probability)
    .slice(0, count);
}

/** A value that is no number is a failure of the model, and never a confident answer. */
export const isUnsure = (unknown: number, threshold: number): boolean => !(unknown <= threshold);

export function toAnswer(outcome: Outcome, classes: string[], threshold: number): Answer {
  const top = topOf(outcome.probabilities, classes);
  return {
    label: top[0]?.name ?? '',
    unsure: isUnsure(outcome.unknown, threshold),
    top,
    milliseconds: outcome.milliseconds,
    ...(outcome.frame ? { frame: outcome.frame } : {}),
  };
}

/** Lets tests and pages around this one listen. */
export const announce = (answer: Answer): boolean =>
  document.dispatchEvent(new CustomEvent('graft:answer', { detail: answer }));
