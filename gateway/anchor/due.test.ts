import { describe, expect, test } from 'vitest';
import { ClockedBackOff, isDue, untilDue } from './due.ts';

describe('isDue', () => {
  test.each([
    [1_000, 500, 1_499, false, 1],
    [1_000, 500, 1_500, true, 0],
    [1_000, 500, 900, true, 0],
  ])('since %i, after %i ms, at %i', (since, after, now, due, wait) => {
    expect(isDue(since, after, now)).toBe(due);
    expect(untilDue(since, after, now)).toBe(wait);
  });
});

describe('ClockedBackOff', () => {
  test('doubles up to the longest wait and starts anew after success', () => {
    const backoff = new ClockedBackOff(100, 1_000);
    expect(backoff.remaining(0)).toBe(0);
    const waits = Array.from({ length: 6 }, () => {
      backoff.fail(0);
      return backoff.remaining(0);
    });
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    backoff.reset();
    expect(backoff.remaining(0)).toBe(0);
    backoff.fail(0);
    expect(backoff.remaining(40)).toBe(60);
  });

  test('does not wait out a clock that was set back', () => {
    const backoff = new ClockedBackOff(100, 1_000);
    backoff.fail(1_000_000);
    expect(backoff.remaining(0)).toBe(0);
  });
});
