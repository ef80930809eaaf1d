import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keyId } from '../../src/cose/key.ts';
import { decodeStatement, hashEntry, type Statement } from '../../src/statement.ts';
import type { EnrolledDevice } from '../ports.ts';
import { LogStore } from '../store/log-store.ts';
import { RegistryStore } from '../store/registry-store.ts';
import { SequenceIndex } from '../store/sequence-index.ts';
import { TEST_NOW_MS } from '../testing/clock.ts';
import { LogBench } from '../testing/log-bench.ts';
import { signerFrom, Wearable } from '../testing/wearable.ts';
import { type DeviceState, DeviceStates, kidName } from './device-states.ts';
import { EntryBook } from './entries.ts';
import { Keyring } from './keyring.ts';
import { LogTree } from './tree.ts';

const MASTER_KEY = new Uint8Array(32).fill(0x11);
const SECONDS = Math.floor(TEST_NOW_MS / 1000);

let bench: LogBench;
let wearable: Wearable;
/** Of the states under test, which the bench's own log has nothing to do with. */
let registry: RegistryStore;

beforeEach(async () => {
  bench = new LogBench({ masterKey: MASTER_KEY });
  wearable = new Wearable(1);
  await bench.enrol(wearable);
  registry = new RegistryStore(bench.db);
});

afterEach(() => bench.close());

/** Over the same database as the bench's log, as if just started. */
function makeStates(capacity?: number): DeviceStates {
  const log = new LogStore(bench.db);
  const book = new EntryBook(log, new LogTree(log), new Keyring(MASTER_KEY, registry));
  return new DeviceStates(registry, log, new SequenceIndex(bench.db), book, capacity);
}

const idOf = (of = wearable): number => bench.log.registry.device(of.urn)?.id ?? -1;

function stateOf(states: DeviceStates, of = wearable): DeviceState {
  const state = states.of(idOf(of));
  if (state === undefined) throw new Error('not enrolled');
  return state;
}

describe('what is read of a device', () => {
  test('standing, keys, and no head before its first statement', () => {
    expect(stateOf(makeStates())).toEqual({
      id: idOf(),
      urn: wearable.urn,
      owner: bench.log.registry.owner('p-1')?.id,
      provider: 'clinic',
      status: 'active',
      keys: new Map([[kidName(keyId(wearable.signer.publicKey)), undefined]]),
      head: undefined,
    });
    expect(makeStates().of(4711)).toBeUndefined();
  });

  test('the head is the greatest number of the newest boot, whatever came last', async () => {
    const newest = await wearable.sign({ boot: 2, seq: 5, issuedAt: SECONDS });
    for (const bytes of [
      await wearable.sign({ seq: 90 }),
      newest,
      await wearable.sign({ boot: 2, seq: 3 }),
      await wearable.sign({ boot: 1, seq: 700 }),
    ])
      expect(await bench.submit(wearable, bytes)).toMatchObject({ kind: 'accept' });
    const { head } = stateOf(makeStates());
    expect(head).toMatchObject({ boot: 2, next: 6, issuedAt: SECONDS });
    expect(Uint8Array.from(head?.entry ?? [])).toEqual(hashEntry(newest));
  });

  test('of an erased patient’s device the head is known, but not its clock', async () => {
    const bytes = await wearable.next();
    await bench.submit(wearable, bytes);
    bench.db.exec("UPDATE owners SET wrapped = NULL WHERE name = 'p-1'");
    const { head } = stateOf(makeStates());
    expect(head).toMatchObject({ boot: 0, next: 1, issuedAt: undefined });
    expect(Uint8Array.from(head?.entry ?? [])).toEqual(hashEntry(bytes));
  });

  test('the log’s own state, kept in step, is what a fresh look at the store gives, after every statement', async () => {
    const arrivals = [
      [0, 0],
      [0, 5],
      [0, 3],
      [1, 0],
      [0, 9],
      [1, 4],
      [3, 2],
      [2, 8],
      [3, 7],
    ] as const;
    for (const [boot, seq] of arrivals) {
      await bench.submit(wearable, await wearable.sign({ boot, seq }));
      const head = stateOf(makeStates()).head;
      // The next in line is neither gap nor late: what the log remembers is what was read.
      const next = await wearable.sign({
        boot: head?.boot ?? 0,
        seq: head?.next ?? 0,
        ...(head && { prev: Uint8Array.from(head.entry) }),
      });
      expect(await bench.submit(wearable, next)).toMatchObject({ kind: 'accept', flags: [] });
    }
  });
});

describe('what is kept', () => {
  test('a device is read once', () => {
    const states = makeStates();
    const read = vi.spyOn(registry, 'standing');
    expect(stateOf(states)).toBe(stateOf(states));
    expect(read).toHaveBeenCalledTimes(1);
  });

  test('of unknown devices nothing', () => {
    const states = makeStates(1);
    const known = stateOf(states);
    for (let id = 100; id < 110; id++) expect(states.of(id)).toBeUndefined();
    expect(stateOf(states)).toBe(known);
  });

  test('no more devices than there is room for; the one that was read first goes first', async () => {
    const others = [2, 3, 4].map((number) => new Wearable(number));
    for (const other of others) await bench.enrol(other);
    const states = makeStates(3);
    const all = [wearable, ...others];
    const first = all.map((one) => stateOf(states, one));
    const read = vi.spyOn(registry, 'standing');
    expect([3, 2, 1].map((at) => stateOf(states, all[at]) === first[at])).toEqual([true, true, true]);
    expect(read).not.toHaveBeenCalled();
    expect(stateOf(states)).not.toBe(first[0]);
    expect(stateOf(states)).toEqual(first[0]);
    expect(read).toHaveBeenCalledTimes(1);
  });
});

describe('a change of the registry', () => {
  const other = signerFrom('another key').publicKey;
  const own = () => keyId(wearable.signer.publicKey);
  const changes: [string, () => unknown, (state: DeviceState) => unknown, unknown][] = [
    ['a suspension', () => registry.setStatus(idOf(), 'suspended', 5), ({ status }) => status, 'suspended'],
    [
      'a new key',
      () => registry.keys.add(idOf(), other, 5),
      ({ keys }) => keys.has(kidName(keyId(other))),
      true,
    ],
    ['a retirement', () => registry.keys.retire(idOf(), own(), 5), ({ keys }) => keys.get(kidName(own())), 5],
  ];

  test.each(changes)('%s shows at once, within its own transaction', (_what, change, look, after) => {
    const states = makeStates();
    const bystander = new Wearable(2);
    registry.addDevice(bystander.urn, 1, 'clinic', 0);
    const unmoved = stateOf(states, bystander);
    expect(look(stateOf(states))).not.toBe(after);
    bench.db.transaction(() => {
      change();
      expect(look(stateOf(states))).toBe(after);
      expect(stateOf(states, bystander)).toBe(unmoved);
    })();
    expect(look(stateOf(states))).toBe(after);
  });

  test.each(changes)('%s that was rolled back never was', (_what, change, look, after) => {
    const states = makeStates();
    const before = look(stateOf(states));
    expect(() =>
      bench.db.transaction(() => {
        change();
        expect(look(stateOf(states))).toBe(after);
        throw new Error('no');
      })(),
    ).toThrow('no');
    states.forget();
    expect(look(stateOf(states))).toBe(before);
  });
});

test('a head that moved in a transaction that was rolled back has not moved: the same statement is taken later, without a flag', async () => {
  const [first, second, third] = [await wearable.next(), await wearable.next(), await wearable.next()];
  expect(await bench.submit(wearable, first)).toMatchObject({ kind: 'accept' });
  const lost = bench.append(
    bench.registry.find(wearable.urn) as EnrolledDevice,
    decode(second),
    decode(third),
  );
  // In the same transaction, behind both.
  const failing = bench.log.committer.run(() => {
    throw new Error('no');
  });
  for (const promise of [lost, failing])
    await expect(promise).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(bench.count('entries', "kind = 'statement'")).toBe(1);
  for (const bytes of [second, third])
    expect(await bench.submit(wearable, bytes)).toMatchObject({ kind: 'accept', flags: [] });
  expect(bench.gaps).toEqual([]);
});

function decode(bytes: Uint8Array): Statement {
  const decoded = decodeStatement(bytes);
  if (decoded.kind === 'reject') throw new Error(decoded.detail);
  return decoded.value;
}
