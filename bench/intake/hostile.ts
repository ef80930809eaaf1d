/** What well-behaved devices feel of an attack: their p99 with it over their p99 without it, moments apart. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ATTACKS } from '../hostile/attacks.ts';
import type { Load } from '../load/load.ts';
import type { Bench } from '../options.ts';
import { warmUp, withLoadedGateway } from './loaded-gateway.ts';
import { shown } from './rates.ts';

const PROGRAM = join(import.meta.dirname, '..', 'hostile', 'program.ts');
const DEVICES = 200;
const FLEET = { algorithm: 'Ed25519', first: 1, count: DEVICES } as const;
/** Enrolled, and in the attacker's hands: in each round others, from the numbers after those of the fleet. */
const CAPTURED = 8;
const PER_SECOND = 400;
const SECONDS = 3;
/** Until an attack is in full swing, and until its connections are gone again. */
const SETTLE_MS = 1_500;
const MOST_ROUNDS = 2;
/** The one attack that is named by its rate, so the rate it reached is shown. */
const RECONNECTS = 'reconnects';

export const intakeHostile: Bench = async (options) =>
  withLoadedGateway(
    FLEET,
    options,
    async ({ gateway, load }) => {
      await warmUp(load, DEVICES);
      const reached: number[] = [];
      const factors = new Map(Object.keys(ATTACKS).map((name) => [name, [] as number[]]));
      for (let round = 1; round <= Math.min(options.rounds, MOST_ROUNDS); round++) {
        for (const [name, values] of factors) {
          const calm = await p99(load);
          const from = performance.now();
          const attack = startAttack(name, gateway.mqttPort, FLEET.first + DEVICES + round * CAPTURED);
          await delay(SETTLE_MS);
          const pressed = await p99(load);
          const did = await attack.end();
          if (name === RECONNECTS)
            reached.push(((did['connections'] ?? 0) * 1000) / (performance.now() - from));
          await delay(SETTLE_MS);
          values.push(pressed / calm);
          const what = Object.entries(did).map(([key, count]) => `${count} ${key}`);
          options.say(
            `${name}: p99 ${calm.toFixed(1)} ms without, ${pressed.toFixed(1)} ms with (${what.join(', ')})`,
          );
        }
      }
      return [
        ...[...factors].map(([name, values]) => shown(`hostile-${name}`, values, 'times the p99')),
        shown('hostile-reconnects-rate', reached, 'connections/s'),
      ];
    },
    DEVICES + (MOST_ROUNDS + 1) * CAPTURED,
  );

async function p99(load: Load): Promise<number> {
  await load.prepare(DEVICES, (PER_SECOND * SECONDS) / DEVICES);
  return (await load.pace(PER_SECOND, SECONDS)).p99Ms;
}

function startAttack(
  name: string,
  port: number,
  firstDevice: number,
): { end(): Promise<Record<string, number>> } {
  const devices = Array.from({ length: CAPTURED }, (_, at) => firstDevice + at);
  const child = fork(PROGRAM, [name, String(port), devices.join(',')], { execArgv: [] });
  return {
    async end() {
      const told = once(child, 'message');
      child.send('what did you do?');
      const [counts] = (await told) as [Record<string, number>];
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
      return counts;
    },
  };
}
