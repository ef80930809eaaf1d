import { afterEach, describe, expect, it } from 'vitest';
import type { DeliveryStore } from '../ports.ts';
import { DeliveryBench } from './testing/bench.ts';
import { FakeDevice, fillLog, START } from './testing/fake-log.ts';
import { type Script, ScriptedProvider } from './testing/scripted-provider.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startProvider(id = 'clinic'): Promise<ScriptedProvider> {
  const provider = await ScriptedProvider.start(id);
  cleanups.push(() => provider.close());
  return provider;
}

function startBench(
  providers: readonly ScriptedProvider[],
  settings: ConstructorParameters<typeof DeliveryBench>[1] = {},
): DeliveryBench {
  const bench = new DeliveryBench(providers, settings);
  cleanups.push(() => bench.close());
  return bench;
}

/** Lets time pass until every retry that can be due has been made. */
async function deliverAll(bench: DeliveryBench, rounds = 40): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await bench.deliverer.deliverDue();
    bench.clock.time += 3_600_000;
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('batches', () => {
  it('carry the entries of one provider in log order, device events among them, exact to the byte', async () => {
    const clinic = await startProvider();
    // The first batch spans a heartbeat: its range is wider than the entries in it.
    const bench = startBench([clinic], { maxEntries: 4 });
    const device = new FakeDevice('a');
    await fillLog(bench.log, device, 2, { flags: ['gap'] });
    await bench.log.seal();
    await fillLog(bench.log, new FakeDevice('b', 'ESP256'), 2);
    await bench.deliverer.deliverDue();
    expect(clinic.indices()).toEqual([0, 1, 2, 4, 5, 6]);
    const entries = clinic.taken.flatMap(({ delivery }) =>
      delivery.kind === 'statements' ? delivery.entries : [],
    );
    expect(entries.map(({ kind }) => kind)).toEqual([
      ...['device-event', 'statement', 'statement'],
      ...['device-event', 'statement', 'statement'],
    ]);
    for (const entry of entries) {
      const { bytes, flags, receivedAt, patient } = bench.log.entries[entry.index] ?? {};
      expect({ ...entry }).toEqual({
        index: entry.index,
        kind: entry.kind,
        bytes,
        flags,
        receivedAt,
        ...(patient && { patient }),
      });
    }
    expect(clinic.taken.map(({ id }) => id)).toEqual(['batch-1', 'batch-2']);
  });

  it('end before the byte limit, and always hold one entry', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic], { maxBytes: 700 });
    const device = new FakeDevice('a');
    await fillLog(bench.log, device, 0);
    bench.log.append(await device.state(new Uint8Array(5_000)), 'statement', {}, device.urn);
    await fillLog(bench.log, device, 3);
    await bench.deliverer.deliverDue();
    expect(clinic.taken.map(({ delivery }) => delivery.entries.map(({ index }) => index))).toEqual([
      [0],
      [1],
      [2, 3],
      [4],
    ]);
  });

  it('are live while an entry is fresh and backfill when none is', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic], { maxEntries: 1, liveWindowMs: 1_000 });
    const device = new FakeDevice('a');
    await fillLog(bench.log, device, 1, { receivedAt: START - 1_001 });
    await fillLog(bench.log, device, 1, { receivedAt: START - 1_000 });
    await fillLog(bench.log, device, 1, { flags: ['backfill'] });
    await bench.deliverer.deliverDue();
    const modes = clinic.taken.map(({ delivery }) => delivery.kind === 'statements' && delivery.mode);
    expect(modes).toEqual(['backfill', 'backfill', 'live', 'backfill']);
  });

  it('leave out what was erased and say so', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic]);
    await fillLog(bench.log, new FakeDevice('a'), 3);
    bench.log.erase(2);
    await bench.deliverer.deliverDue();
    const [first] = clinic.taken;
    expect(first?.delivery).toMatchObject({
      erased: [2],
      entries: [{ index: 0 }, { index: 1 }, { index: 3 }],
    });
  });
});

describe('receipts', () => {
  it('follow when an anchor is final, for what was delivered, once', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic], { maxReceipts: 3 });
    await fillLog(bench.log, new FakeDevice('a'), 3);
    const checkpoint = await bench.log.seal();
    await fillLog(bench.log, new FakeDevice('b'), 1);
    await bench.deliverer.deliverDue();
    expect(clinic.indices('receipts')).toEqual([]);
    const { anchor } = bench.anchors.finalize(checkpoint);
    await bench.deliverer.deliverDue();
    expect(clinic.indices('receipts')).toEqual([0, 1, 2, 3]);
    expect(anchor?.eventProof).toBeDefined();
    expect(clinic.taken.at(-1)?.delivery).toMatchObject({ kind: 'receipts', anchor });
    bench.anchors.finalize(await bench.log.seal());
    await bench.deliverer.deliverDue();
    expect(clinic.indices('receipts')).toEqual([0, 1, 2, 3, 5, 6]);
  });

  it('wait for what has not been delivered, though its anchor is final', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic], { maxEntries: 2 });
    await fillLog(bench.log, new FakeDevice('a'), 3);
    bench.anchors.finalize(await bench.log.seal());
    clinic.script.push('take', 'take', 500);
    await bench.deliverer.deliverDue();
    expect([clinic.indices(), clinic.indices('receipts')]).toEqual([
      [0, 1],
      [0, 1],
    ]);
    bench.clock.time += 10_000;
    await bench.deliverer.deliverDue();
    expect([clinic.indices(), clinic.indices('receipts')]).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ]);
  });

  it('of one batch cite the anchor it was made with, also when a newer one is final before it is sent', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic]);
    await fillLog(bench.log, new FakeDevice('a'), 2);
    const first = await bench.log.seal();
    await bench.deliverer.deliverDue();
    clinic.script.push(500);
    bench.anchors.finalize(first);
    await bench.deliverer.deliverDue();
    bench.anchors.finalize(await bench.log.seal());
    bench.clock.time += 10_000;
    await bench.restart();
    await bench.deliverer.deliverDue();
    const receipts = clinic.requests.filter(({ delivery }) => delivery.kind === 'receipts');
    expect(receipts.map(({ id }) => id)).toEqual(['batch-2', 'batch-2']);
    expect(receipts[1]?.delivery).toEqual(receipts[0]?.delivery);
  });

  it('whose anchor the chain took back wait for one that covers them, and hold up nothing else', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic]);
    await fillLog(bench.log, new FakeDevice('a'), 2);
    const checkpoint = await bench.log.seal();
    await bench.deliverer.deliverDue();
    const earlier = bench.anchors.finalize({ ...checkpoint, size: 1 });
    clinic.script.push(500);
    const undone = bench.anchors.finalize(checkpoint);
    await bench.deliverer.deliverDue();
    bench.anchors.undo(undone);
    bench.clock.time += 10_000;
    await fillLog(bench.log, new FakeDevice('b'), 1);
    await bench.deliverer.deliverDue();
    expect([clinic.indices(), clinic.indices('receipts')]).toEqual([[0, 1, 2, 4, 5], []]);
    bench.anchors.undo(earlier);
    const { anchor } = bench.anchors.finalize(await bench.log.seal());
    await bench.deliverer.deliverDue();
    expect(clinic.indices('receipts')).toEqual([0, 1, 2, 4, 5]);
    const cited = clinic.taken.flatMap(({ delivery }) =>
      delivery.kind === 'receipts' ? [delivery.anchor] : [],
    );
    expect(cited).toEqual([anchor, anchor]);
  });
});

describe('faults', () => {
  const healing: readonly (readonly [string, Script, string])[] = [
    ['a reset connection', 'reset', 'no answer (ECONNRESET)'],
    ['an answer lost on the way', 'take-and-reset', 'no answer (ECONNRESET)'],
    ['no answer in time', 'hang', 'no answer in time'],
    ['500', 500, 'the provider answered 500'],
    ['502', 502, 'the provider answered 502'],
    ['503 with Retry-After', { status: 503, headers: { 'retry-after': '7' } }, 'the provider answered 503'],
    ['429 with a huge answer', { status: 429, body: 'x'.repeat(5_000_000) }, 'the provider answered 429'],
    ['401', 401, 'the provider answered 401'],
    ['404', 404, 'the provider answered 404'],
    [
      'a redirect',
      { status: 307, headers: { location: 'http://127.0.0.1:1/' } },
      'the provider answered 307: redirects are not followed, set its url',
    ],
  ];
  it.each(healing)('%s: the same batch comes again, nothing is lost', async (_, script, error) => {
    const clinic = await startProvider();
    const bench = startBench([clinic], { timeoutMs: 300 });
    await fillLog(bench.log, new FakeDevice('a'), 2);
    clinic.script.push(script);
    await bench.deliverer.deliverDue();
    expect(await bench.deliverer.status()).toMatchObject([
      { lastError: error, deadLetters: 0, statements: { cursor: 0 } },
    ]);
    await deliverAll(bench, 2);
    expect(clinic.requests.map(({ id }) => id)).toEqual(['batch-1', 'batch-1']);
    expect(clinic.requests[1]?.delivery).toEqual(clinic.requests[0]?.delivery);
    expect(new Set(clinic.indices())).toEqual(new Set([0, 1, 2]));
    expect(await bench.deliverer.status()).toMatchObject([{ lagMs: 0, statements: { cursor: 3, open: [] } }]);
  });

  it.each([400, 405, 410, 415, 422])('%i: dead letter, what comes behind it goes on', async (status) => {
    const clinic = await startProvider();
    const bench = startBench([clinic], { maxEntries: 2 });
    await fillLog(bench.log, new FakeDevice('a'), 3);
    clinic.script.push(status);
    await bench.deliverer.deliverDue();
    expect(clinic.indices()).toEqual([2, 3]);
    expect(await bench.deliverer.deadLetters('clinic')).toMatchObject([
      { id: 'batch-1', from: 0, to: 1, lastError: `the provider answered ${status}`, buriedAt: START },
    ]);
    expect(await bench.deliverer.retry('batch-1')).toBe(true);
    expect(await bench.deliverer.retry('batch-1')).toBe(false);
    await bench.deliverer.deliverDue();
    expect(clinic.indices()).toEqual([2, 3, 0, 1]);
    expect(clinic.taken.at(-1)?.id).toBe('batch-1');
    expect(await bench.deliverer.deadLetters()).toEqual([]);
    expect(await bench.deliverer.status()).toMatchObject([{ statements: { cursor: 4, open: [] } }]);
  });

  it('500 again and again: given up after maxRefusals, while an absent provider is waited for without end', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic], { maxEntries: 2, maxRefusals: 3 });
    await fillLog(bench.log, new FakeDevice('a'), 2);
    clinic.script.push(...Array<Script>(20).fill(503), 500, 500, 500);
    await deliverAll(bench, 30);
    expect(await bench.deliverer.deadLetters()).toMatchObject([{ id: 'batch-1', attempts: 23, refusals: 2 }]);
    expect(clinic.indices()).toEqual([2]);
  });

  it('413: halves until it fits; a single entry that does not is a dead letter', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic]);
    await fillLog(bench.log, new FakeDevice('a'), 4);
    clinic.script.push(413, 'take', 413, 'take', 413);
    await bench.deliverer.deliverDue();
    expect(clinic.taken.map(({ delivery }) => delivery.entries.map(({ index }) => index))).toEqual([
      [0, 1, 2],
      [3],
    ]);
    expect(await bench.deliverer.deadLetters()).toMatchObject([
      { from: 4, to: 4, lastError: 'the provider answered 413' },
    ]);
    expect(bench.attempts).toEqual([
      'clinic statements split',
      'clinic statements delivered',
      'clinic statements split',
      'clinic statements delivered',
      'clinic statements dead',
    ]);
  });

  it('Retry-After is obeyed: no attempt of either kind before its time', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic], { maxEntries: 1 });
    await fillLog(bench.log, new FakeDevice('a'), 1);
    await bench.deliverer.deliverDue();
    bench.anchors.finalize(await bench.log.seal());
    await fillLog(bench.log, new FakeDevice('b'), 0);
    clinic.script.push({ status: 429, headers: { 'retry-after': '120' } });
    await bench.deliverer.deliverDue();
    expect(clinic.requests).toHaveLength(3);
    bench.clock.time += 119_999;
    await bench.deliverer.deliverDue();
    expect(clinic.requests).toHaveLength(3);
    bench.clock.time += 1;
    await bench.deliverer.deliverDue();
    expect(clinic.indices('statements')).toEqual([0, 1, 3]);
    expect(clinic.indices('receipts')).toEqual([0, 1]);
  });

  it('a dead provider never holds up another', async () => {
    const [dead, well] = [await startProvider('dead'), await startProvider('well')];
    const bench = startBench([dead, well], { timeoutMs: 200 });
    await fillLog(bench.log, new FakeDevice('a'), 2, { provider: 'dead' });
    await fillLog(bench.log, new FakeDevice('b'), 2, { provider: 'well' });
    dead.script.push('hang');
    const done = bench.deliverer.deliverDue();
    await well.nextRequest();
    expect(dead.taken).toEqual([]);
    await done;
    expect(well.indices()).toEqual([3, 4, 5]);
    expect(await bench.deliverer.status()).toMatchObject([
      { provider: 'dead', statements: { cursor: 0 } },
      { provider: 'well', statements: { cursor: 6 } },
    ]);
  });

  it('a clock that jumps back does not stop delivery', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic]);
    await fillLog(bench.log, new FakeDevice('a'), 1);
    clinic.script.push(503);
    await bench.deliverer.deliverDue();
    bench.clock.time -= 365 * 86_400_000;
    await bench.deliverer.deliverDue();
    expect(clinic.indices()).toEqual([0, 1]);
  });
});

describe('crashes', () => {
  /** Lets the store work, or stop working, at one place. */
  function failing(method: 'begin' | 'complete', when: 'before' | 'after') {
    return (store: DeliveryStore): DeliveryStore =>
      new Proxy(store, {
        get(target, name) {
          const found = Reflect.get(target, name) as unknown;
          if (typeof found !== 'function') return found;
          if (name !== method) return found.bind(target) as unknown;
          return async (...args: unknown[]) => {
            if (when === 'after') await (Reflect.apply(found, target, args) as Promise<void>);
            throw new Error('crash');
          };
        },
      });
  }

  it.each([
    ['before the batch is durable', 'begin', 'before', ['batch-2']],
    ['once the batch is durable and before it is sent', 'begin', 'after', ['batch-1']],
    ['once it is sent and before it is completed', 'complete', 'before', ['batch-1', 'batch-1']],
    ['once it is completed', 'complete', 'after', ['batch-1']],
  ] as const)('%s', async (_, method, when, ids) => {
    const clinic = await startProvider();
    const bench = startBench([clinic]);
    await fillLog(bench.log, new FakeDevice('a'), 3);
    await bench.restart(failing(method, when));
    await expect(bench.deliverer.deliverDue()).rejects.toThrow('crash');
    await bench.restart();
    await bench.deliverer.deliverDue();
    expect(clinic.taken.map(({ id }) => id)).toEqual(ids);
    expect(new Set(clinic.indices())).toEqual(new Set(range(0, 3)));
    for (const { delivery } of clinic.taken)
      expect(delivery.entries).toEqual(clinic.taken[0]?.delivery.entries);
  });

  it('close() aborts an attempt under way, which is made again under its id', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic]);
    await fillLog(bench.log, new FakeDevice('a'), 1);
    clinic.script.push('hang');
    bench.deliverer.start();
    await clinic.nextRequest();
    const started = performance.now();
    await bench.deliverer.close();
    expect(performance.now() - started).toBeLessThan(1_000);
    await bench.restart();
    await bench.deliverer.deliverDue();
    expect(clinic.requests.map(({ id }) => id)).toEqual(['batch-1', 'batch-1']);
    expect(clinic.indices()).toEqual([0, 1]);
  });
});

describe('running', () => {
  it('wakes on commits and on final anchors', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic], { lingerMs: 5 });
    bench.deliverer.start();
    const first = clinic.nextRequest();
    await fillLog(bench.log, new FakeDevice('a'), 0);
    await first;
    const checkpoint = await bench.log.seal();
    while ((await bench.store.cursor('clinic', 'statements')) === 0)
      await new Promise((done) => setImmediate(done));
    const second = clinic.nextRequest();
    bench.anchors.finalize(checkpoint);
    await second;
    await bench.deliverer.close();
    expect(clinic.indices('receipts')).toEqual([0]);
  });

  it('gathers what is committed within the linger into one body', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic], { lingerMs: 100 });
    bench.deliverer.start();
    await new Promise((done) => setImmediate(done));
    const seen = clinic.nextRequest();
    await fillLog(bench.log, new FakeDevice('a'), 5);
    await seen;
    expect(clinic.requests[0]?.delivery.entries.length).toBe(6);
  });

  it('sleeps until a retry is due, then makes it', async () => {
    const clinic = await startProvider();
    const bench = startBench([clinic], { baseMs: 20, capMs: 20 });
    bench.clock.now = Date.now;
    clinic.nowSeconds = () => Date.now() / 1000;
    await fillLog(bench.log, new FakeDevice('a'), 0);
    clinic.script.push(503, 503);
    bench.deliverer.start();
    for (let seen = 0; seen < 3; seen = clinic.requests.length) await clinic.nextRequest();
    expect(clinic.requests.map(({ id }) => id)).toEqual(['batch-1', 'batch-1', 'batch-1']);
  });
});
