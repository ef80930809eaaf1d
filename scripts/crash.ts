/**
 * `npm run crash -- [--kills N] [--seed N]`: kills gateways at random moments under load and checks after every restart that
 * nothing acknowledged is missing. `npm test` runs a short one.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { runCrashTest } from '../test/support/crash/run.ts';

const KILLS = 200;

const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' } } });
const kills = Number(values.kills ?? KILLS);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
if (!Number.isSafeInteger(kills) || kills < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write('usage: npm run crash -- [--kills N] [--seed N]\n');
  process.exit(2);
}
const say = (line: string): void => void process.stdout.write(`${line}\n`);

say(`seed ${seed}`);
const started = performance.now();
try {
  const { acknowledged, delivered, campaigns, ...done } = await runCrashTest({ kills, seed, say });
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  say(
    `${done.kills} kills over ${campaigns} installations in ${minutes} minutes: ${acknowledged} statements acknowledged, ` +
      `0 lost, 0 twice, ${delivered} delivered once each`,
  );
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
