/**
 * The gateway under generated MQTT packets and statements. A few thousand of them here; VITALSEAL_FUZZ=N or
 * `npm run fuzz -- mqtt --runs N` for more, VITALSEAL_FUZZ_SEED=S or `--seed S` for others.
 */
import process from 'node:process';
import { expect, it } from 'vitest';
import { mqttFuzz } from './mqtt.ts';

const RUNS = Number(process.env['VITALSEAL_FUZZ'] ?? 6_000);
const SEED = Number(process.env['VITALSEAL_FUZZ_SEED'] ?? 20_261_121);
const SETUP_MS = 60_000;
/** Far slower than any machine is. */
const MS_EACH = 30;

it(
  `${RUNS} packets and statements with seed ${SEED} bring down nothing`,
  async () => {
    const say = (line: string): void => void process.stdout.write(`${line}\n`);
    const figures = await mqttFuzz.run({ runs: RUNS, seed: SEED, say });
    // They got through to the log and to its refusals, and were not all cut off in front.
    for (const verdict of [
      'accept',
      'duplicate',
      'malformed',
      'bad-signature',
      'wrong-issuer',
      'unknown-key',
    ])
      expect(figures[`verdict ${verdict}`], verdict).toBeGreaterThan(0);
    expect(figures['PUBACKs heard']).toBeGreaterThan(RUNS / 20);
    expect(figures['looks at memory']).toBeGreaterThanOrEqual(18);
    expect(figures['honest acknowledged']).toBeGreaterThan(5);
  },
  SETUP_MS + RUNS * MS_EACH,
);
