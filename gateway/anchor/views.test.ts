/** The newest attempts as the status shows them, over a real store. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AnchorRecord } from '../ports.ts';
import { SqliteAnchorStore } from '../store/anchors.ts';
import { LogBench } from '../testing/log-bench.ts';
import { Wearable } from '../testing/wearable.ts';
import { viewAnchors } from './views.ts';

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

let bench: LogBench;
let anchors: SqliteAnchorStore;

beforeEach(() => {
  bench = new LogBench();
  anchors = new SqliteAnchorStore(bench.db);
});

afterEach(() => bench.close());

function attempt(id: number, size: number, rest: Partial<AnchorRecord>): AnchorRecord {
  return {
    size,
    root: bytes(32, id),
    target: { chainId: 1n, contract: bytes(20, 1), logId: bytes(32, 2) },
    transactionHash: bytes(32, id),
    sender: bytes(20, 3),
    nonce: id,
    fee: { maxFeePerGas: 9n, maxPriorityFeePerGas: 1n },
    submittedAt: 5_000 + id,
    submittedBlock: 1n,
    state: 'submitted',
    ...rest,
  };
}

function inBlock(id: number, size: number): Partial<AnchorRecord> {
  const { root, target, transactionHash } = attempt(id, size, {});
  const block = { blockNumber: 2n ** 60n, blockHash: bytes(32, 7), blockTime: 1_700_000_000 };
  const eventProof = { header: bytes(600, 1), transactionIndex: 7, nodes: [bytes(532, 2)] };
  const anchor = { ...target, size, root, transactionHash, ...block, eventProof };
  return { anchor, gasUsed: 70_000n, gasPrice: 2_000_000_000n };
}

test('what each covers anew, when, where and at what cost; neither its bytes nor its proof', async () => {
  const first = await bench.log.sealer.seal(undefined);
  bench.clock.advance(60_000);
  const second = await bench.log.sealer.seal(undefined);
  await anchors.save(attempt(1, first.size, { state: 'final', finalAt: 9_000, ...inBlock(1, first.size) }));
  const rawTransaction = bytes(300, 4);
  await anchors.save(attempt(2, second.size, { rawTransaction, setback: 'reorganised' }));
  expect(await viewAnchors(anchors, bench.log.reader, 10)).toEqual([
    {
      state: 'submitted',
      setback: 'reorganised',
      size: second.size,
      newEntries: second.size - first.size,
      newStatements: 0,
      sealedAt: second.sealedAt,
      submittedAt: 5_002,
      transaction: `0x${'02'.repeat(32)}`,
    },
    {
      state: 'final',
      size: first.size,
      newEntries: first.size,
      newStatements: 0,
      sealedAt: first.sealedAt,
      submittedAt: 5_001,
      anchoredAt: 1_700_000_000_000,
      finalAt: 9_000,
      transaction: `0x${'01'.repeat(32)}`,
      block: { number: 2n ** 60n, hash: `0x${'07'.repeat(32)}` },
      gasUsed: 70_000n,
      gasPrice: 2_000_000_000n,
      cost: 140_000_000_000_000n,
    },
  ]);
  expect(await viewAnchors(anchors, bench.log.reader, 1)).toHaveLength(1);
});

test('statements are told from what the log itself writes', async () => {
  const wearable = new Wearable(1);
  await bench.enrol(wearable);
  const first = await bench.log.sealer.seal(undefined);
  for (const bytes of await wearable.skip(5)) await bench.submit(wearable, bytes);
  const second = await bench.log.sealer.seal(undefined);
  await anchors.save(attempt(1, first.size, { state: 'final', ...inBlock(1, first.size) }));
  await anchors.save(attempt(2, second.size, {}));
  const views = await viewAnchors(anchors, bench.log.reader, 10);
  expect(views.map(({ newEntries, newStatements }) => [newEntries, newStatements])).toEqual([
    [6, 5],
    [first.size, 0],
  ]);
  expect(await bench.log.reader.countStatements(0, 1_000)).toBe(5);
});

test('an attempt that no block holds counts from the last anchor that one holds, not from other attempts', async () => {
  await anchors.save(attempt(1, 10, { state: 'anchored', ...inBlock(1, 10) }));
  await anchors.save(attempt(2, 30, { state: 'lost', setback: 'replaced' }));
  await anchors.save(attempt(3, 40, {}));
  const views = await viewAnchors(anchors, bench.log.reader, 10);
  expect(views.map(({ size, newEntries }) => [size, newEntries])).toEqual([
    [40, 30],
    [30, 20],
    [10, 10],
  ]);
});
