import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Anchor } from '../../src/receipt/anchor.ts';
import { GatewayError } from '../errors.ts';
import type { AnchorRecord } from '../ports.ts';
import { ANCHORS_SCHEMA, SqliteAnchorStore } from './anchors.ts';
import { type Db, openDatabase } from './database.ts';

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

/** A record whose every field is set, the quantities beyond 2^53. */
function makeRecord(id: number, state: AnchorRecord['state'], size = id): AnchorRecord {
  const target = { chainId: 2n ** 63n, contract: bytes(20, 1), logId: bytes(32, 2) };
  const record: AnchorRecord = {
    size,
    root: bytes(32, id),
    target,
    transactionHash: bytes(32, id),
    sender: bytes(20, 3),
    nonce: id,
    fee: { maxFeePerGas: 2n ** 70n, maxPriorityFeePerGas: 0n },
    rawTransaction: bytes(99, 4),
    submittedAt: 1_700_000_000_000 + id,
    submittedBlock: 2n ** 60n,
    state,
  };
  if (state === 'submitted') return record;
  const { root, transactionHash } = record;
  const anchor = {
    ...target,
    size,
    root,
    transactionHash,
    blockNumber: 2n ** 60n,
    blockHash: bytes(32, 5),
    blockTime: 1_700_000_000,
  };
  return {
    ...record,
    gasUsed: 82_000n,
    gasPrice: 2n ** 65n,
    ...(state === 'final' && { finalAt: 1_700_000_000_500 }),
    ...(state === 'lost' ? { setback: 'reverted' } : { anchor }),
  };
}

let folder: string;
let db: Db;
let store: SqliteAnchorStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'anchors-'));
  db = openDatabase(join(folder, 'gateway.db'), [ANCHORS_SCHEMA]);
  store = new SqliteAnchorStore(db);
});

afterEach(async () => {
  db.close();
  await rm(folder, { recursive: true, force: true });
});

const save = async (...records: AnchorRecord[]): Promise<void> => {
  for (const record of records) await store.save(record);
};

describe('SqliteAnchorStore', () => {
  test.each(['submitted', 'anchored', 'final', 'lost'] as const)(
    'gives a %s record back as it was, after a restart too',
    async (state) => {
      const record = makeRecord(7, state);
      await save(record);
      expect(await store.byTransaction(record.transactionHash)).toEqual(record);
      db.close();
      db = openDatabase(join(folder, 'gateway.db'), [ANCHORS_SCHEMA]);
      expect(await new SqliteAnchorStore(db).list(9)).toEqual([record]);
    },
  );

  test('knows nothing of a transaction it has not seen', async () => {
    expect(await store.byTransaction(bytes(32, 9))).toBeUndefined();
  });

  test('saving again changes what became of a record, not what it is, and keeps its age', async () => {
    await save(makeRecord(1, 'submitted'), makeRecord(2, 'submitted'), {
      ...makeRecord(1, 'anchored'),
      size: 99,
      nonce: 99,
    });
    const [first, second] = await store.open();
    expect(first).toEqual(makeRecord(1, 'anchored'));
    expect(second?.size).toBe(2);
  });

  test('drops the block and the bytes when they are gone', async () => {
    const { rawTransaction: _, ...lost } = makeRecord(1, 'submitted');
    await save(makeRecord(1, 'anchored'), { ...lost, state: 'lost', setback: 'replaced' });
    expect(await store.list(1)).toEqual([{ ...lost, state: 'lost', setback: 'replaced' }]);
  });

  test('open lists submitted and anchored by age, whatever the clock said', async () => {
    const late = { ...makeRecord(1, 'submitted'), submittedAt: 9_999_999_999_999 };
    await save(
      late,
      makeRecord(2, 'final'),
      makeRecord(3, 'anchored'),
      makeRecord(4, 'lost'),
      makeRecord(5, 'submitted'),
    );
    expect((await store.open()).map(({ size }) => size)).toEqual([1, 3, 5]);
    expect((await store.list(3)).map(({ size }) => size)).toEqual([5, 4, 3]);
  });

  test('covering prefers the smallest final record, then the smallest anchored one', async () => {
    await save(
      makeRecord(1, 'anchored', 10),
      makeRecord(2, 'final', 20),
      makeRecord(3, 'final', 30),
      makeRecord(4, 'anchored', 40),
    );
    await save(makeRecord(5, 'lost', 50), makeRecord(6, 'submitted', 60));
    const sizes = await Promise.all(
      [0, 9, 10, 19, 20, 29, 30, 39, 40, 55].map(async (index) => (await store.covering(index))?.size),
    );
    expect(sizes).toEqual([20, 20, 20, 20, 30, 30, 40, 40, undefined, undefined]);
  });

  test('newest is by size within a state', async () => {
    await save(
      makeRecord(1, 'final', 10),
      makeRecord(2, 'final', 5),
      makeRecord(3, 'anchored', 30),
      makeRecord(4, 'lost', 99),
    );
    expect((await store.newest('final'))?.size).toBe(10);
    expect((await store.newest('anchored'))?.size).toBe(30);
    expect(await store.newest('submitted')).toBeUndefined();
  });

  test('keeps the proof of an event with its anchor, and drops it with the anchor', async () => {
    const record = makeRecord(1, 'final');
    const eventProof = { header: bytes(600, 1), transactionIndex: 7, nodes: [bytes(532, 2), bytes(400, 3)] };
    const proven = { ...record, anchor: { ...(record.anchor as Anchor), eventProof } };
    await save(record, proven);
    expect(await store.byTransaction(record.transactionHash)).toEqual(proven);
    const { anchor: _, gasUsed: __, ...submitted } = makeRecord(1, 'submitted');
    await save(submitted);
    expect(await store.byTransaction(record.transactionHash)).toEqual(submitted);
    await save(makeRecord(1, 'anchored'));
    expect((await store.covering(0))?.anchor?.eventProof).toBeUndefined();
  });

  test('names the anchors of a log that lack their proof, newest first', async () => {
    const eventProof = { header: bytes(600, 1), transactionIndex: 7, nodes: [bytes(400, 3)] };
    const record = makeRecord(9, 'final', 90);
    await save({ ...record, anchor: { ...(record.anchor as Anchor), eventProof } });
    await save(makeRecord(1, 'final', 10), makeRecord(2, 'anchored', 20), makeRecord(3, 'submitted', 30));
    await save(makeRecord(4, 'lost', 40));
    const lacking = async (target = record.target, limit = 9) =>
      (await store.lackingProof(target, limit)).map(({ size }) => size);
    expect(await lacking()).toEqual([20, 10]);
    expect(await lacking(record.target, 1)).toEqual([20]);
    expect(await lacking({ ...record.target, chainId: 1n })).toEqual([]);
    expect(await lacking({ ...record.target, contract: bytes(20, 9) })).toEqual([]);
    expect(await lacking({ ...record.target, logId: bytes(32, 9) })).toEqual([]);
  });

  test('a proof that cannot be read is left out', async () => {
    const record = makeRecord(1, 'final');
    await save(record);
    for (const wrong of ["x'ff'", "x'80'", "x'83410100814101'"]) {
      db.exec(`UPDATE anchors SET event_proof = ${wrong}`);
      const found = await store.byTransaction(record.transactionHash);
      if (wrong !== "x'83410100814101'") expect(found).toEqual(record);
      else expect(found?.anchor?.eventProof?.transactionIndex).toBe(0);
    }
  });

  test('sums the gas of every attempt that was in a block', async () => {
    expect(await store.gasUsed()).toBe(0n);
    await save(makeRecord(1, 'final'), makeRecord(2, 'lost'), makeRecord(3, 'submitted'));
    expect(await store.gasUsed()).toBe(164_000n);
  });

  test('refuses an anchored record without its block', async () => {
    const { anchor: _, ...blockless } = makeRecord(1, 'anchored');
    await expect(store.save(blockless)).rejects.toThrow(GatewayError);
  });

  test('a closed database is a failure of ours that names what was tried', async () => {
    db.close();
    const error = await store.save(makeRecord(1, 'submitted')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'GatewayError', code: 'store-unavailable' });
    db = openDatabase(join(folder, 'gateway.db'), [ANCHORS_SCHEMA]);
  });
});
