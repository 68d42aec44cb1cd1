/** What the page is told about its model, checked once so that nothing behind it has to doubt. */

export type Modality = 'image' | 'text' | 'audio';

export interface Accuracy {
  value: number;
  low: number;
  high: number;
  samples: number;
  part: string;
}

export interface TextPreprocess {
  tokens: number;
  pad: number;
  fixed: number | null;
}

export interface AudioPreprocess {
  rate: number;
  samples: number;
}

export interface Manifest {
  name: string;
  modality: Modality;
  classes: string[];
  noun: string;
  model: string;
  variant: string;
  input: { name: string; type: string };
  outputs: [string, string];
  unknownThreshold: number;
  text: TextPreprocess | null;
  audio: AudioPreprocess | null;
  licence: string;
  /** Where the licence is stated, and what is in doubt; empty in artifacts of earlier versions. */
  licenceSource: string;
  licenceNote: string;
  made: string;
  accuracy: Accuracy | null;
  graft: string;
  sha256: Record<string, string>;
}

export class ManifestError extends Error {}

const FORMAT = 1;
const TYPES: Record<Modality, string> = { image: 'uint8', text: 'int64', audio: 'float32' };

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isCount = (value: unknown): value is number => isNumber(value) && Number.isInteger(value) && value > 0;

/** Reads model/manifest.json; throws a ManifestError that names every fault at once. */
export function parseManifest(value: unknown): Manifest {
  if (!isFields(value)) throw new ManifestError('model/manifest.json is not a JSON object.');
  if (value.format !== FORMAT) {
    throw new ManifestError(
      `model/manifest.json has format ${String(value.format)}; this page reads format ${FORMAT}.`,
    );
  }
  const faults: string[] = [];
  const need = (holds: boolean, fault: string) => {
    if (!holds) faults.push(fault);
  };
  const { classes, outputs, accuracy, sha256 } = value;
  const modality = value.modality as Modality;
  const input = isFields(value.input) ? value.input : {};
  const preprocess = isFields(value.preprocess) ? value.preprocess : {};

  const missing = ['name', 'model', 'noun', 'licence', 'made', 'graft', 'variant'].filter((key) => !isText(value[key]));
  need(missing.length === 0, `${missing.join(', ')} must be a text that is not empty`);
  need(isText(modality) && Object.hasOwn(TYPES, modality), 'modality must be image, text or audio');
  need(Array.isArray(classes) && classes.length >= 2 && classes.every(isText), 'classes must be two or more names');
  need(isText(input.name), 'input.name must be a text');
  if (isText(modality) && Object.hasOwn(TYPES, modality)) {
    need(input.type === TYPES[modality], `input.type must be ${TYPES[modality]} for ${modality}`);
  }
  need(Array.isArray(outputs) && outputs.length === 2 && outputs.every(isText), 'outputs must be two names');
  need(isNumber(value.unknown_threshold), 'unknown_threshold must be a number');
  if (modality === 'text') {
    need(isCount(preprocess.tokens), 'preprocess.tokens must be a count');
    need(isNumber(preprocess.pad), 'preprocess.pad must be a number');
    need((preprocess.fixed ?? null) === null || isCount(preprocess.fixed), 'preprocess.fixed must be a count or null');
  }
  if (modality === 'audio') {
    need(isCount(preprocess.rate), 'preprocess.rate must be a count');
    need(isCount(preprocess.samples), 'preprocess.samples must be a count');
  }
  need((accuracy ?? null) === null || isAccuracy(accuracy), 'accuracy must have value, low, high, samples and part');
  if (faults.length > 0) throw new ManifestError(`model/manifest.json cannot be used: ${faults.join('; ')}.`);

  return {
    name: value.name as string,
    modality,
    classes: classes as string[],
    noun: value.noun as string,
    model: value.model as string,
    variant: value.variant as string,
    input: { name: input.name as string, type: input.type as string },
    outputs: outputs as [string, string],
    unknownThreshold: value.unknown_threshold as number,
    text:
      modality === 'text'
        ? {
            tokens: preprocess.tokens as number,
            pad: preprocess.pad as number,
            fixed: (preprocess.fixed as number | null | undefined) ?? null,
          }
        : null,
    audio: modality === 'audio' ? { rate: preprocess.rate as number, samples: preprocess.samples as number } : null,
    licence: value.licence as string,
    licenceSource: isText(value.licence_source) ? value.licence_source : '',
    licenceNote: isText(value.licence_note) ? value.licence_note : '',
    made: value.made as string,
    accuracy: (accuracy as Accuracy | null | undefined) ?? null,
    graft: value.graft as string,
    sha256: isFields(sha256) ? (sha256 as Record<string, string>) : {},
  };
}

function isAccuracy(value: unknown): value is Accuracy {
  return (
    isFields(value) && isText(value.part) && ['value', 'low', 'high', 'samples'].every((key) => isNumber(value[key]))
  );
}
