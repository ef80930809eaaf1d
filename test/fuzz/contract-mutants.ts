/** The contract broken on purpose, one line at a time: a mutant that no forge test notices shows what the tests are not worth. */
import { MUTANTS, type Mutant } from '../../contracts/testing/mutants.ts';
import { findKiller } from '../../contracts/testing/run-mutant.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { FuzzFinding, type FuzzOptions, type FuzzTarget } from './target.ts';

export const contractMutantsFuzz: FuzzTarget = {
  summary: `the contract broken in up to ${MUTANTS.length} ways: the forge tests notice each, as npm test runs them`,
  async run({ runs, seed, say }) {
    const mutants = pickMutants(runs, seed);
    await killMutants(mutants, { runs, seed, say });
    return { mutants: mutants.length };
  },
};

/** Puts each mutant through the forge tests, after the contract itself. Throws {@link FuzzFinding} at the first that lives. */
export async function killMutants(mutants: readonly Mutant[], options: FuzzOptions): Promise<void> {
  const { seed, say } = options;
  const finding = (what: string): FuzzFinding => new FuzzFinding('contract-mutants', options, what);
  const fault = await findKiller(undefined, seed);
  if (fault !== undefined) throw finding(`the contract itself fails ${fault.test}: ${fault.reason}`);
  for (const [at, mutant] of mutants.entries()) {
    const killer = await findKiller(mutant, seed);
    if (killer === undefined) throw finding(`no test notices a contract where ${mutant.name}`);
    say(`${at + 1} of ${mutants.length}: ${mutant.name} | ${killer.test}: ${killer.reason}`);
  }
}

function pickMutants(count: number, seed: number): readonly Mutant[] {
  const random = new SeededRandom(seed);
  const left = [...MUTANTS];
  const picked = Array.from({ length: Math.min(count, left.length) }, () => {
    return left.splice(random.below(left.length), 1)[0] as Mutant;
  });
  // As they stand in the list, which is in the order of the source.
  return MUTANTS.filter((mutant) => picked.includes(mutant));
}
