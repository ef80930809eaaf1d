import { expect, test } from 'vitest';
import { fuzzEventProofs } from './event-proofs.ts';

const RUNS = 6000;

test('mutated event proofs: nothing false is believed, nothing throws (npm run fuzz for more)', () => {
  const seed = Date.now() % 1_000_000_000;
  const lines: string[] = [];
  const counts = fuzzEventProofs({ runs: RUNS, seed, say: (line) => lines.push(line) });
  const context = `seed ${seed}: ${lines.at(-1)}`;
  expect(counts.proofs + counts.items, context).toBe(RUNS);
  expect(counts.wellFormed, context).toBeGreaterThan(RUNS / 4);
  expect(counts.proven, context).toBeGreaterThan(RUNS / 200);
  expect(counts.read, context).toBeGreaterThan(RUNS / 40);
});
