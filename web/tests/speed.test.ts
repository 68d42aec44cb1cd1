import { expect, it } from 'vitest';
import { largestDifference } from '../src/golden';
import { Speed } from '../src/speed';

it('measures nothing from one answer', () => {
  const speed = new Speed();
  speed.add(0, 5);
  expect(speed.measured).toBeNull();
});

it('counts the steps between answers, and the mean time each took', () => {
  const speed = new Speed();
  for (let at = 0; at <= 1000; at += 100) speed.add(at, 40);
  expect(speed.measured).toEqual({ rate: 10, milliseconds: 40 });
});

it('forgets what is older than two seconds', () => {
  const speed = new Speed();
  speed.add(0, 1000);
  speed.add(5000, 10);
  speed.add(5500, 20);
  expect(speed.measured).toEqual({ rate: 2, milliseconds: 15 });
});

it('a missing probability is a difference without bound', () => {
  expect(largestDifference([0.5, 0.5], [0.25, 0.5])).toBe(0.25);
  expect(largestDifference([], [1])).toBe(Number.POSITIVE_INFINITY);
});
