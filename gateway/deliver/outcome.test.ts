import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeAnswer, parseRetryAfter, retryDelay } from './outcome.ts';

const NOW = Date.UTC(2030, 0, 1);

describe('judgeAnswer', () => {
  it('knows every status', () => {
    const words = new Map<string, number[]>();
    for (let status = 0; status <= 600; status++) {
      const outcome = judgeAnswer({ status });
      const word = outcome.kind === 'retry' && outcome.refused ? 'retry, refused' : outcome.kind;
      words.set(word, [...(words.get(word) ?? []), status]);
    }
    expect(words.get('delivered')).toEqual(Array.from({ length: 100 }, (_, i) => 200 + i));
    expect(words.get('too-large')).toEqual([413]);
    expect(words.get('retry')).toEqual([
      ...Array.from({ length: 100 }, (_, i) => 300 + i),
      ...[401, 403, 404, 407, 408, 409, 421, 423, 425, 429, 502, 503, 504],
    ]);
    expect(words.get('dead')).toEqual(
      expect.arrayContaining([400, 402, 405, 406, 410, 411, 415, 422, 431, 451, 499]),
    );
    expect(words.get('retry, refused')).toEqual(expect.arrayContaining([0, 199, 500, 501, 505, 599, 600]));
  });
});

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 120 ', 120_000],
    ['Tue, 01 Jan 2030 00:01:00 GMT', 60_000],
    ['Mon, 31 Dec 2029 00:00:00 GMT', 0],
    ['', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['99999999999', undefined],
    ['2030', 2_030_000],
    ['2030-01-01', undefined],
    ['Tue, 99 Jan 2030 00:01:00 GMT', undefined],
    ['soon', undefined],
  ])('%j', (text, expected) => {
    expect(parseRetryAfter(text, NOW)).toBe(expected);
  });
});

describe('retryDelay', () => {
  const settings = { baseMs: 1_000, capMs: 300_000, retryAfterCapMs: 3_600_000 };

  it('doubles up to the cap, half of it jitter', () => {
    const delays = [0, 1, 2, 8, 9, 1_000_000].map((earlier) =>
      [0, 0.999_999].map((random) => retryDelay(earlier, settings, { random })),
    );
    expect(delays).toEqual([
      [500, 1_000],
      [1_000, 2_000],
      [2_000, 4_000],
      [128_000, 256_000],
      [150_000, 300_000],
      [150_000, 300_000],
    ]);
  });

  it('is what the provider asked for, within bounds: never at once, never for ever', () => {
    const asked = (retryAfterMs: number) => retryDelay(3, settings, { random: 0, retryAfterMs });
    expect([0, 999, 7_000, 1e15].map(asked)).toEqual([1_000, 1_000, 7_000, 3_600_000]);
  });

  it('is a positive whole number whatever goes in', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (earlier, random) => {
          const delay = retryDelay(earlier, settings, { random });
          expect(Number.isSafeInteger(delay) && delay >= 500 && delay <= 300_000).toBe(true);
        },
      ),
    );
  });
});
