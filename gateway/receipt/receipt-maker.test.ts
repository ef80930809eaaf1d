import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashLeaf } from '../../src/merkle/hash.ts';
import { verifyInclusion } from '../../src/merkle/verify.ts';
import type { Anchor } from '../../src/receipt/anchor.ts';
import { decodeTransparentStatement } from '../../src/receipt/transparent-statement.ts';
import { verifyReceipt } from '../../src/receipt/verify.ts';
import { hashEntry } from '../../src/statement.ts';
import type { AnchorRecord, Checkpoint } from '../ports.ts';
import { SqliteAnchorStore } from '../store/anchors.ts';
import { SqliteTimestampStore } from '../store/timestamps.ts';
import { LogBench, TEST_LOG_SIGNER, TEST_ORIGIN } from '../testing/log-bench.ts';
import { Wearable } from '../testing/wearable.ts';
import { LogReceipts } from './receipt-maker.ts';

let bench: LogBench;
let anchors: SqliteAnchorStore;
let receipts: LogReceipts;
let statements: Uint8Array[];
const wearable = new Wearable(1);
/** The first statement; 0 is the enrolment. */
const INDEX = 1;
const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);
let attempt = 0;

beforeEach(async () => {
  bench = new LogBench();
  anchors = new SqliteAnchorStore(bench.db);
  receipts = new LogReceipts({
    origin: TEST_ORIGIN,
    signer: TEST_LOG_SIGNER,
    log: bench.log.reader,
    anchors,
    timestamps: new SqliteTimestampStore(bench.db),
  });
  const device = new Wearable(1);
  await bench.enrol(device);
  statements = await device.skip(5);
  await Promise.all(statements.map((statement) => bench.submit(device, statement)));
});

afterEach(() => bench.close());

/** What the anchorer would have noted down about a checkpoint. */
async function note({ size, root }: Checkpoint, state: AnchorRecord['state']): Promise<AnchorRecord> {
  attempt += 1;
  const target = { chainId: 31_337n, contract: bytes(20, 1), logId: bytes(32, 2) };
  const transactionHash = bytes(32, attempt);
  const anchor = {
    ...target,
    size,
    root,
    transactionHash,
    blockNumber: BigInt(attempt),
    blockHash: bytes(32, 6),
    blockTime: 1_767_000_000,
  };
  const record: AnchorRecord = {
    size,
    root,
    target,
    transactionHash,
    sender: bytes(20, 3),
    nonce: attempt,
    fee: { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n },
    rawTransaction: bytes(9, 9),
    submittedAt: 5,
    submittedBlock: 1n,
    state,
    ...(state === 'anchored' || state === 'final' ? { anchor, gasUsed: 1n } : {}),
    ...(state === 'lost' ? { setback: 'reverted' as const } : {}),
  };
  await anchors.save(record);
  return record;
}

async function make(index = INDEX) {
  const made = await receipts.make(index);
  if (made.kind === 'reject') throw new Error(made.detail);
  const decoded = decodeTransparentStatement(made.value.bytes);
  if (decoded.kind === 'reject') throw new Error(decoded.detail);
  return { ...decoded.value, state: made.value.state, bytes: made.value.bytes };
}

/** A receipt must lead to the root of the tree it names, which must be a checkpoint of this log. */
async function expectProof({ statement, receipt }: Awaited<ReturnType<typeof make>>): Promise<void> {
  const checkpoint = await bench.log.reader.checkpointAt(receipt.size);
  const leafHash = hashLeaf(hashEntry(statement.bytes));
  expect(verifyInclusion({ ...receipt, leafHash, root: checkpoint?.root as Uint8Array })).toBe(true);
}

describe('the state of a receipt', () => {
  test('is none before a checkpoint covers the entry', async () => {
    expect(await receipts.make(INDEX)).toMatchObject({ kind: 'reject', code: 'not-sealed-yet' });
    await bench.log.sealer.seal(undefined);
    const late = await new Wearable(1).skip(6);
    await bench.submit(wearable, late[5] as Uint8Array);
    const index = (await bench.log.reader.size()) - 1;
    expect(await receipts.make(index)).toMatchObject({ kind: 'reject', code: 'not-sealed-yet' });
  });

  test('recorded: the newest checkpoint, no anchor', async () => {
    await bench.log.sealer.seal(undefined);
    const newest = await bench.log.sealer.seal(undefined);
    const made = await make();
    expect([made.state, made.receipt.size, made.receipt.anchors]).toEqual(['recorded', newest.size, []]);
    expect(made.statement.bytes).toEqual(statements[0]);
    await expectProof(made);
  });

  test('submitted: while a transaction that covers it is under way', async () => {
    const checkpoint = await bench.log.sealer.seal(undefined);
    await note(checkpoint, 'submitted');
    const made = await make();
    expect([made.state, made.receipt.anchors]).toEqual(['submitted', []]);
    await expectProof(made);
  });

  test('a transaction that covers only what came before says nothing about it', async () => {
    await note({ size: INDEX, root: bytes(32, 0), note: '', sealedAt: 0 }, 'submitted');
    await bench.log.sealer.seal(undefined);
    expect((await make()).state).toBe('recorded');
  });

  test('anchored, then final: the tree of the anchor, though newer checkpoints are there', async () => {
    const [first, second] = [await bench.log.sealer.seal(undefined), await bench.log.sealer.seal(undefined)];
    await note(second, 'anchored');
    const anchored = await make();
    expect([anchored.state, anchored.receipt.size]).toEqual(['anchored', second.size]);
    expect(anchored.receipt.anchors).toMatchObject([{ size: second.size, root: second.root }]);
    await note(first, 'final');
    await bench.log.sealer.seal(undefined);
    const final = await make();
    expect([final.state, final.receipt.size]).toEqual(['final', first.size]);
    await expectProof(final);
  });

  test('a receipt asked for again has become final, and later has the proof of the event', async () => {
    const checkpoint = await bench.log.sealer.seal(undefined);
    const record = await note(checkpoint, 'anchored');
    expect(await make()).toMatchObject({ state: 'anchored', receipt: { anchors: [record.anchor] } });
    await anchors.save({ ...record, state: 'final' });
    const final = await make();
    expect([final.state, final.receipt.anchors]).toEqual(['final', [record.anchor]]);
    const eventProof = { header: bytes(600, 1), transactionIndex: 3, nodes: [bytes(500, 2), bytes(400, 3)] };
    const anchor = { ...(record.anchor as Anchor), eventProof };
    await anchors.save({ ...record, state: 'final', anchor });
    const proven = await make();
    expect([proven.state, proven.receipt.anchors]).toEqual(['final', [anchor]]);
    await expectProof(proven);
  });

  test('an attempt that was lost is cited by none', async () => {
    const checkpoint = await bench.log.sealer.seal(undefined);
    await note(checkpoint, 'lost');
    const made = await make();
    expect([made.state, made.receipt.anchors]).toEqual(['recorded', []]);
  });
});

test('a verifier who trusts the log key believes it, and another key does not', async () => {
  await bench.log.sealer.seal(undefined);
  const { bytes: receipt } = await make(3);
  const deviceKeys = [{ device: wearable.urn, key: wearable.signer.publicKey }];
  const log = { origin: TEST_ORIGIN, key: TEST_LOG_SIGNER.publicKey };
  const { answers } = verifyReceipt(receipt, { logs: [log], deviceKeys });
  expect([answers.signature.verdict, answers['device-key'].verdict, answers.included.verdict]).toEqual([
    'yes',
    'yes',
    'yes',
  ]);
  const stranger = verifyReceipt(receipt, {
    logs: [{ ...log, key: wearable.signer.publicKey }],
    deviceKeys,
  });
  expect(stranger.answers.included.verdict).not.toBe('yes');
});

test.each([
  ['an enrolment', 0],
  ['what is beyond the log', 1000],
])('%s has no receipt', async (_name, index) => {
  await bench.log.sealer.seal(undefined);
  expect(await receipts.make(index)).toMatchObject({ kind: 'reject', code: 'not-found' });
});

test('the earliest stamped checkpoint that covers the entry goes with it, whatever the anchor is of', async () => {
  const timestamps = new SqliteTimestampStore(bench.db);
  const sealed: Checkpoint[] = [];
  for (let turn = 0; turn < 3; turn++) sealed.push(await bench.log.sealer.seal(undefined));
  expect((await make()).receipt.timestamp).toBeUndefined();
  for (const { size, note } of sealed.slice(1))
    await timestamps.keep({ size, note, token: Uint8Array.of(size), time: 1 });
  await anchors.save(await note(sealed[0] as Checkpoint, 'final'));
  const { receipt, statement } = await make();
  const { size, root, note: stamped } = sealed[1] as Checkpoint;
  expect(receipt.size).toBe(sealed[0]?.size);
  expect(receipt.timestamp).toMatchObject({ note: stamped, token: Uint8Array.of(size) });
  const path = receipt.timestamp?.path ?? [];
  const leafHash = hashLeaf(hashEntry(statement.bytes));
  expect(verifyInclusion({ leafHash, index: receipt.index, size, path, root })).toBe(true);
});

test('a heartbeat has no receipt', async () => {
  const { size } = await bench.log.sealer.seal(undefined);
  expect(await receipts.make(size - 1)).toMatchObject({ kind: 'reject', code: 'not-found' });
});
