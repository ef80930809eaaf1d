import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RejectCode } from '../../src/verdict.ts';
import { type Db, openDatabase } from './database.ts';
import { QUARANTINE_SCHEMA, type QuarantineLimits, QuarantineStore } from './quarantine-store.ts';

let db: Db;
let number: number;

beforeEach(() => {
  db = openDatabase(':memory:', [QUARANTINE_SCHEMA]);
  number = 0;
});

afterEach(() => db.close());

const open = (limits: QuarantineLimits) => new QuarantineStore(db, limits);

function add(store: QuarantineStore, device: string, code: RejectCode = 'malformed', entry?: number): number {
  number += 1;
  store.add({
    device,
    code,
    detail: `${number}`,
    received_at: number,
    entry: new Uint8Array(32).fill(entry ?? number),
    length: 1,
    owner: 1,
    sealed: Uint8Array.of(number),
  });
  return number;
}

const details = (store: QuarantineStore, device?: string) =>
  store
    .list(100, device)
    .map((row) => Number(row.detail))
    .toReversed();

test('is read newest first, for one device or for all, up to a limit', () => {
  const store = open({ perDevice: 10, total: 10 });
  add(store, 'a');
  add(store, 'b');
  add(store, 'a', 'bad-signature');
  expect(store.list(2).map(({ device, code }) => [device, code])).toEqual([
    ['a', 'bad-signature'],
    ['b', 'malformed'],
  ]);
  expect(details(store, 'a')).toEqual([1, 3]);
  expect(store.count()).toBe(3);
});

test('the same bytes of one device are kept once; of another device once more', () => {
  const store = open({ perDevice: 10, total: 10 });
  add(store, 'a', 'malformed', 7);
  add(store, 'a', 'malformed', 7);
  add(store, 'b', 'malformed', 7);
  expect(details(store)).toEqual([1, 3]);
});

describe('bounds', () => {
  test('each device loses its own oldest, and it is counted', () => {
    const store = open({ perDevice: 3, total: 100 });
    add(store, 'b');
    for (let i = 0; i < 5; i++) add(store, 'a');
    expect(details(store)).toEqual([1, 4, 5, 6]);
    expect(store.dropped()).toBe(2);
  });

  test('in all, the oldest goes, whoever sent it', () => {
    const store = open({ perDevice: 100, total: 4 });
    for (const device of ['a', 'b', 'c', 'd', 'e', 'f']) add(store, device);
    expect(details(store)).toEqual([3, 4, 5, 6]);
    expect([store.count(), store.dropped()]).toEqual([4, 2]);
  });

  test('evidence of equivocation is the last to go, in the device’s share and in all', () => {
    const store = open({ perDevice: 3, total: 4 });
    const evidence = add(store, 'a', 'equivocation');
    for (let i = 0; i < 5; i++) add(store, 'a');
    expect(details(store, 'a')).toEqual([evidence, 5, 6]);
    for (const device of ['b', 'c', 'd', 'e', 'f']) add(store, device);
    expect(details(store)).toContain(evidence);
    expect(store.count()).toBe(4);
  });

  test('evidence alone is bounded too: the oldest goes', () => {
    const store = open({ perDevice: 2, total: 10 });
    for (let i = 0; i < 4; i++) add(store, 'a', 'equivocation');
    expect(details(store)).toEqual([3, 4]);
  });

  test('hold after opening again, and once the running total was wrong because of a rollback', () => {
    let store = open({ perDevice: 10, total: 3 });
    for (const device of ['a', 'b', 'c', 'd']) add(store, device);
    store = open({ perDevice: 10, total: 3 });
    add(store, 'e');
    expect([store.count(), store.dropped()]).toEqual([3, 2]);
    const fall = db.transaction(() => {
      for (const device of ['f', 'g', 'h']) add(store, device);
      throw new Error('rolled back');
    });
    expect(fall).toThrow('rolled back');
    store.recount();
    expect([store.count(), store.dropped()]).toEqual([3, 2]);
    add(store, 'i');
    expect([store.count(), store.dropped()]).toEqual([3, 3]);
  });

  test('lowered at a start, they are reached with the next refusals', () => {
    let store = open({ perDevice: 100, total: 100 });
    for (let i = 0; i < 20; i++) add(store, `d${i % 2}`);
    store = open({ perDevice: 100, total: 5 });
    add(store, 'x');
    expect(store.count()).toBe(5);
    store = open({ perDevice: 2, total: 5 });
    add(store, 'd0');
    expect(store.list(100, 'd0').length).toBeLessThanOrEqual(2);
  });
});

describe('what is held back of suspended devices', () => {
  const HELD = 'suspended-device';

  const offer = (store: QuarantineStore, device: string, entry?: number) => {
    number += 1;
    const bytes = new Uint8Array(32).fill(entry ?? number);
    return store.add({
      ...{ device, code: HELD, detail: `${number}`, received_at: number, entry: bytes },
      ...{ length: 1, owner: 1, sealed: Uint8Array.of(number) },
    });
  };

  test('never falls out: there is room for so many, and then for no more', () => {
    const store = open({ perDevice: 2, total: 3 });
    expect([1, 2, 3].map(() => offer(store, 'a'))).toEqual(['new', 'new', 'no-room']);
    expect([1, 2].map(() => offer(store, 'b'))).toEqual(['new', 'no-room']); // three in all
    for (let i = 0; i < 20; i++) add(store, i % 2 === 0 ? 'a' : 'x');
    expect([store.held(), store.count()]).toEqual([3, 3 + 3]);
    expect(details(store)).toEqual(expect.arrayContaining([1, 2, 4]));
  });

  test('is known again, so that it is acknowledged again, also where there is no room', () => {
    const store = open({ perDevice: 1, total: 9 });
    expect([7, 8, 7].map((entry) => offer(store, 'a', entry))).toEqual(['new', 'no-room', 'known']);
  });

  test('leaves room for others when it is taken in, refused for good, or given up', () => {
    const store = open({ perDevice: 3, total: 3 });
    for (let i = 0; i < 3; i++) offer(store, 'a');
    expect(offer(store, 'b')).toBe('no-room');
    store.remove(1);
    expect(offer(store, 'b')).toBe('new');
    store.refuseForGood(2, 'retired-key', 'retired meanwhile');
    expect(offer(store, 'b')).toBe('new');
    store.giveUp('a');
    expect(store.list(100, 'a').map(({ code }) => code)).toEqual([HELD, 'retired-key']);
    expect([offer(store, 'b'), store.held(), store.count()]).toEqual(['new', 3, 5]);
    for (let i = 0; i < 5; i++) add(store, 'a'); // what was given up is bounded as everything else that was refused
    expect(store.list(100, 'a')).toHaveLength(3);
  });

  test('and its counts hold after opening again and after a rollback', () => {
    let store = open({ perDevice: 5, total: 2 });
    offer(store, 'a');
    store = open({ perDevice: 5, total: 2 });
    offer(store, 'b');
    expect(offer(store, 'c')).toBe('no-room');
    const fall = db.transaction(() => {
      store.remove(1);
      throw new Error('rolled back');
    });
    expect(fall).toThrow('rolled back');
    store.recount();
    expect(offer(store, 'c')).toBe('no-room');
  });
});
