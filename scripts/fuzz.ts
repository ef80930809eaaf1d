/** `npm run fuzz -- NAME --runs N --seed N`: throws seeded input at one part, until a run breaks a promise or all are done. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { signatures } from '../test/fuzz/signatures.ts';
import type { FuzzTarget } from '../test/fuzz/target.ts';

const TARGETS: readonly FuzzTarget[] = [signatures];
const DEFAULT_RUNS = '10000';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: DEFAULT_RUNS },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  },
});
const [runs, seed] = [Number(values.runs), Number(values.seed)];
const target = TARGETS.find(({ name }) => name === positionals[0]);
if (target === undefined || ![runs, seed].every((number) => Number.isSafeInteger(number) && number >= 0)) {
  const names = TARGETS.map(({ name }) => name).join(', ');
  process.stderr.write(`usage: npm run fuzz -- NAME [--runs N] [--seed N], where NAME is one of ${names}\n`);
  process.exitCode = 2;
} else {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  say(`${target.name}: ${runs} runs from seed ${seed}`);
  try {
    await target.run({ runs, seed, say });
    say(`${target.name}: ${runs} runs, no fault`);
  } catch (error) {
    process.stderr.write(`${(error as Error).stack}\n`);
    process.exitCode = 1;
  }
}
