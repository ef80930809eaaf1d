import { afterEach, expect, test } from 'vitest';
import { decodeLogStatement } from '../../src/log-statement.ts';
import { LogBench } from '../testing/log-bench.ts';
import { Wearable } from '../testing/wearable.ts';

const STEP = 32;
let bench: LogBench;

afterEach(() => bench.close());

/** Checkpoint sizes as a number of statements comes before each. */
async function sizesAfter(statements: readonly number[], padTo: number): Promise<number[]> {
  bench = new LogBench({ padTo });
  const wearable = new Wearable(1);
  await bench.enrol(wearable);
  const sizes: number[] = [];
  for (const count of statements) {
    for (const bytes of await wearable.skip(count)) await bench.submit(wearable, bytes);
    sizes.push((await bench.log.sealer.seal(undefined)).size);
  }
  return sizes;
}

test('every checkpoint grows by the same step, however many statements came, as long as they fit', async () => {
  expect(await sizesAfter([0, 0, 5, STEP - 1, 0, 1], STEP)).toEqual(
    [1, 2, 3, 4, 5, 6].map((step) => step * STEP),
  );
});

test('by a further step when they do not fit, or when they leave no room for a heartbeat', async () => {
  // The enrolment is the first entry.
  expect(await sizesAfter([STEP - 2, STEP, 2 * STEP], STEP)).toEqual([STEP, 3 * STEP, 6 * STEP]);
});

test('without padding one heartbeat a checkpoint', async () => {
  expect(await sizesAfter([0, 3, 0], 1)).toEqual([2, 6, 7]);
});

test('what fills it up are heartbeats that all differ, and the checkpoint is over them', async () => {
  await sizesAfter([3], STEP);
  const entries = await Promise.all(
    Array.from({ length: STEP }, (_, index) => bench.log.reader.entry(index)),
  );
  const heartbeats = entries.filter((entry) => entry?.kind === 'heartbeat');
  expect(heartbeats).toHaveLength(STEP - 4);
  expect(new Set(heartbeats.map((entry) => Buffer.from(entry?.entry ?? []).toString('hex'))).size).toBe(
    STEP - 4,
  );
  for (const entry of heartbeats) {
    const decoded = decodeLogStatement(entry?.bytes ?? new Uint8Array());
    expect(decoded).toMatchObject({ kind: 'ok', value: { kind: 'heartbeat' } });
  }
  const checkpoint = await bench.log.reader.newestCheckpoint();
  expect(checkpoint?.size).toBe(STEP);
  expect(await bench.log.reader.size()).toBe(STEP);
});

test('commits have their turn while heartbeats are signed', async () => {
  bench = new LogBench({ padTo: 640 });
  let isSealed = false;
  const sealed = bench.log.sealer.seal(undefined).finally(() => {
    isSealed = true;
  });
  let commits = 0;
  for (; !isSealed; commits++) await bench.log.committer.run(() => undefined);
  expect((await sealed).size).toBe(640);
  expect(commits).toBeGreaterThanOrEqual(10);
});
