/**
 * What a reading costs and how many are taken a second, against bare OpenSSL: rounds of OpenSSL and gateway in turn, one ratio a
 * round, so that what else the machine does meanwhile falls on both.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Load } from '../load/load.ts';
import type { LoadResult } from '../load/messages.ts';
import type { Bench, BenchOptions } from '../options.ts';
import type { Figure } from '../report.ts';
import type { BenchGateway } from '../support/bench-gateway.ts';
import { opensslVersion, type SpeedName, verifications } from '../support/openssl.ts';
import { cpuBetween } from '../support/proc.ts';
import { median } from '../support/statistics.ts';
import { prepareBurst, WINDOW, warmUp, withLoadedGateway } from './loaded-gateway.ts';

const DEVICES = 1_000;
const FLEET = { first: 1, count: DEVICES };
/** Fewer connections with more under way, for the rate. */
export const RATE_LANES = 200;
export const RATE_WINDOW = 48;
const CORES = 2;
const OPENSSL_SECONDS = 1;
/** At most: the second algorithm has one figure. */
const P256_ROUNDS = 3;
/** What belongs to the last reading of a burst and is not done at its acknowledgement. */
const SETTLE_MS = 100;

interface Cost {
  /** Seconds of the gateway's processor time for one reading. */
  readonly cpu: number;
  /** The kernel's share of it. */
  readonly systemShare: number;
  readonly load: LoadResult;
}

export const intakeRates: Bench = async (options) => {
  const { say, rounds } = options;
  say(`intake: ${await opensslVersion()}; ${rounds} rounds`);
  return [...(await ed25519Rates(options)), ...(await p256Rates(options))];
};

async function ed25519Rates(options: BenchOptions): Promise<Figure[]> {
  const costs: (Cost & { readonly ratio: number })[] = [];
  const rates: (LoadResult & { readonly perSecond: number; readonly ratio: number })[] = [];
  await withLoadedGateway({ ...FLEET, algorithm: 'Ed25519' }, options, async ({ gateway, load }) => {
    let expected = await warmUp(load, DEVICES);
    for (let round = 1; round <= options.rounds; round++) {
      const cost = await costOfReading(gateway, load, 'ed25519', expected);
      costs.push(cost);
      await prepareBurst(load, RATE_LANES, expected);
      const verified = await verifications('ed25519', OPENSSL_SECONDS, CORES);
      const burst = await load.burst(RATE_LANES, RATE_WINDOW);
      const perSecond = burst.acknowledged / burst.seconds;
      rates.push({ ...burst, perSecond, ratio: perSecond / verified });
      expected = perSecond;
      options.say(
        `round ${round}: ${us(cost.cpu)} us a reading, ${cost.ratio.toFixed(2)} verifications; ` +
          `${Math.round(perSecond)} readings/s against ${Math.round(verified)} verifications/s`,
      );
    }
  });
  const generator = costs.map(({ load }) => load.cpuSeconds / load.acknowledged);
  return [
    ...costFigures('cpu-per-reading', costs, 1),
    {
      name: 'throughput',
      value: median(rates.map(({ ratio }) => ratio)),
      unit: 'ratio',
      target: 1,
      bound: 'least',
    },
    shown(
      'throughput-rate',
      rates.map(({ perSecond }) => perSecond),
      'readings/s',
    ),
    shown(
      'throughput-ack-p99',
      rates.map(({ p99Ms }) => p99Ms),
      'ms',
    ),
    shown(
      'load-generator-cpu',
      generator.map((seconds) => seconds * 1e6),
      'us a reading',
    ),
  ];
}

async function p256Rates(options: BenchOptions): Promise<Figure[]> {
  const costs: (Cost & { readonly ratio: number })[] = [];
  await withLoadedGateway({ ...FLEET, algorithm: 'ESP256' }, options, async ({ gateway, load }) => {
    let expected = await warmUp(load, DEVICES);
    for (let round = 1; round <= Math.min(options.rounds, P256_ROUNDS); round++) {
      const cost = await costOfReading(gateway, load, 'ecdsap256', expected);
      expected = cost.load.acknowledged / cost.load.seconds;
      costs.push(cost);
      options.say(
        `P-256 round ${round}: ${us(cost.cpu)} us a reading, ${cost.ratio.toFixed(2)} verifications; ` +
          `${Math.round(expected)} readings/s`,
      );
    }
  });
  return costFigures('cpu-per-reading-p256', costs, 1.5);
}

function costFigures(
  name: string,
  costs: readonly (Cost & { readonly ratio: number })[],
  target: number,
): Figure[] {
  return [
    { name, value: median(costs.map(({ ratio }) => ratio)), unit: 'ratio', target },
    shown(
      `${name}-time`,
      costs.map(({ cpu }) => cpu * 1e6),
      'us',
    ),
    shown(
      `${name}-kernel`,
      costs.map(({ systemShare }) => systemShare * 100),
      '%',
    ),
  ];
}

export function shown(name: string, values: readonly number[], unit: string): Figure {
  return { name, value: median(values), unit };
}

async function costOfReading(
  gateway: BenchGateway,
  load: Load,
  speed: SpeedName,
  perSecond: number,
): Promise<Cost & { readonly ratio: number }> {
  await prepareBurst(load, DEVICES, perSecond);
  const verified = await verifications(speed, OPENSSL_SECONDS);
  const acceptedBefore = await gateway.accepted();
  const before = gateway.cpu();
  const result = await load.burst(DEVICES, WINDOW);
  await delay(SETTLE_MS);
  const after = gateway.cpu();
  const accepted = (await gateway.accepted()) - acceptedBefore;
  if (accepted !== result.acknowledged)
    throw new Error(`${result.acknowledged} acknowledged, but ${accepted} accepted: nothing was measured`);
  const spent = cpuBetween(before, after);
  const cpu = spent / accepted;
  return { cpu, systemShare: (after.system - before.system) / spent, load: result, ratio: cpu * verified };
}

function us(seconds: number): string {
  return (seconds * 1e6).toFixed(1);
}
