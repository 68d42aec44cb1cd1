import { beforeAll, describe, expect, it } from 'vitest';
import { LARGEST, toRgb, visiblePart, widthWithin } from '../src/picture';

beforeAll(() => {
  // Node has no DOMRect; the page needs its four numbers alone.
  globalThis.DOMRect ??= class {
    constructor(
      readonly x: number,
      readonly y: number,
      readonly width: number,
      readonly height: number,
    ) {}
  } as unknown as typeof DOMRect;
});

describe('toRgb', () => {
  it('drops every fourth value and keeps the order of the rest', () => {
    expect(toRgb(Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 0))).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6));
  });
});

describe('widthWithin', () => {
  it('leaves a picture alone that is small enough', () => {
    expect(widthWithin(2000, 2000)).toBeNull();
  });

  it.each([
    [8660, 5773],
    [5773, 8660],
    [100_000, 500],
  ])('shrinks %i x %i to what a phone can hold', (width, height) => {
    const shrunk = widthWithin(width, height) ?? width;
    const pixels = shrunk * Math.round((shrunk * height) / width);
    expect(pixels).toBeLessThanOrEqual(LARGEST * 1.01);
    expect(pixels).toBeGreaterThan(LARGEST * 0.9);
  });
});

describe('visiblePart', () => {
  it('cuts left and right off a wide video in a tall box', () => {
    expect(visiblePart(1280, 960, 300, 400)).toMatchObject({ x: 280, y: 0, width: 720, height: 960 });
  });

  it('cuts above and below off a tall video in a wide box', () => {
    expect(visiblePart(480, 640, 400, 300)).toMatchObject({ x: 0, y: 140, width: 480, height: 360 });
  });

  it('takes all of a video that has the shape of the box', () => {
    expect(visiblePart(640, 480, 320, 240)).toMatchObject({ x: 0, y: 0, width: 640, height: 480 });
  });
});
