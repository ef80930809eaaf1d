/**
 * `npm run crash -- [--kills N] [--seed N]`: kills gateways at random moments under load and checks after every restart that
 * nothing acknowledged is missing.
 *
 * `npm run crash -- --anchors [--rounds N] [--seed N]`: lets every fault of the chain meet a gateway that dies at every step of an anchor, so often.
 *
 * `npm test` runs a short one of each.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { runTable, wholeTable } from '../test/support/anchor-crash/table.ts';
import { runCrashTest } from '../test/support/crash/run.ts';

const KILLS = 200;
const USAGE =
  'usage: npm run crash -- [--kills N] [--seed N]\n       npm run crash -- --anchors [--rounds N] [--seed N]\n';

const { values } = parseArgs({
  options: {
    kills: { type: 'string' },
    anchors: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seed: { type: 'string' },
  },
});
const kills = Number(values.kills ?? KILLS);
const rounds = Number(values.rounds ?? 1);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
const isMixed = values[values.anchors ? 'kills' : 'rounds'] !== undefined;
const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 1;
if (isMixed || !isCount(kills) || !isCount(rounds) || !Number.isSafeInteger(seed)) {
  process.stderr.write(USAGE);
  process.exit(2);
}
const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function killUnderLoad(): Promise<string> {
  const { acknowledged, delivered, campaigns, ...done } = await runCrashTest({ kills, seed, say });
  return (
    `${done.kills} kills over ${campaigns} installations: ${acknowledged} statements acknowledged, ` +
    `0 lost, 0 twice, ${delivered} delivered once each`
  );
}

async function killOverAnchors(): Promise<string> {
  const counts = new Map<number, number>();
  for (let round = 0; round < rounds; round++)
    for (const [cadences, cells] of await runTable(wholeTable(seed + round), say))
      counts.set(cadences, (counts.get(cadences) ?? 0) + cells);
  const took = [...counts].toSorted().map(([nth, cells]) => `${cells} with checkpoint ${nth} after healing`);
  return `anchored again: ${took.join(', ')}`;
}

say(`seed ${seed}`);
const started = performance.now();
try {
  const result = await (values.anchors ? killOverAnchors() : killUnderLoad());
  say(`${result}; ${((performance.now() - started) / 60_000).toFixed(1)} minutes`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
