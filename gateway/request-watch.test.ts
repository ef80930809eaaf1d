import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { deviceWorkOf, RequestWatch } from './request-watch.ts';
import { type Db, openDatabase } from './store/database.ts';
import { RegistryStore } from './store/registry-store.ts';
import { keyText, LogBench } from './testing/log-bench.ts';
import { signerFrom, Wearable } from './testing/wearable.ts';

const LOOK_MS = 200;

let bench: LogBench;
let watch: RequestWatch;
let otherDb: Db;
let other: RegistryStore;
const enrolment = (number: number): string => {
  const wearable = new Wearable(number);
  const key = keyText(wearable.signer.publicKey);
  return JSON.stringify({ action: 'enrol', device: wearable.urn, patient: 'p', provider: 'c', key });
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  bench = new LogBench();
  otherDb = openDatabase(join(bench.folder, 'gateway.db'), []);
  other = new RegistryStore(otherDb);
  watch = new RequestWatch(bench.log.registry, deviceWorkOf(bench.log.deviceEvents), bench.logger);
});

afterEach(async () => {
  vi.useRealTimers();
  await watch.close();
  otherDb.close();
  await bench.close();
});

/** One look, and whatever it set going. */
async function look(): Promise<void> {
  vi.advanceTimersByTime(LOOK_MS);
  await bench.log.deviceEvents.process(0); // joins what the look began; nothing is due by 1970
}

test('carries out what another process asks for', async () => {
  watch.start();
  await look();
  const [id] = other.requests.add([enrolment(1)]);
  const process = vi.spyOn(bench.log.deviceEvents, 'process');
  vi.advanceTimersByTime(LOOK_MS);
  expect(process).toHaveBeenCalledTimes(1);
  await process.mock.results[0]?.value;
  expect(other.requests.outcome(id as number)).toBe('');
});

test('looks into the table only when something was written', async () => {
  watch.start();
  const process = vi.spyOn(bench.log.deviceEvents, 'process');
  vi.advanceTimersByTime(10 * LOOK_MS);
  expect(process).toHaveBeenCalledTimes(1); // the first look
  other.requests.add([enrolment(1)]);
  vi.advanceTimersByTime(10 * LOOK_MS);
  expect(process).toHaveBeenCalledTimes(2);
});

test('our own requests do not show in the data version: they are told by wake', async () => {
  watch.start();
  await look();
  const process = vi.spyOn(bench.log.deviceEvents, 'process');
  bench.log.registry.requests.add([enrolment(1)]);
  vi.advanceTimersByTime(3 * LOOK_MS);
  expect(process).not.toHaveBeenCalled();
  watch.wake();
  vi.advanceTimersByTime(LOOK_MS);
  expect(process).toHaveBeenCalledTimes(1);
});

test('what failed is tried again at the next look, and logged', async () => {
  watch.start();
  await look();
  const [id] = other.requests.add([enrolment(1)]);
  vi.spyOn(bench.log.deviceEvents, 'process').mockRejectedValueOnce(new Error('the disk is full'));
  vi.advanceTimersByTime(LOOK_MS);
  await vi.waitFor(() =>
    expect(bench.logger.lines.at(-1)).toEqual({
      level: 'warn',
      fields: { reason: 'the disk is full' },
      message: 'device requests wait',
    }),
  );
  expect(other.requests.outcome(id as number)).toBeUndefined();
  vi.advanceTimersByTime(LOOK_MS); // nothing new was written: it is the failure that is remembered
  await watch.close();
  expect(other.requests.outcome(id as number)).toBe('');
});

test('close waits for what is under way and stops looking', async () => {
  watch.start();
  const [id] = other.requests.add([enrolment(1)]);
  vi.advanceTimersByTime(LOOK_MS);
  await watch.close();
  expect(other.requests.outcome(id as number)).toBe('');
  const process = vi.spyOn(bench.log.deviceEvents, 'process');
  other.requests.add([enrolment(2)]);
  vi.advanceTimersByTime(5 * LOOK_MS);
  expect(process).not.toHaveBeenCalled();
});

describe('a planned retirement', () => {
  const HOUR_MS = 3_600_000;
  const next = signerFrom('next');
  let elapsed: number;

  beforeEach(async () => {
    elapsed = 0;
    watch = new RequestWatch(
      bench.log.registry,
      deviceWorkOf(bench.log.deviceEvents),
      bench.logger,
      bench.clock,
      () => elapsed,
    );
    const wearable = new Wearable(1);
    await bench.enrol(wearable);
    const effective = Math.floor((bench.clock.now() + HOUR_MS) / 1000);
    await bench.request({ action: 'rotate', device: wearable.urn, key: keyText(next.publicKey), effective });
    watch.start();
    await look();
  });

  /** So much time goes by, at the gateway as in the world. */
  async function pass(ms: number): Promise<void> {
    elapsed += ms;
    bench.clock.advance(ms);
    await look();
  }
  const isRetired = () => bench.log.registry.keys.of(1)[0]?.retiredAt !== undefined;

  test('is carried out when its time comes, though nothing was written', async () => {
    await pass(HOUR_MS - 2000);
    expect(isRetired()).toBe(false);
    await pass(2000);
    expect(isRetired()).toBe(true);
  });

  test('does not come early when the clock jumps ahead and back', async () => {
    bench.clock.advance(25 * HOUR_MS);
    await look();
    await pass(HOUR_MS / 10);
    expect(isRetired()).toBe(false);
    bench.clock.advance(-25 * HOUR_MS);
    await pass(HOUR_MS / 2);
    expect(isRetired()).toBe(false);
    await pass(HOUR_MS / 2);
    expect(isRetired()).toBe(true);
  });

  test('comes an hour later when the clock is set back by one', async () => {
    await pass(HOUR_MS / 2);
    bench.clock.advance(-HOUR_MS);
    await pass(HOUR_MS);
    expect(isRetired()).toBe(false);
    await pass(HOUR_MS / 2);
    expect(isRetired()).toBe(true);
  });
});
