/** `npm run fuzz -- TARGET [--runs N] [--seed S]`: throws generated cases at a part until one of them breaks something. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { FUZZ_TARGETS } from '../test/fuzz/targets.ts';

const DEFAULT_RUNS = 100_000;
const SEEDS = 2 ** 32;

/** A whole number of at least 0 from the command line. Throws RangeError for anything else. */
function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`--${name}: a whole number, not ${text}`);
  return value;
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { runs: { type: 'string' }, seed: { type: 'string' } },
  });
  const target = FUZZ_TARGETS[positionals[0] ?? ''];
  if (target === undefined || positionals.length > 1) {
    const known = Object.entries(FUZZ_TARGETS).map(
      ([name, { summary }]) => `  ${name.padEnd(16)} ${summary}`,
    );
    process.stderr.write(`npm run fuzz -- TARGET [--runs N] [--seed S], with one of\n${known.join('\n')}\n`);
    return 2;
  }
  const runs = wholeNumber('runs', values.runs ?? String(DEFAULT_RUNS));
  const seed = wholeNumber('seed', values.seed ?? String(Math.floor(Math.random() * SEEDS)));
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  say(`${positionals[0]}: ${runs} runs with seed ${seed}`);
  const figures = await target.run({ runs, seed, say });
  for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name.padEnd(40)} ${value}\n`);
  return 0;
}

// Leaving by exit, so that what was started for the run ends with it.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
