/** The store behind its real thread, and the checkers behind theirs. */
import { join } from 'node:path';
import process from 'node:process';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { hashEntry } from '../../src/statement.ts';
import { loadConfig } from '../config.ts';
import type { GatewayConfig } from '../config-schema.ts';
import type { GatewayError } from '../errors.ts';
import { checkStore } from '../fsck/check-store.ts';
import { anchorOf } from '../fsck/testing/lived-in.ts';
import { NO_STORE_EVENTS, type StoreEvents } from '../open-store.ts';
import type { Batch, SequenceRange, Verdict } from '../ports.ts';
import { type Db, openDatabase } from '../store/database.ts';
import { takeWriterLock, type WriterLock } from '../store/writer-lock.ts';
import { SetClock } from '../testing/clock.ts';
import { makeFolder, type TestFolder } from '../testing/folder.ts';
import { GatewayBench, writeGatewayFiles } from '../testing/gateway-bench.ts';
import { keyText } from '../testing/log-bench.ts';
import { MemoryLogger } from '../testing/logger.ts';
import { PUBACK, publishPacket } from '../testing/raw-mqtt.ts';
import { spoil, Wearable } from '../testing/wearable.ts';
import { CheckPool } from '../validate/check-pool.ts';
import { StatementIntake } from '../validate/intake.ts';
import { RegistryCache } from '../validate/registry-cache.ts';
import { type ConnectedStore, connectStore } from './connect.ts';

/** The thread of the store that the next call starts. */
function nextStoreThread(): { worker: Worker | undefined } {
  const found: { worker: Worker | undefined } = { worker: undefined };
  const look = (worker: Worker): void => {
    if (found.worker !== undefined) return;
    found.worker = worker; // the store is opened before any checking thread is
    process.off('worker', look);
  };
  process.on('worker', look);
  return found;
}

describe('a store on its thread', () => {
  let folder: TestFolder;
  let config: GatewayConfig;
  let lock: WriterLock | undefined;
  let store: ConnectedStore;
  let thread: ReturnType<typeof nextStoreThread>;
  let fatal: GatewayError[];
  let gaps: { device: string; gap: SequenceRange }[];
  let commits: number;
  const clock = new SetClock();
  const logger = new MemoryLogger();

  const events = (): StoreEvents => ({
    ...NO_STORE_EVENTS,
    onGap: (device, { boot, from, to }) => gaps.push({ device, gap: { boot, from, to } }),
    onCommit: () => {
      commits += 1;
    },
    onFatal: (error) => fatal.push(error),
  });

  beforeEach(async () => {
    folder = makeFolder();
    config = loadConfig(writeGatewayFiles(folder.path), {});
    lock = takeWriterLock(config.dataDir);
    [fatal, gaps, commits] = [[], [], 0];
    thread = nextStoreThread();
    store = await connectStore(config, { clock, logger }, events());
  });

  afterEach(async () => {
    await store.close().catch(() => undefined);
    lock?.release();
    folder.remove();
  });

  /** As another process does it. */
  async function enrol(...wearables: readonly Wearable[]): Promise<void> {
    const db = openDatabase(join(config.dataDir, 'gateway.db'), []);
    const insert = db.prepare('INSERT INTO registry_requests (request) VALUES (?)');
    for (const { urn, signer } of wearables) {
      const request = {
        action: 'enrol',
        device: urn,
        patient: 'p',
        provider: 'clinic',
        key: keyText(signer.publicKey),
      };
      insert.run(JSON.stringify(request));
    }
    db.close();
    await store.log.deviceWork.process(clock.now());
  }

  test('with real checking threads: hundreds of statements in flight, each accepted once and in order', async () => {
    const wearables = [1, 2, 3, 4].map((number) => new Wearable(number));
    await enrol(...wearables);
    const checker = new CheckPool(3);
    const intake = new StatementIntake({
      registry: new RegistryCache(store.log.registry),
      log: store.log.writer,
      checker,
      maxQueue: 10_000,
      maxStatementBytes: 4096,
      onVerdict: () => undefined,
    });
    const chains = await Promise.all(wearables.map((wearable) => wearable.skip(150)));
    const submit = (at: number, bytes: Uint8Array): Promise<Verdict> =>
      intake.submit({ device: wearables[at]?.urn ?? '', bytes, receivedAt: clock.now() });
    const verdicts: Promise<Verdict>[][] = [[], [], [], []];
    const forged: Promise<Verdict>[] = [];
    for (let seq = 0; seq < 150; seq++) {
      for (const [at, chain] of chains.entries()) {
        const bytes = chain[seq] as Uint8Array;
        verdicts[at]?.push(submit(at, bytes));
        if (seq % 10 === at) forged.push(submit(at, spoil(bytes)));
      }
      if (seq % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const own of verdicts) {
      const expected = own.map((_, seq) => ({ kind: 'accept', seq, boot: 0, flags: [] }));
      expect(await Promise.all(own)).toMatchObject(expected);
    }
    for (const verdict of await Promise.all(forged)) expect(verdict).toMatchObject({ code: 'bad-signature' });
    expect(gaps).toEqual([]);
    expect(commits).toBeLessThan(600); // in groups
    const again = await Promise.all(chains.flatMap((chain, at) => chain.map((bytes) => submit(at, bytes))));
    expect(new Set(again.map((verdict) => verdict.kind === 'ignore' && verdict.code))).toEqual(
      new Set(['duplicate']),
    );
    const entry = await store.log.reader.findStatement(wearables[2]?.urn ?? '', 0, 149);
    expect(entry?.entry).toEqual(hashEntry(chains[2]?.[149] as Uint8Array));
    await intake.close();
    await checker.close();
    await store.close();
    expect((await checkStore({ config })).findings).toEqual([]);
  });

  test('what opening it threw reaches who starts it, and the thread is gone', async () => {
    await store.close();
    const other = loadConfig(writeGatewayFiles(folder.path), {});
    const { masterKeyFile } = other.keys;
    const wrong = { ...other, keys: { ...other.keys, masterKeyFile: other.keys.webhookKeyFile } };
    expect(masterKeyFile).not.toBe(wrong.keys.masterKeyFile);
    thread = nextStoreThread();
    await expect(connectStore(wrong, { clock, logger }, events())).rejects.toMatchObject({
      code: 'key-unreadable',
      fatal: true,
    });
    expect(thread.worker?.threadId).toBe(-1); // ended
    expect(fatal).toEqual([]); // it is thrown, not told
  });

  test('a gap is told, with its range', async () => {
    const wearable = new Wearable(1);
    await enrol(wearable);
    const checker = new CheckPool(1);
    const intake = new StatementIntake({
      registry: new RegistryCache(store.log.registry),
      log: store.log.writer,
      checker,
      maxQueue: 10,
      maxStatementBytes: 4096,
      onVerdict: () => undefined,
    });
    const bytes = await wearable.sign({ seq: 5, boot: 2 });
    const verdict = await intake.submit({ device: wearable.urn, bytes, receivedAt: clock.now() });
    expect(verdict).toMatchObject({ kind: 'accept', flags: ['gap'] });
    await vi.waitFor(() =>
      expect(gaps).toEqual([{ device: wearable.urn, gap: { boot: 2, from: 0, to: 4 } }]),
    );
    await checker.close();
  });

  test('what only reads is answered while the thread waits for the disk, and sees every write that was awaited', async () => {
    const other: Db = openDatabase(join(config.dataDir, 'gateway.db'), []);
    other.exec('BEGIN IMMEDIATE'); // the thread waits for this lock
    let isSealed = false;
    const sealing = store.log.sealer.seal(undefined).then(() => {
      isSealed = true;
    });
    const { anchors, deliveries, log } = store;
    expect(await anchors.list(3)).toEqual([]);
    expect(await anchors.open()).toEqual([]);
    expect(await anchors.covering(0)).toBeUndefined();
    expect(await anchors.newest('final')).toBeUndefined();
    expect(await anchors.byTransaction(new Uint8Array(32))).toBeUndefined();
    expect(await anchors.gasUsed()).toBe(0n);
    expect(await deliveries.cursor('clinic', 'statements')).toBe(0);
    expect(await deliveries.open('clinic', 'statements')).toEqual([]);
    expect(await deliveries.deadLetters()).toEqual([]);
    expect(await log.reader.newestCheckpoint()).toBeUndefined();
    expect(isSealed).toBe(false);
    other.exec('ROLLBACK');
    other.close();
    await sealing;
    expect((await log.reader.newestCheckpoint())?.size).toBe(1);
    const batch: Batch = {
      ...{ id: 'a', provider: 'clinic', kind: 'statements', from: 0, to: 4, mode: 'live' },
      ...{ createdAt: 1, attempts: 0, refusals: 0, nextAttemptAt: 0 },
    };
    await deliveries.begin(batch);
    expect(await deliveries.open('clinic', 'statements')).toEqual([batch]);
    await deliveries.bury('a', 'no', 5);
    expect(await deliveries.deadLetters()).toMatchObject([{ id: 'a', buriedAt: 5 }]);
    expect(await deliveries.cursor('clinic', 'statements')).toBe(5);
    expect(await deliveries.retry('a')).toBe(true);
    await deliveries.split('a', [
      { ...batch, id: 'b', to: 1 },
      { ...batch, id: 'c', from: 2 },
    ]);
    await deliveries.postpone('b', { nextAttemptAt: 7, error: 'e', refused: true });
    await deliveries.complete('c');
    expect(await deliveries.open('clinic', 'statements')).toMatchObject([
      { id: 'b', nextAttemptAt: 7, refusals: 1 },
    ]);
    const record = anchorOf({ size: 1, root: new Uint8Array(32), note: '', sealedAt: 1 }, 'final');
    await anchors.save(record);
    expect(await anchors.covering(0)).toEqual(record);
  });

  test('a thread that ends: everything under way fails, everything later too, and it is fatal, once', async () => {
    const other: Db = openDatabase(join(config.dataDir, 'gateway.db'), []);
    other.exec('BEGIN IMMEDIATE'); // the thread waits for this lock
    const open = [
      store.log.sealer.seal(undefined),
      store.deliveries.retry('a'),
      store.log.heldBack.devices(),
    ];
    const results = Promise.allSettled(open);
    void thread.worker?.terminate();
    other.exec('ROLLBACK');
    other.close();
    const ended = /the thread of the store has ended/;
    for (const result of await results)
      expect(result).toMatchObject({ reason: { code: 'store-unavailable', fatal: true } });
    await expect(store.deliveries.complete('a')).rejects.toThrow(ended);
    await expect(store.log.heldBack.devices()).rejects.toThrow(ended);
    expect(fatal).toMatchObject([{ code: 'store-unavailable', fatal: true }]);
  });

  test('one that is closed is not one that ended', async () => {
    await store.close();
    expect(fatal).toEqual([]);
    await expect(store.deliveries.retry('a')).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(store.anchors.list(1)).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});

test('a gateway whose store thread ends acknowledges nothing more, says that it must stop, stops, and goes on after a restart', async () => {
  const folder = makeFolder();
  const wearable = new Wearable(1);
  const thread = nextStoreThread();
  let bench = await GatewayBench.start({}, folder);
  try {
    await bench.enrol(wearable);
    const kept = await wearable.next();
    let client = await bench.join(wearable);
    const topic = `wearables/${wearable.urn}/statements`;
    client.send(publishPacket(topic, kept, { id: 1 }));
    await client.receive(PUBACK);

    bench.db.exec('BEGIN IMMEDIATE'); // as long as this lasts no commit comes through
    const pending = await wearable.skip(10);
    for (const [at, bytes] of pending.entries()) client.send(publishPacket(topic, bytes, { id: 2 + at }));
    await client.roundTrip(); // the main thread goes on
    expect((await bench.get('/status', undefined)).status).toBeLessThan(500);
    void thread.worker?.terminate();
    bench.db.exec('ROLLBACK');
    expect(await bench.gateway.failed).toMatchObject({ code: 'store-unavailable', fatal: true });
    await client.closed;
    expect(client.packets.filter(({ type }) => type === PUBACK)).toEqual([]);
    await bench.stop();

    bench = await GatewayBench.start({}, folder);
    client = await bench.join(wearable);
    for (const [at, bytes] of [kept, ...pending].entries())
      client.send(publishPacket(topic, bytes, { id: 1 + at }));
    for (let at = 0; at < 11; at++) await client.receive(PUBACK);
    expect(bench.count('entries', "kind = 'statement'")).toBe(11);
    expect(bench.count('gaps')).toBe(0);
    await bench.stop();
    const config = loadConfig(writeGatewayFiles(folder.path), {});
    expect((await checkStore({ config })).findings).toEqual([]);
  } finally {
    await bench.stop().catch(() => undefined);
    folder.remove();
  }
});
