import { describe, expect, it } from 'vitest';
import { joined, lengthAt, loudness, toMono } from '../src/sound';

describe('lengthAt', () => {
  it.each([
    [48_000, 48_000, 16_000, 16_000],
    [44_100, 44_100, 16_000, 16_000],
    [24_000, 16_000, 16_000, 24_000],
    [1, 48_000, 8_000, 1],
  ])('turns %i samples at %i Hz into so many at %i Hz: %i', (samples, from, to, expected) => {
    expect(lengthAt(samples, from, to)).toBe(expected);
  });
});

describe('toMono', () => {
  it('is the mean of the channels', () => {
    expect(toMono([Float32Array.of(1, 0), Float32Array.of(0, -1)])).toEqual(Float32Array.of(0.5, -0.5));
  });

  it('of no channel is no sound', () => {
    expect(toMono([])).toHaveLength(0);
  });
});

it('joined keeps the order of the pieces', () => {
  expect(joined([Float32Array.of(1, 2), Float32Array.of(), Float32Array.of(3)])).toEqual(Float32Array.of(1, 2, 3));
});

describe('loudness', () => {
  it.each([
    [0, 0],
    [1, 1],
    [0.001, 0], // -60 decibel
    [0.1, 2 / 3], // -20 decibel
  ])('of a constant %f is %f', (level, expected) => {
    expect(loudness(new Float32Array(100).fill(level))).toBeCloseTo(expected, 5);
  });
});
