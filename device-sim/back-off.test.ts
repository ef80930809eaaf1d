import { expect, test } from 'vitest';
import { BackOff } from './back-off.ts';
import { createRandom } from './random.ts';

const pauses = (seed: string, count: number): number[] => {
  const backOff = new BackOff(createRandom(seed));
  return Array.from({ length: count }, () => backOff.next());
};

test('pauses double up to half a minute, each between half and all of it', () => {
  const longest = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
  for (const seed of ['a', 'b', 'c', 'd'])
    for (const [at, pause] of pauses(seed, longest.length).entries()) {
      expect(pause).toBeGreaterThanOrEqual((longest[at] as number) / 2);
      expect(pause).toBeLessThanOrEqual(longest[at] as number);
    }
  expect(pauses('a', 1_100).at(-1)).toBeLessThanOrEqual(30_000);
});

test('a seed repeats its pauses; devices that lost their gateway together come back apart', () => {
  expect(pauses('a', 5)).toEqual(pauses('a', 5));
  const firsts = new Set(Array.from({ length: 100 }, (_, at) => pauses(`device ${at}`, 1)[0]));
  expect(firsts.size).toBeGreaterThan(80);
});

test('once something came of a connection they begin anew', () => {
  const backOff = new BackOff(createRandom('a'));
  for (let at = 0; at < 8; at++) backOff.next();
  backOff.reset();
  expect(backOff.next()).toBeLessThanOrEqual(1_000);
});
