/** What a log signed that does not go with what was cosigned is kept; a stranger who shows what is public cannot make it more than it is. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeAddCheckpoint } from '../src/tlog-witness.ts';
import { LOG_ORIGIN, TestLog } from './testing/test-log.ts';
import { NOW_S, WitnessBench } from './testing/witness-bench.ts';
import type { Reply } from './witness.ts';

const main = new TestLog();
const fork = new TestLog('fork', 5);

let bench: WitnessBench;

beforeEach(async () => {
  bench = new WitnessBench();
  for (const [from, to] of [
    [0, 6],
    [6, 8],
  ] as const)
    await bench.ask(main, from, to);
  bench.told = [];
});

afterEach(() => bench.remove());

/** A checkpoint with a proof that does not hold. */
const askWithout = async (log: TestLog, size: number): Promise<Reply> =>
  bench.witness.addCheckpoint(encodeAddCheckpoint({ oldSize: 8, proof: [], note: await log.note(size) }));

const found = () => bench.heads.evidence.of(LOG_ORIGIN);

const unproven = async (log: TestLog, size: number): Promise<object> => ({
  size,
  root: log.root(size),
  cosignedNote: await main.note(8),
  otherNote: await log.note(size),
  refusedAt: NOW_S,
});

test('keeps another root for any size that it has cosigned, however it is offered', async () => {
  expect(await bench.ask(fork, 0, 6)).toMatchObject({ status: 409, body: '8\n' });
  expect(found()).toEqual({
    fork: {
      size: 6,
      cosignedNote: await main.note(6),
      otherNote: await fork.note(6),
      refusedAt: NOW_S,
    },
  });
  expect(bench.told).toEqual([['error', { origin: LOG_ORIGIN, offered: 6, cosigned: 8 }]]);
});

test('knows it as far back as it remembers', async () => {
  bench.stop();
  bench.start(2);
  await bench.ask(main, 8, 9);
  for (const size of [6, 8]) await bench.ask(fork, 0, size);
  expect(found()).toMatchObject({ stale: { count: 1, size: 6 }, fork: { size: 8 } });
});

test('keeps notes without the signatures that others have put under it', async () => {
  const padding = `— stranger ${'A'.repeat(40_000)}\n`;
  expect(await bench.witness.addCheckpoint(`${await main.request(8, 9)}${padding}`)).toMatchObject({
    status: 200,
  });
  expect(bench.heads.find(LOG_ORIGIN)).toMatchObject({ note: await main.note(9) });
  await bench.witness.addCheckpoint(`${await fork.request(9, 9)}${padding}`);
  expect(found().fork).toMatchObject({ cosignedNote: await main.note(9), otherNote: await fork.note(9) });
});

test('counts the checkpoints that are smaller, which is said once a minute', async () => {
  for (const size of [5, 6, 4])
    expect(await bench.ask(main, 0, size)).toMatchObject({ status: 409, body: '8\n' });
  expect(found()).toEqual({ stale: { count: 3, size: 4, refusedAt: NOW_S } });
  expect(bench.told).toEqual([['warn', { origin: LOG_ORIGIN, offered: 5, cosigned: 8 }]]);
});

test('keeps a larger one whose proof does not hold, once, until it is cosigned', async () => {
  for (let i = 0; i < 2; i++) expect(await askWithout(main, 12)).toMatchObject({ status: 422 });
  expect(found()).toEqual({ unproven: [await unproven(main, 12)] });
  expect(bench.told).toHaveLength(1);
  await bench.ask(main, 8, 10);
  expect(found()).toEqual({ unproven: [await unproven(main, 12)] });
  expect(await bench.ask(main, 10, 12)).toMatchObject({ status: 200 });
  expect(found()).toEqual({});
});

test('withdraws it too when a proof leads from it to what was cosigned, and for no other proof', async () => {
  await askWithout(main, 12);
  await bench.ask(fork, 8, 12);
  await bench.ask(main, 8, 15);
  const [own, other] = [await unproven(main, 12), await unproven(fork, 12)];
  expect(found().unproven).toHaveLength(2);
  for (const request of [
    await main.request(8, 12), // that it extends what was cosigned before does not say that 15 extends it
    await fork.request(12, 16),
    encodeAddCheckpoint({ oldSize: 12, proof: [], note: await main.note(15) }),
    await main.request(12, 16), // signed by the log, and not cosigned
  ])
    expect(await bench.witness.addCheckpoint(request)).toMatchObject({ status: 409, body: '15\n' });
  expect(found().unproven).toEqual(expect.arrayContaining([own, other]));
  expect(await bench.ask(main, 12, 15)).toMatchObject({ status: 409, body: '15\n' });
  expect(found().unproven).toEqual([other]);
});

test('takes it for proof of a fork when another root is cosigned for its size', async () => {
  await bench.ask(fork, 8, 12);
  bench.told = [];
  expect(await bench.ask(main, 8, 12)).toMatchObject({ status: 200 });
  const [cosignedNote, otherNote] = [await main.note(12), await fork.note(12)];
  expect(found()).toEqual({ fork: { size: 12, cosignedNote, otherNote, refusedAt: NOW_S } });
  expect(bench.told).toEqual([['error', { origin: LOG_ORIGIN, offered: 12, cosigned: 12 }]]);
});

test('keeps a bounded number of them, the first', async () => {
  for (let size = 9; size < 30; size++) await bench.ask(fork, 8, size);
  expect(found().unproven?.map(({ size }) => size)).toEqual(Array.from({ length: 16 }, (_, at) => 9 + at));
});

test('keeps nothing of what is no sign of a fork', async () => {
  await bench.ask(main, 0, 9);
  const again = { oldSize: 8, proof: [main.root(1)], note: await main.note(8) };
  expect(await bench.witness.addCheckpoint(encodeAddCheckpoint(again))).toMatchObject({ status: 422 });
  expect(found()).toEqual({});
});
