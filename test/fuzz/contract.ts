/** The forge tests of the contract with more runs than `npm test` has time for. */
import { runForge } from '../../contracts/forge-test.ts';
import { FuzzFinding, type FuzzTarget } from './target.ts';

/** A sequence of calls costs some fifty times a call, and finds less when it is short. */
const RUNS_PER_SEQUENCE = 50;
const CALLS_PER_SEQUENCE = 200;

export const contractFuzz: FuzzTarget = {
  summary: 'the contract under forge: N runs a fuzz test, N / 50 sequences of 200 calls an invariant',
  async run({ runs, seed, say }) {
    const sequences = Math.max(1, Math.round(runs / RUNS_PER_SEQUENCE));
    const { status, output } = await runForge(['--fuzz-seed', `0x${seed.toString(16)}`], {
      env: {
        FOUNDRY_FUZZ_RUNS: String(Math.max(1, runs)),
        FOUNDRY_INVARIANT_RUNS: String(sequences),
        FOUNDRY_INVARIANT_DEPTH: String(CALLS_PER_SEQUENCE),
      },
      say: (text) => say(text.trimEnd()),
    });
    if (status !== 0)
      throw new FuzzFinding('contract', { runs, seed }, 'forge found what must not be, see above');
    return {
      tests: sum(output, /(\d+) tests passed/g),
      'fuzz runs': sum(output, /^\[PASS\].*\(runs: (\d+), μ/gm),
      'calls of sequences': sum(output, /, calls: (\d+), reverts/g),
    };
  },
};

function sum(output: string, pattern: RegExp): number {
  return [...output.matchAll(pattern)].reduce((total, [, number]) => total + Number(number), 0);
}
