import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeCoseKey } from '../../src/cose/key.ts';
import { decodeLogStatement } from '../../src/log-statement.ts';
import type { EnrolmentItem } from '../store/enrolment-store.ts';
import { LogBench } from '../testing/log-bench.ts';
import { Wearable } from '../testing/wearable.ts';

const SIZE = 150;
const wearables = Array.from({ length: SIZE }, (_, at) => new Wearable(at + 1));
const items: EnrolmentItem[] = wearables.map(({ urn, signer }, at) => ({
  line: at + 2,
  device: urn,
  patient: `p-${at % 100}`,
  provider: 'clinic',
  coseKey: encodeCoseKey(signer.publicKey),
  cadence: at % 3 === 0 ? null : at,
}));

let bench: LogBench;

beforeEach(() => {
  bench = new LogBench();
});

afterEach(() => bench.close());

const store = () => bench.log.registry.enrolments;
const process = (signal?: AbortSignal) => bench.log.deviceEvents.batches.process(signal);
const size = () => bench.log.reader.size();
/** Another start over the same files, without a clean end of the one before. */
const restart = async (): Promise<void> => {
  const before = bench;
  await before.log.close();
  before.db.close();
  bench = new LogBench({ folder: before.folder });
  const close = bench.close.bind(bench);
  bench.close = async () => {
    await close();
    await before.close();
  };
};

function submit(enrolments: readonly EnrolmentItem[] = items): number {
  const batch = store().begin(enrolments.length, bench.clock.now());
  for (let at = 0; at < enrolments.length; at += 100)
    store().add(batch, enrolments.slice(at, at + 100), bench.clock.now());
  store().submit(batch, bench.clock.now());
  return batch;
}

/** Ends a run after so many commits of enrolments. */
async function processUntil(commits: number): Promise<void> {
  const stop = new AbortController();
  const advance = store().advance.bind(store());
  let left = commits;
  store().advance = (...args) => {
    advance(...args);
    left -= 1;
    if (left === 0) stop.abort();
  };
  await process(stop.signal);
}

test('all devices of a file are enrolled, each by its event in the log, for its own patient', async () => {
  const batch = submit();
  await process();
  expect(store().status(batch)).toMatchObject({ state: 'done', logged: SIZE, refused: 0 });
  expect([bench.log.registry.lists.count(), await size()]).toEqual([SIZE, SIZE]);
  const entry = await bench.log.reader.entry(SIZE - 1);
  expect(entry).toMatchObject({ kind: 'device-event', device: wearables.at(-1)?.urn, patient: 'p-49' });
  expect(decodeLogStatement(entry?.bytes as Uint8Array)).toMatchObject({
    value: { event: 'enrol', key: wearables.at(-1)?.signer.publicKey },
  });
  const last = wearables.at(-1) as Wearable;
  expect(await bench.submit(last, await last.next())).toMatchObject({ kind: 'accept' });
  // What is over leaves no second list of who wears what.
  expect([bench.count('enrolment_items'), bench.count('arriving_devices')]).toEqual([0, 0]);
});

test('no transaction is long: a file goes in by a few dozen at a time', async () => {
  submit();
  bench.commits.length = 0;
  let most = 0;
  const advance = store().advance.bind(store());
  store().advance = (batch, settled) => {
    most = Math.max(most, settled.length);
    advance(batch, settled);
  };
  await process();
  expect(most).toBe(64);
});

describe('until the whole file is in', () => {
  test('nothing of it is to be seen, sent for, or changed', async () => {
    submit();
    await processUntil(2);
    const { registry } = bench.log;
    const [first] = wearables as [Wearable];
    const last = wearables.at(-1) as Wearable;
    expect(await size()).toBe(128);
    expect([registry.lists.count(), registry.lists.summaries(10, ''), registry.device(first.urn)]).toEqual([
      0,
      [],
      undefined,
    ]);
    expect(registry.lists.summary(first.urn)).toBeUndefined();
    expect(await bench.submit(first, await first.next())).toMatchObject({ code: 'unknown-device' });
    const busy = ' is being enrolled from a file';
    for (const { urn } of [first, last]) {
      const enrol = {
        action: 'enrol',
        device: urn,
        patient: 'x',
        provider: 'clinic',
        key: 'owEBIAYhWCDXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==',
      };
      expect(await bench.request(enrol, { action: 'revoke', device: urn })).toEqual([
        urn + busy,
        `${urn}${busy} that is not finished yet`,
      ]);
    }
    await process();
    expect([registry.lists.count(), await size()]).toEqual([SIZE, SIZE]);
  });

  test.each([1, 2, 3])('a process that ends after %i of its commits is gone on from', async (commits) => {
    const batch = submit();
    await processUntil(commits);
    expect(store().status(batch)?.state).toBe('decided');
    await restart();
    expect(bench.log.registry.lists.count()).toBe(0);
    await process();
    expect([bench.log.registry.lists.count(), await size()]).toEqual([SIZE, SIZE]);
    expect(store().status(batch)).toMatchObject({ state: 'done', logged: SIZE });
    for (const { urn } of wearables) expect(bench.log.registry.device(urn)?.status).toBe('active');
  });

  test('requests about other devices do not wait for it', async () => {
    const other = new Wearable(9_999);
    await bench.enrol(other);
    submit();
    const order: string[] = [];
    await Promise.all([
      process().then(() => order.push('file')),
      bench.request({ action: 'revoke', device: other.urn }).then(() => order.push('revocation')),
    ]);
    expect(order).toEqual(['revocation', 'file']);
  });
});

describe('a file is refused as a whole', () => {
  const refused = async (...changed: EnrolmentItem[]) => {
    const lines = new Map([...items, ...changed].map((item) => [item.line, item]));
    const before = await size();
    const batch = submit([...lines.values()]);
    await process();
    expect([await size(), bench.count('arriving_devices')]).toEqual([before, 0]);
    expect(store().status(batch)).toMatchObject({ state: 'refused', logged: 0 });
    return store().refusals(batch, 100);
  };
  const item = (line: number): EnrolmentItem => items[line - 2] as EnrolmentItem;

  test('for a device that is enrolled, or was a moment ago', async () => {
    await bench.enrol(wearables[7] as Wearable);
    expect(await refused()).toEqual([{ line: 9, refusal: 'urn:dev:mac:000000000008 is enrolled already' }]);
    expect(bench.log.registry.lists.count()).toBe(1);
  });

  test('for anything that is not as it should be', async () => {
    expect(
      await refused(
        { ...item(5), device: 'mac:5' },
        { ...item(6), patient: '../x' },
        { ...item(7), provider: '' },
        { ...item(8), coseKey: new Uint8Array(3) },
      ),
    ).toEqual([
      { line: 5, refusal: 'device: must be a device URN (RFC 9039, urn:dev:...)' },
      { line: 6, refusal: 'patient: must be a pseudonym of letters, digits, ._:- (at most 64)' },
      { line: 7, refusal: 'provider: must be a provider id of letters, digits, ._:- (at most 64)' },
      { line: 8, refusal: expect.stringMatching(/^key: COSE_Key: /) },
    ]);
  });

  test('for a patient who was erased', async () => {
    await bench.enrol(new Wearable(9_999), 'p-3');
    bench.db.prepare("UPDATE owners SET wrapped = NULL WHERE name = 'p-3'").run();
    await restart();
    expect(await refused()).toEqual([
      { line: 5, refusal: 'patient p-3 has been erased' },
      { line: 105, refusal: 'patient p-3 has been erased' },
    ]);
  });
});

test('a patient who is erased between decision and log loses the device, the others are enrolled', async () => {
  await bench.enrol(new Wearable(9_999), 'p-90');
  const batch = submit();
  await processUntil(1);
  bench.db.prepare("UPDATE owners SET wrapped = NULL WHERE name = 'p-90'").run();
  await restart();
  await process();
  expect(store().status(batch)).toMatchObject({ state: 'done', logged: SIZE, refused: 1 });
  expect(store().refusals(batch, 10)).toEqual([{ line: 92, refusal: 'patient p-90 has been erased' }]);
  expect(bench.log.registry.lists.count()).toBe(SIZE);
});

describe('taking back', () => {
  test('what waits is taken back, what is decided is not', async () => {
    const waiting = submit();
    expect(store().cancel(waiting, bench.clock.now())).toBe(true);
    await process();
    expect(await size()).toBe(0);
    expect(store().status(waiting)?.state).toBe('cancelled');
    const decided = submit();
    await processUntil(1);
    expect(store().cancel(decided, bench.clock.now())).toBe(false);
    await process();
    expect(bench.log.registry.lists.count()).toBe(SIZE);
  });

  test('what is taken back while it is being checked is not carried out', async () => {
    const batch = submit();
    const conflicts = store().conflicts.bind(store());
    store().conflicts = (...args) => {
      bench.db.prepare("UPDATE enrolment_batches SET state = 'cancelled'").run();
      return conflicts(...args);
    };
    await process();
    expect([await size(), store().status(batch)?.state]).toEqual([0, 'cancelled']);
  });

  test('what never arrived whole is forgotten after an hour', async () => {
    const batch = store().begin(SIZE, bench.clock.now());
    store().add(batch, items.slice(0, 100), bench.clock.now());
    await process();
    expect(store().status(batch)?.state).toBe('arriving');
    bench.clock.advance(3_600_001);
    await process();
    expect([store().status(batch)?.state, bench.count('enrolment_items')]).toEqual(['cancelled', 0]);
    expect(await size()).toBe(0);
  });
});

test('a disk that is full in between loses nothing and doubles nothing', async () => {
  const batch = submit();
  await processUntil(1);
  bench.db.pragma(`max_page_count = ${Number(bench.db.pragma('page_count', { simple: true }))}`);
  await expect(process()).rejects.toMatchObject({ code: 'disk-full' });
  expect(store().status(batch)?.state).toBe('decided');
  bench.db.pragma('max_page_count = 1000000');
  await process();
  expect([bench.log.registry.lists.count(), await size()]).toEqual([SIZE, SIZE]);
});

test('a file that comes while another is carried out follows it', async () => {
  submit(items.slice(0, 75));
  const first = process();
  submit(items.slice(75));
  await Promise.all([first, process()]);
  expect(bench.log.registry.lists.count()).toBe(SIZE);
});

test('a file that comes while the one before is being tidied away is not overlooked', async () => {
  submit(items.slice(0, 75));
  const purge = store().purge.bind(store());
  let joined: Promise<void> | undefined;
  store().purge = (...args) => {
    joined ??= Promise.resolve().then(() => {
      submit(items.slice(75));
      return process();
    });
    return purge(...args);
  };
  await process();
  await joined;
  expect(bench.log.registry.lists.count()).toBe(SIZE);
});
