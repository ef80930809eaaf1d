/** `npm run bench -- NAME [--json]`: measures one group of figures and prints them. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { measureAnchor } from './anchor.ts';
import { measureExternal } from './external.ts';
import { measureGrowth } from './growth.ts';
import { measureIntake } from './intake.ts';
import type { Bench } from './options.ts';
import { printFigures } from './report.ts';
import { measureSoak } from './soak.ts';
import { measureVerify } from './verify.ts';

const BENCHES: Readonly<Record<string, Bench>> = {
  anchor: measureAnchor,
  external: ({ say }) => measureExternal(say),
  growth: ({ say }) => measureGrowth(say),
  intake: measureIntake,
  soak: measureSoak,
  verify: measureVerify,
};
const USAGE = `npm run bench -- NAME [--json], where NAME is one of ${Object.keys(BENCHES).join(', ')}
  --json          one line of JSON instead of a table
  --only A,B      anchor, intake: only these groups of figures
  --rounds N      intake, verify: how often each ratio is taken; the median counts (default 5)
  --cpu-prof DIR  intake: a CPU profile of each thread of the gateway; read them with bench/profile.ts
  --minutes N     soak: how long (default 10)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    minutes: { type: 'string', default: '10' },
    'cpu-prof': { type: 'string' },
  },
});
// An orderly exit ends what was started and removes what was made.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const measure = BENCHES[positionals[0] ?? ''];
if (measure === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  const figures = await measure({
    say: (line) => void process.stderr.write(`${line}\n`),
    only: values.only?.split(','),
    rounds: Number(values.rounds),
    minutes: Number(values.minutes),
    cpuProf: values['cpu-prof'],
  });
  printFigures(figures, values.json);
}
