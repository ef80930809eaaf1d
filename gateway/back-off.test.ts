import { expect, test } from 'vitest';
import { BackOff } from './back-off.ts';

test('doubles up to its bound, for ever, and starts over', () => {
  const backOff = new BackOff(100, 1_000);
  expect(Array.from({ length: 6 }, () => backOff.next())).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  for (let failure = 0; failure < 5_000; failure++) expect(backOff.next()).toBe(1_000);
  backOff.reset();
  expect(backOff.next()).toBe(100);
});
