import { expect, test } from 'vitest';
import { MUTANTS } from '../../contracts/testing/mutants.ts';
import { killMutants } from './contract-mutants.ts';

/** One of each kind; `npm run fuzz -- contract-mutants` has them all. */
const NAMES = ['the owner anchors as well', 'old roots are forgotten', 'the old root is not compared'];

test('the forge tests notice a broken contract, and nothing in the one that is deployed', async () => {
  const lines: string[] = [];
  const mutants = MUTANTS.filter(({ name }) => NAMES.includes(name));
  await killMutants(mutants, { runs: 3, seed: 1, say: (line) => lines.push(line) });
  expect(lines).toHaveLength(NAMES.length);
});
