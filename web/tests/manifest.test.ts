import { describe, expect, it } from 'vitest';
import { ManifestError, parseManifest } from '../src/manifest';

const picture = {
  format: 1,
  name: 'fruit',
  modality: 'image',
  classes: ['apple', 'pear'],
  noun: 'picture',
  model: 'model.onnx',
  variant: 'int8',
  input: { name: 'picture', type: 'uint8' },
  outputs: ['probabilities', 'unknown'],
  unknown_threshold: 0.62,
  preprocess: { resize: 256, crop: 224 },
  licence: 'Apache-2.0',
  made: '2026-11-25',
  accuracy: null,
  graft: '0.1.0',
  sha256: {},
};
const text = {
  ...picture,
  modality: 'text',
  input: { name: 'tokens', type: 'int64' },
  preprocess: { tokens: 256, pad: 0, fixed: null },
};
const audio = {
  ...picture,
  modality: 'audio',
  input: { name: 'waveform', type: 'float32' },
  preprocess: { rate: 16000, samples: 24000 },
};

describe('parseManifest', () => {
  it('reads one of each kind', () => {
    expect(parseManifest(picture)).toMatchObject({
      modality: 'image',
      unknownThreshold: 0.62,
      text: null,
      audio: null,
    });
    expect(parseManifest(text).text).toEqual({ tokens: 256, pad: 0, fixed: null });
    expect(parseManifest(audio).audio).toEqual({ rate: 16000, samples: 24000 });
  });

  it('keeps where the licence is stated and what is in doubt, and does without', () => {
    const stated = { ...picture, licence_source: 'its page', licence_note: 'Ask.' };
    expect(parseManifest(stated)).toMatchObject({ licenceSource: 'its page', licenceNote: 'Ask.' });
    expect(parseManifest({ ...picture, licence_note: 7 })).toMatchObject({ licenceSource: '', licenceNote: '' });
  });

  it('keeps the accuracy with its interval', () => {
    const accuracy = { value: 0.82, low: 0.8, high: 0.84, samples: 1117, part: 'test' };
    expect(parseManifest({ ...picture, accuracy }).accuracy).toEqual(accuracy);
  });

  it('says which format came and which it reads', () => {
    expect(() => parseManifest({ ...picture, format: 2 })).toThrow(/format 2; this page reads format 1/);
  });

  it('reports all faults together', () => {
    const faulty = { ...picture, name: '', classes: ['one'], input: { name: 'x', type: 'float32' } };
    const report = () => parseManifest(faulty);
    expect(report).toThrow(ManifestError);
    expect(report).toThrow(/name must be.*classes must be two or more.*input\.type must be uint8 for image/s);
  });

  it.each([
    ['a list', []],
    ['nothing', null],
    ['a number', 1],
  ])('refuses %s', (_, value) => {
    expect(() => parseManifest(value)).toThrow('not a JSON object');
  });

  it.each([
    ['tokens', { ...text, preprocess: { pad: 0 } }],
    ['fixed', { ...text, preprocess: { tokens: 8, pad: 0, fixed: 'all' } }],
    ['samples', { ...audio, preprocess: { rate: 16000 } }],
    ['modality', { ...picture, modality: 'smell' }],
    ['modality', { ...picture, modality: 'toString' }],
    ['accuracy', { ...picture, accuracy: { value: 1 } }],
  ])('names a faulty %s', (name, value) => {
    expect(() => parseManifest(value)).toThrow(name);
  });
});
