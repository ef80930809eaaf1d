import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../errors.ts';
import type { Batch } from '../ports.ts';
import { type Db, openDatabase } from './database.ts';
import { DELIVERIES_SCHEMA, SqliteDeliveryStore } from './deliveries.ts';

let directory: string;
let db: Db;
let store: SqliteDeliveryStore;

function open(): void {
  db = openDatabase(path.join(directory, 'gateway.db'), [DELIVERIES_SCHEMA]);
  store = new SqliteDeliveryStore(db);
}

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'deliveries-'));
  open();
});

afterEach(() => {
  db.close();
  rmSync(directory, { recursive: true });
});

/** What a power cut leaves is at most what another connection sees: the file. */
function reopen(): void {
  db.close();
  open();
}

function batch(id: string, from: number, to: number, more: Partial<Batch> = {}): Batch {
  return {
    id,
    provider: 'clinic',
    kind: 'statements',
    from,
    to,
    mode: 'live',
    createdAt: 5,
    attempts: 0,
    refusals: 0,
    nextAttemptAt: 5,
    ...more,
  };
}

const openIds = async (provider = 'clinic') => (await store.open(provider, 'statements')).map(({ id }) => id);

describe('SqliteDeliveryStore', () => {
  it('keeps a batch as it was begun, and its failures', async () => {
    const receipts = batch('r', 0, 9, {
      kind: 'receipts',
      anchor: new Uint8Array(32).fill(3),
      mode: 'backfill',
    });
    await store.begin(batch('b', 0, 3));
    await store.begin(receipts);
    reopen();
    expect(await store.open('clinic', 'statements')).toEqual([batch('b', 0, 3)]);
    expect(await store.open('clinic', 'receipts')).toEqual([receipts]);
    await store.postpone('b', { nextAttemptAt: 99, error: 'away', refused: false });
    await store.postpone('b', { nextAttemptAt: 100, error: '500', refused: true });
    reopen();
    expect(await store.open('clinic', 'statements')).toEqual([
      batch('b', 0, 3, { attempts: 2, refusals: 1, nextAttemptAt: 100, lastError: '500' }),
    ]);
  });

  it('moves the cursor of one provider and kind when a batch is closed, and never back', async () => {
    expect(await store.cursor('clinic', 'statements')).toBe(0);
    await store.begin(batch('a', 0, 3));
    await store.begin(batch('b', 4, 7));
    await store.complete('b');
    expect(await store.cursor('clinic', 'statements')).toBe(8);
    await store.complete('a');
    reopen();
    expect(await store.cursor('clinic', 'statements')).toBe(8);
    expect(await store.cursor('clinic', 'receipts')).toBe(0);
    expect(await store.cursor('other', 'statements')).toBe(0);
    expect(await openIds()).toEqual([]);
    await expect(store.begin(batch('c', 7, 9))).rejects.toThrow(RangeError);
  });

  it('buries, lists, retries and completes', async () => {
    await store.begin(batch('a', 0, 3));
    await store.bury('a', 'answered 400', 77);
    reopen();
    expect(await store.cursor('clinic', 'statements')).toBe(4);
    expect(await openIds()).toEqual([]);
    expect(await store.deadLetters()).toMatchObject([
      { id: 'a', lastError: 'answered 400', buriedAt: 77, attempts: 1 },
    ]);
    expect(await store.deadLetters('other')).toEqual([]);
    await store.begin(batch('b', 4, 5));
    expect([await store.retry('a'), await store.retry('a'), await store.retry('b')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(await openIds()).toEqual(['a', 'b']);
    await store.complete('a');
    expect(await store.cursor('clinic', 'statements')).toBe(4);
    expect(await store.deadLetters()).toEqual([]);
  });

  it('splits in one step, only into the same range', async () => {
    await store.begin(batch('a', 2, 9));
    await expect(store.split('a', [batch('b', 2, 4), batch('c', 5, 8)])).rejects.toThrow(RangeError);
    await expect(store.split('a', [batch('b', 2, 4), batch('b', 5, 9)])).rejects.toThrow(GatewayError);
    expect(await openIds()).toEqual(['a']);
    await store.split('a', [batch('b', 2, 4), batch('c', 5, 9)]);
    expect(await openIds()).toEqual(['b', 'c']);
  });

  it('refuses to touch a batch that is not open, and says which', async () => {
    await store.begin(batch('dead', 0, 1));
    await store.bury('dead', 'x', 1);
    for (const id of ['dead', 'never']) {
      const failure = { nextAttemptAt: 1, error: '', refused: false };
      const calls = [
        store.complete(id),
        store.bury(id, 'y', 2),
        store.postpone(id, failure),
        store.split(id, []),
      ];
      for (const call of calls)
        await expect(call).rejects.toThrow(new RangeError(`no open batch has the id ${id}`));
    }
  });

  it('turns a failure of the database into a GatewayError', async () => {
    await store.begin(batch('a', 0, 1));
    await expect(store.begin(batch('a', 2, 3))).rejects.toMatchObject({ code: 'store-unavailable' });
    db.close();
    await expect(store.cursor('clinic', 'statements')).rejects.toThrow(GatewayError);
    open();
  });
});
