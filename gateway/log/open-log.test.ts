import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verifyCheckpoint } from '../../src/checkpoint.ts';
import { decodeLogStatement } from '../../src/log-statement.ts';
import { hashLeaf } from '../../src/merkle/hash.ts';
import { verifyConsistency, verifyInclusion } from '../../src/merkle/verify.ts';
import { hashEntry } from '../../src/statement.ts';
import { GatewayError } from '../errors.ts';
import { makeFolder, type TestFolder } from '../testing/folder.ts';
import { LogBench, TEST_LOG_SIGNER, TEST_ORIGIN } from '../testing/log-bench.ts';
import { heartRate, Wearable } from '../testing/wearable.ts';

let folder: TestFolder;
let bench: LogBench;
const wearable = () => new Wearable(1);

beforeEach(() => {
  folder = makeFolder();
  bench = new LogBench({ folder: folder.path });
});

afterEach(async () => {
  await bench.close();
  folder.remove();
});

const trusted = { origin: TEST_ORIGIN, publicKey: TEST_LOG_SIGNER.publicKey.bytes };

describe('sealing', () => {
  test('appends a heartbeat with the beacon and signs a checkpoint over it', async () => {
    const beacon = { blockNumber: 7n, blockHash: new Uint8Array(32).fill(7) };
    const checkpoint = await bench.log.sealer.seal(beacon);
    expect(checkpoint).toMatchObject({ size: 1, sealedAt: bench.clock.now() });
    expect(verifyCheckpoint(checkpoint.note, trusted)).toEqual({
      kind: 'ok',
      value: { size: 1, root: checkpoint.root },
    });
    const entry = await bench.log.reader.entry(0);
    const heartbeat = decodeLogStatement(entry?.bytes as Uint8Array);
    expect(heartbeat).toMatchObject({
      value: { kind: 'heartbeat', origin: TEST_ORIGIN, time: Math.floor(bench.clock.now() / 1000), beacon },
    });
    expect(entry).not.toHaveProperty('device');
    expect(await bench.log.reader.newestCheckpoint()).toEqual(checkpoint);
    expect(await bench.log.reader.checkpointAt(1)).toEqual(checkpoint);
    expect(await bench.log.reader.checkpointAt(2)).toBeUndefined();
  });

  test('two seals at once make two checkpoints, each one leaf larger and consistent with the one before', async () => {
    const [first, second] = await Promise.all([
      bench.log.sealer.seal(undefined),
      bench.log.sealer.seal(undefined),
    ]);
    expect([first.size, second.size]).toEqual([1, 2]);
    expect(
      verifyConsistency({
        fromSize: 1,
        fromRoot: first.root,
        toSize: 2,
        toRoot: second.root,
        proof: await bench.log.reader.consistencyProof(1, 2),
      }),
    ).toBe(true);
  });

  test('covers exactly what was before the heartbeat, though more came in the same commit', async () => {
    const own = wearable();
    await bench.enrol(own);
    const sealing = bench.log.sealer.seal(undefined);
    const statements = await own.skip(5);
    await Promise.all(statements.map((bytes) => bench.submit(own, bytes)));
    const { size, root } = await sealing;
    const index = size - 1;
    const entry = await bench.log.reader.entry(index);
    expect(entry?.kind).toBe('heartbeat');
    const path = await bench.log.reader.inclusionProof(index, size);
    const leafHash = hashLeaf(entry?.entry as Uint8Array);
    expect(verifyInclusion({ leafHash, index, size, path, root })).toBe(true);
  });

  test('a seal that fails tells its caller, and the next one is made', async () => {
    const failing = bench.log.committer.run(() => {
      throw new Error('no');
    });
    bench.db.pragma('query_only = ON');
    await expect(bench.log.sealer.seal(undefined)).rejects.toThrow(GatewayError);
    await expect(failing).rejects.toThrow(GatewayError);
    bench.db.pragma('query_only = OFF');
    expect((await bench.log.sealer.seal(undefined)).size).toBe(1);
  });

  test('a heartbeat that was committed without its checkpoint does no harm', async () => {
    bench.db.exec(
      "CREATE TEMP TRIGGER stop BEFORE INSERT ON checkpoints BEGIN SELECT raise(ABORT, 'stop'); END",
    );
    await expect(bench.log.sealer.seal(undefined)).rejects.toThrow(GatewayError);
    bench.db.exec('DROP TRIGGER stop');
    expect(await bench.log.reader.size()).toBe(1);
    expect((await bench.log.sealer.seal(undefined)).size).toBe(2);
  });
});

describe('opening again', () => {
  test('gives the same log: size, root, entries, checkpoints, gaps, registry, quarantine', async () => {
    const own = wearable();
    await bench.enrol(own);
    const statements = await own.skip(300);
    await Promise.all(statements.filter((_, i) => i !== 17).map((bytes) => bench.submit(own, bytes)));
    await bench.submit(own, Uint8Array.of(1));
    const sealed = await bench.log.sealer.seal(undefined);
    const before = await describeLog(own.urn);
    await bench.close();
    bench = new LogBench({ folder: folder.path });
    expect(await describeLog(own.urn)).toEqual(before);
    expect(await bench.log.reader.newestCheckpoint()).toEqual(sealed);
    expect(await bench.submit(own, statements[5] as Uint8Array)).toMatchObject({ code: 'duplicate' });
    expect(await bench.submit(own, statements[17] as Uint8Array)).toMatchObject({ flags: ['backfill'] });
  });

  async function describeLog(urn: string): Promise<object> {
    const { reader, registry, sequences, quarantine } = bench.log;
    const size = await reader.size();
    return {
      size,
      proof: await reader.inclusionProof(3, size),
      entry: await reader.entry(20),
      newest: await reader.newestOfDevice(urn, 3),
      summary: registry.lists.summary(urn),
      gaps: sequences.gaps(1, 10),
      refused: quarantine.list(10),
      kept: quarantine.count(),
    };
  }

  test('with another master key is refused, and says what to do', async () => {
    await bench.close();
    let thrown: unknown;
    try {
      new LogBench({ folder: folder.path, masterKey: new Uint8Array(32) });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'key-unreadable', fatal: true });
    expect((thrown as Error).message).toMatchInlineSnapshot(
      `"the master key does not open this store; is it the key file the store was made with?"`,
    );
    bench = new LogBench({ folder: folder.path });
  });
});

describe('reading', () => {
  test('entries for a provider: in order, from an index on, bounded, with their bytes', async () => {
    const [a, b] = [new Wearable(1), new Wearable(2)];
    await bench.enrol(a, 'p-1', 'clinic');
    await bench.enrol(b, 'p-2', 'other');
    for (const own of [a, b, a]) await bench.submit(own, await own.next());
    const clinic = await bench.log.reader.readForProvider('clinic', 0, 10);
    expect(clinic.map(({ index, kind, seq }) => [index, kind, seq])).toEqual([
      [0, 'device-event', undefined],
      [2, 'statement', 0],
      [4, 'statement', 1],
    ]);
    expect((await bench.log.reader.readForProvider('clinic', 3, 10)).map(({ index }) => index)).toEqual([4]);
    expect((await bench.log.reader.readForProvider('clinic', 0, 2)).map(({ index }) => index)).toEqual([
      0, 2,
    ]);
    expect(await bench.log.reader.readForProvider('nobody', 0, 10)).toEqual([]);
    for (const entry of clinic) expect(hashEntry(entry.bytes as Uint8Array)).toEqual(entry.entry);
  });

  test('a device’s newest statements come by boot and number, not by arrival', async () => {
    const own = wearable();
    await bench.enrol(own);
    const [first, second] = await own.skip(2);
    const rebooted = await own.sign({ boot: 1, seq: 0 });
    for (const bytes of [rebooted, second, first]) await bench.submit(own, bytes as Uint8Array);
    const newest = await bench.log.reader.newestOfDevice(own.urn, 10);
    expect(newest.map(({ boot, seq }) => [boot, seq])).toEqual([
      [1, 0],
      [0, 1],
      [0, 0],
    ]);
    expect(await bench.log.reader.newestOfDevice('urn:dev:os:1-x', 10)).toEqual([]);
  });

  test('listeners hear of each commit once it is durable, until they stop listening', async () => {
    const sizes: number[] = [];
    const stop = bench.log.reader.onCommit(
      () => void bench.log.reader.size().then((size) => sizes.push(size)),
    );
    await bench.log.sealer.seal(undefined);
    stop();
    await bench.log.sealer.seal(undefined);
    expect(sizes).toEqual([1, 1]); // the heartbeat, then its checkpoint
  });

  test('what lies in the store is unreadable without the keys, and bound to its place', async () => {
    const own = wearable();
    await bench.enrol(own);
    const payload = heartRate(71);
    const bytes = await own.next({ payload });
    await bench.submit(own, bytes);
    await bench.submit(own, await own.next());
    const rows = bench.db
      .prepare<[], { idx: number; sealed: Buffer }>('SELECT idx, sealed FROM entries')
      .all();
    for (const { sealed } of rows) expect(sealed.includes(Buffer.from(payload))).toBe(false);
    const [, one, two] = rows;
    bench.db.prepare('UPDATE entries SET sealed = ? WHERE idx = ?').run(one?.sealed, two?.idx);
    await expect(bench.log.reader.entry(1)).resolves.toMatchObject({ bytes });
    await expect(bench.log.reader.entry(2)).rejects.toMatchObject({ code: 'store-corrupt' });
  });
});

test('nothing of an uncommitted statement can be seen, and a failed commit leaves size and root as they were', async () => {
  const own = wearable();
  await bench.enrol(own);
  const { root } = await bench.log.sealer.seal(undefined);
  const size = await bench.log.reader.size();
  const bytes = await own.next();
  const submitted = bench.submit(own, bytes);
  const failing = bench.log.committer.run(() => {
    throw new Error('no');
  });
  expect(await bench.log.reader.size()).toBe(size);
  await expect(submitted).rejects.toThrow(GatewayError);
  await expect(failing).rejects.toThrow(GatewayError);
  expect(await bench.log.reader.size()).toBe(size);
  expect(await bench.submit(own, bytes)).toMatchObject({ kind: 'accept', index: size });
  const next = await bench.log.sealer.seal(undefined);
  const proof = await bench.log.reader.consistencyProof(size, next.size);
  expect(
    verifyConsistency({ fromSize: size, fromRoot: root, toSize: next.size, toRoot: next.root, proof }),
  ).toBe(true);
});
