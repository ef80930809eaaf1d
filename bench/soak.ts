/** Whether the gateway's memory stays where it is: minutes under load, and the slope of its resident memory meanwhile. */
import { warmUp, withLoadedGateway } from './intake/loaded-gateway.ts';
import type { Bench } from './options.ts';
import { median, slope } from './support/statistics.ts';

const DEVICES = 1_000;
const FLEET = { algorithm: 'Ed25519', first: 1, count: DEVICES } as const;
/** Of what the gateway takes at most: busy, and not so busy that a queue hides a leak. */
const SHARE_OF_RATE = 0.5;
const LOOK_EVERY_MS = 2_000;
/** Until caches are full and the heap has found its size. */
const WARM_SHARE = 0.25;
/** A heap swings between collections; the least of each of so many stretches does not. */
const STRETCHES = 10;
const MS_PER_MINUTE = 60_000;

/** Minutes, and megabytes. */
interface Point {
  readonly x: number;
  readonly y: number;
}

export const measureSoak: Bench = async (options) =>
  withLoadedGateway(FLEET, options, async ({ gateway, load }) => {
    const perSecond = Math.round((await warmUp(load, DEVICES)) * SHARE_OF_RATE);
    options.say(`soak: ${options.minutes} minutes at ${perSecond} readings/s`);
    const points: Point[] = [];
    const started = performance.now();
    const look = setInterval(() => {
      const point = { x: (performance.now() - started) / MS_PER_MINUTE, y: gateway.residentMegabytes() };
      points.push(point);
      if (points.length % 15 === 0) options.say(`${point.x.toFixed(1)} min: ${point.y.toFixed(0)} MB`);
    }, LOOK_EVERY_MS);
    const result = await load.pace(perSecond, options.minutes * 60).finally(() => clearInterval(look));
    const settled = points.slice(Math.ceil(points.length * WARM_SHARE));
    const perMinute = slope(lows(settled));
    const resident = median(settled.map(({ y }) => y));
    const span = (settled.at(-1)?.x ?? 0) - (settled[0]?.x ?? 0);
    return [
      { name: 'soak-growth', value: (100 * perMinute * span) / resident, unit: '% of memory', target: 5 },
      { name: 'soak-slope', value: perMinute, unit: 'MB/min' },
      { name: 'soak-memory', value: resident, unit: 'MB' },
      { name: 'soak-memory-most', value: Math.max(...points.map(({ y }) => y)), unit: 'MB' },
      { name: 'soak-readings', value: result.acknowledged, unit: 'readings' },
      { name: 'soak-ack-p99', value: result.p99Ms, unit: 'ms' },
    ];
  });

/** The lowest point of each stretch. */
function lows(points: readonly Point[]): Point[] {
  const length = Math.max(1, Math.floor(points.length / STRETCHES));
  return Array.from({ length: Math.floor(points.length / length) }, (_, at) =>
    points
      .slice(at * length, (at + 1) * length)
      .reduce((lowest, point) => (point.y < lowest.y ? point : lowest)),
  );
}
