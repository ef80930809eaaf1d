import { expect, test } from 'vitest';
import { SeededRandom } from './seeded-random.ts';

test('a seed repeats its choices; neighbouring seeds and generators of one seed differ', () => {
  const choices = (seed: number, number?: number): number[] => {
    const random = new SeededRandom(seed, number);
    return Array.from({ length: 20 }, () => random.below(1000));
  };
  expect(choices(5)).toEqual(choices(5));
  expect(choices(5)).not.toEqual(choices(6));
  expect(choices(5, 1)).not.toEqual(choices(5, 2));
});

test('choices are as likely as they should be, over one generator and over the first of many', () => {
  const one = new SeededRandom(1);
  const draws: readonly ((at: number) => number)[] = [
    () => one.below(3),
    () => one.between(7, 9) - 7,
    () => one.pick([0, 1, 2]),
    (at) => new SeededRandom(at).below(3),
    (at) => new SeededRandom(1, at).below(3),
  ];
  for (const draw of draws) {
    const counts = [0, 0, 0];
    for (let at = 0; at < 3000; at++) {
      const choice = draw(at);
      counts[choice] = (counts[choice] as number) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(850);
  }
});

test('a weight says how likely a choice is; none is no choice at all', () => {
  const random = new SeededRandom(2);
  const picks = Array.from({ length: 4000 }, () =>
    random.pickWeighted([
      [1, 'seldom'],
      [0, 'never'],
      [3, 'often'],
    ]),
  );
  const share = picks.filter((pick) => pick === 'often').length / picks.length;
  expect(share).toBeGreaterThan(0.7);
  expect(share).toBeLessThan(0.8);
  expect(picks).not.toContain('never');
  expect(() => random.pickWeighted([])).toThrow(RangeError);
  expect(() => random.pick([])).toThrow(RangeError);
});
