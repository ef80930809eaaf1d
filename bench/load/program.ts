/**
 * The load generator: a process of its own, told over IPC what to do (messages.ts), one order at a time. Nothing is signed while it
 * measures, so that what it costs the two cores it shares with the gateway is little, and known.
 */
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from '../support/statistics.ts';
import { LoadDevice } from './device.ts';
import { Lane, type LaneEvents } from './lane.ts';
import type { Answer, Fleet, LoadResult, Order } from './messages.ts';

/** Connections opened at once: what a listening socket takes without losing any. */
const OPEN_AT_ONCE = 100;
/** An acknowledgement that takes longer is taken for lost. */
const LOST_AFTER_MS = 60_000;
const TICK_MS = 1;

let lanes: Lane[] = [];
let samples = new Float64Array(1 << 16);
let sampleCount = 0;
let acknowledged = 0;
let expected = Number.POSITIVE_INFINITY;
let finished: (() => void) | undefined;
let fail: (error: Error) => void = () => undefined;

const events: LaneEvents = {
  acknowledged(count) {
    acknowledged += count;
    if (acknowledged >= expected) finished?.();
  },
  took(milliseconds) {
    if (sampleCount === samples.length) {
      const more = new Float64Array(2 * samples.length);
      more.set(samples);
      samples = more;
    }
    samples[sampleCount] = milliseconds;
    sampleCount += 1;
  },
  failed: (reason) => fail(new Error(reason)),
};

process.on('message', (order: Order) => {
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const answer = (message: Answer): void => void process.send?.(message);
  Promise.race([obey(order), failed]).then(
    (result) => answer({ ok: true, result }),
    (error: unknown) => answer({ ok: false, reason: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit());

async function obey(order: Order): Promise<LoadResult | undefined> {
  switch (order.do) {
    case 'make':
      await make(order.fleet);
      return undefined;
    case 'connect':
      await connectAll(order.port);
      return undefined;
    case 'prepare':
      await prepare(order.lanes, order.each);
      return undefined;
    case 'rewind':
      for (const lane of lanes.slice(0, order.lanes)) lane.rewind();
      return undefined;
    case 'burst':
      return burst(lanes.slice(0, order.lanes), order.window);
    case 'pace':
      return pace(order.perSecond, order.seconds);
    case 'leave':
      await leave();
      return undefined;
  }
}

async function make({ algorithm, first, count }: Fleet): Promise<void> {
  lanes = Array.from({ length: count }, (_, at) => new Lane(new LoadDevice(algorithm, first + at), events));
}

async function connectAll(port: number): Promise<void> {
  for (let from = 0; from < lanes.length; from += OPEN_AT_ONCE) {
    const some = lanes.slice(from, from + OPEN_AT_ONCE);
    await Promise.all(some.map((lane, at) => lane.join(port, addressOf(from + at))));
  }
}

/** Devices sit at addresses of their own, as at home: no limit on one address is met. */
function addressOf(at: number): string {
  return `127.1.${at >> 8}.${at & 0xff}`;
}

async function prepare(count: number, each: number): Promise<void> {
  for (const lane of lanes.slice(0, count)) {
    lane.prepare(each);
    await new Promise(setImmediate); // sockets must not wait for all of it
  }
}

async function burst(some: readonly Lane[], window: number): Promise<LoadResult> {
  const all = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const measure = begin(some.reduce((sum, lane) => sum + lane.ready, 0));
  for (const lane of some) lane.flow(window);
  await inTime(all);
  for (const lane of some) lane.flow(0);
  return measure();
}

async function pace(perSecond: number, seconds: number): Promise<LoadResult> {
  const total = Math.round(perSecond * seconds);
  const all = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const measure = begin(total);
  const started = performance.now();
  await new Promise<void>((resolve) => {
    let sent = 0;
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - started) * perSecond) / 1000));
      for (; sent < due; sent++) lanes[sent % lanes.length]?.send();
      if (sent < total) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  await inTime(all);
  return measure();
}

async function leave(): Promise<void> {
  for (const lane of lanes) lane.leave();
  lanes = [];
}

/** Starts to count; the function it returns ends it. */
function begin(total: number): () => LoadResult {
  sampleCount = 0;
  acknowledged = 0;
  expected = total;
  const started = performance.now();
  const cpuBefore = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(cpuBefore);
    const seconds = (performance.now() - started) / 1000;
    const taken = samples.subarray(0, sampleCount);
    const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map((share) => quantile(taken, share)) as [
      number,
      number,
      number,
    ];
    return { acknowledged, seconds, cpuSeconds: (user + system) / 1e6, p50Ms, p99Ms, maxMs };
  };
}

async function inTime(all: Promise<void>): Promise<void> {
  const stop = new AbortController();
  const late = delay(LOST_AFTER_MS, undefined, { signal: stop.signal }).then(
    () => {
      const missing = lanes.reduce((sum, lane) => sum + lane.underWay, 0);
      throw new Error(`${missing} acknowledgements are missing after ${LOST_AFTER_MS} ms`);
    },
    () => undefined,
  );
  try {
    await Promise.race([all, late]);
  } finally {
    stop.abort();
  }
}
