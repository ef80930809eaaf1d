import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyId } from '../../src/cose/key.ts';
import { makeFolder, type TestFolder } from '../testing/folder.ts';
import { signerFrom } from '../testing/wearable.ts';
import { type Db, openDatabase } from './database.ts';
import { LOG_SCHEMA } from './log-store.ts';
import { REGISTRY_SCHEMA } from './registry-schema.ts';
import { RegistryStore } from './registry-store.ts';
import { SEQUENCE_SCHEMA, SequenceStore } from './sequence-store.ts';

const SCHEMAS = [REGISTRY_SCHEMA, LOG_SCHEMA, SEQUENCE_SCHEMA];

let folder: TestFolder;
let db: Db;
let store: RegistryStore;

beforeEach(() => {
  folder = makeFolder();
  db = openDatabase(join(folder.path, 'registry.db'), SCHEMAS);
  store = new RegistryStore(db);
});

afterEach(() => {
  db.close();
  folder.remove();
});

test('keys of every algorithm come back as they were, with their times', () => {
  const device = store.addDevice('urn:dev:os:1-a', store.addOwner('p', new Uint8Array(1)), 'clinic', 5);
  const keys = (['Ed25519', 'ESP256', 'ES256K'] as const).map((name) => signerFrom(name, name).publicKey);
  for (const [at, key] of keys.entries()) store.keys.add(device, key, 10 + at);
  expect(store.keys.of(device).map(({ key, addedAt, retiredAt }) => ({ key, addedAt, retiredAt }))).toEqual(
    keys.map((key, at) => ({ key, addedAt: 10 + at, retiredAt: undefined })),
  );
  const kid = keyId(keys[1] as (typeof keys)[number]);
  store.keys.retire(device, kid, 99);
  expect(store.keys.of(device)[1]).toMatchObject({ retiredAt: 99, endedFrom: 99, endedSize: 0 });
  store.keys.retire(device, kid, 100, { from: 50, reason: 'stolen', size: 7 });
  expect(store.keys.of(device)[1]).toMatchObject({
    retiredAt: 99,
    endedFrom: 50,
    endReason: 'stolen',
    endedSize: 7,
  });
});

test('a device is enrolled once, for a patient that exists', () => {
  const owner = store.addOwner('p', new Uint8Array(1));
  store.addDevice('urn:dev:os:1-a', owner, 'clinic', 5);
  expect(() => store.addDevice('urn:dev:os:1-a', owner, 'clinic', 5)).toThrow(/UNIQUE/);
  expect(() => store.addDevice('urn:dev:os:1-b', 77, 'clinic', 5)).toThrow(/FOREIGN KEY/);
});

describe('summaries', () => {
  test('are listed by URN, page by page', () => {
    const owner = store.addOwner('p', new Uint8Array(1));
    const urns = ['urn:dev:os:1-a', 'urn:dev:os:1-b', 'urn:dev:os:1-c'];
    for (const urn of urns.toReversed()) store.addDevice(urn, owner, 'clinic', 5);
    expect(store.lists.summaries(2, '').map(({ device }) => device)).toEqual(urns.slice(0, 2));
    expect(store.lists.summaries(2, urns[1] as string).map(({ device }) => device)).toEqual(urns.slice(2));
    expect(store.lists.summary('urn:dev:os:1-z')).toBeUndefined();
  });

  test('of a device with the widest gaps in thousands of boots are still a number', () => {
    const device = store.addDevice('urn:dev:os:1-a', store.addOwner('p', new Uint8Array(1)), 'clinic', 5);
    const sequences = new SequenceStore(db);
    db.transaction(() => {
      for (let boot = 0; boot < 2000; boot++)
        sequences.openGap(device, { boot, from: 0, to: Number.MAX_SAFE_INTEGER - 1 });
    })();
    expect(store.lists.summary('urn:dev:os:1-a')?.missing).toBeGreaterThan(2 ** 53);
    expect(store.lists.summaries(10, '')).toHaveLength(1);
  });
});

describe('requests', () => {
  test('wait in their order until they are settled', () => {
    const ids = store.requests.add(['one', 'two', 'three']);
    expect(store.requests.waiting(2)).toEqual([
      { id: ids[0], request: 'one' },
      { id: ids[1], request: 'two' },
    ]);
    store.requests.settle(ids[0] as number, '');
    store.requests.settle(ids[1] as number, 'no');
    expect(ids.map((id) => store.requests.outcome(id))).toEqual(['', 'no', undefined]);
    expect(store.requests.waiting(10)).toEqual([{ id: ids[2], request: 'three' }]);
  });

  test('of another connection show in the data version; our own do not', () => {
    const other = new RegistryStore(openDatabase(join(folder.path, 'registry.db'), []));
    const before = store.requests.dataVersion();
    store.requests.add(['ours']);
    expect(store.requests.dataVersion()).toBe(before);
    other.requests.add(['theirs']);
    expect(store.requests.dataVersion()).not.toBe(before);
    expect(store.requests.waiting(10)).toHaveLength(2);
  });

  test('that meet a locked database are refused as a whole', () => {
    db.pragma('busy_timeout = 5');
    const other = openDatabase(join(folder.path, 'registry.db'), []);
    other.exec('BEGIN IMMEDIATE');
    expect(() => store.requests.add(['one', 'two'])).toThrow(
      expect.objectContaining({ code: 'store-unavailable', message: expect.stringContaining('locked') }),
    );
    other.exec('ROLLBACK');
    other.close();
    expect(store.requests.waiting(10)).toEqual([]);
  });
});
