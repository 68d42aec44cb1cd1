import { describe, expect, it } from 'vitest';
import { isUnsure, toAnswer, topOf } from '../src/answer';

const classes = ['apple', 'pear', 'plum', 'quince'];

describe('topOf', () => {
  it('gives the most probable classes, best first', () => {
    const names = topOf([0.1, 0.2, 0.4, 0.3], classes).map(({ name }) => name);
    expect(names).toEqual(['plum', 'quince', 'pear']);
  });

  it('lets the earlier of two equals win, as argmax does in Python', () => {
    expect(topOf([0.25, 0.25, 0.25, 0.25], classes, 1)).toEqual([{ name: 'apple', probability: 0.25 }]);
  });

  it('gives two where there are only two', () => {
    expect(topOf([0.1, 0.9], ['no', 'yes'])).toHaveLength(2);
  });
});

describe('isUnsure', () => {
  it.each([
    [0.61, false],
    [0.62, false],
    [0.63, true],
    [Number.NaN, true],
  ])('takes %f against a threshold of 0.62 as unsure: %s', (unknown, unsure) => {
    expect(isUnsure(unknown, 0.62)).toBe(unsure);
  });
});

describe('toAnswer', () => {
  const outcome = { probabilities: Float32Array.of(0.25, 0.5, 0.125, 0.125), unknown: 0.5, milliseconds: 7 };

  it('names the best class even where it is unsure', () => {
    expect(toAnswer(outcome, classes, 0.4)).toMatchObject({ label: 'pear', unsure: true, milliseconds: 7 });
  });

  it('hands on the pixels of a picture, and invents none for a text', () => {
    const frame = { data: new Uint8Array(3), width: 1, height: 1 };
    expect(toAnswer({ ...outcome, frame }, classes, 0.4).frame).toBe(frame);
    expect(toAnswer(outcome, classes, 0.4)).not.toHaveProperty('frame');
  });
});
