import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayError } from '../errors.ts';
import { makeFolder, type TestFolder } from '../testing/folder.ts';
import { lockInWorker } from '../testing/lock-worker.ts';
import { foldWal, openDatabase, openReader, storeError } from './database.ts';

let folder: TestFolder;
const SCHEMA = 'CREATE TABLE IF NOT EXISTS t (x INTEGER) STRICT;';

beforeEach(() => {
  folder = makeFolder();
});

afterEach(() => folder.remove());

function failure(open: () => unknown): GatewayError {
  try {
    open();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('a transaction that has returned is on the disk: write-ahead log, full synchronisation', () => {
  const db = openDatabase(join(folder.path, 'a.db'), [SCHEMA]);
  expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(db.pragma('synchronous', { simple: true })).toBe(2);
  expect(db.pragma('foreign_keys', { simple: true })).toBe(1);
  db.close();
});

test('opening again keeps what is there', () => {
  const file = join(folder.path, 'a.db');
  const db = openDatabase(file, [SCHEMA]);
  db.exec('INSERT INTO t VALUES (5)');
  db.close();
  const again = openDatabase(file, [SCHEMA]);
  expect(again.prepare('SELECT x FROM t').pluck().all()).toEqual([5]);
  again.close();
});

test('a file that is no database is damaged, and says what to do', () => {
  const file = join(folder.path, 'a.db');
  writeFileSync(file, 'this is not a database, however long it is. '.repeat(200));
  const error = failure(() => openDatabase(file, [SCHEMA]));
  expect([error.code, error.fatal]).toEqual(['store-corrupt', true]);
  expect(error.message.replace(file, '<file>')).toMatchInlineSnapshot(
    `"cannot open the database <file>: the file is damaged (file is not a database); run vitalseal fsck and restore a backup"`,
  );
});

test('a folder that is not there, or a folder in its place, is unavailable', () => {
  expect(failure(() => openDatabase(join(folder.path, 'no', 'a.db'), [SCHEMA])).code).toBe(
    'store-unavailable',
  );
  mkdirSync(join(folder.path, 'b.db'));
  expect(failure(() => openDatabase(join(folder.path, 'b.db'), [SCHEMA])).code).toBe('store-unavailable');
});

test('a failure that is not of SQLite keeps its reason', () => {
  expect(storeError('odd', 'cannot do it')).toMatchObject({
    code: 'store-unavailable',
    message: 'cannot do it: odd',
    fatal: false,
  });
});

test('the file and those beside it are for their owner only, whatever the umask', () => {
  const umask = process.umask(0);
  try {
    const db = openDatabase(join(folder.path, 'a.db'), [SCHEMA]);
    const modes = ['a.db', 'a.db-wal', 'a.db-shm'].map(
      (name) => statSync(join(folder.path, name)).mode & 0o777,
    );
    db.close();
    expect(modes).toEqual([0o600, 0o600, 0o600]);
  } finally {
    process.umask(umask);
  }
});

test('at a start the write-ahead log is folded into the database, whole', () => {
  const file = join(folder.path, 'a.db');
  const db = openDatabase(file, [SCHEMA]);
  db.exec('INSERT INTO t VALUES (5)');
  const before = statSync(file).size;
  foldWal(db);
  expect(statSync(file).size).toBeGreaterThan(before);
  db.close();
});

test('a start waits for who reads an old state and lets go of it', async () => {
  const file = join(folder.path, 'a.db');
  const db = openDatabase(file, [SCHEMA]);
  const reader = await lockInWorker(file, 'read');
  db.exec('INSERT INTO t VALUES (5)');
  reader.releaseSoon();
  foldWal(db);
  expect(reader.isReleased()).toBe(true);
  await reader.end();
  db.close();
});

test('a start does not go on while an old state is read, because not everything can be made durable then', () => {
  const file = join(folder.path, 'a.db');
  const db = openDatabase(file, [SCHEMA]);
  db.pragma('busy_timeout = 1');
  const reader = openReader(file);
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM t').get();
  db.exec('INSERT INTO t VALUES (5)');
  const { code, fatal, message } = failure(() => foldWal(db));
  expect({ code, fatal }).toEqual({ code: 'store-unavailable', fatal: true });
  expect(message.replace(folder.path, '<folder>')).toMatchInlineSnapshot(
    `"another process still reads <folder>/a.db as it was before, after a wait of 0.001 s, and what was written last cannot be made durable meanwhile. End it, or let it finish, and start again: a vitalseal fsck or a backup, perhaps; fuser and lsof name it"`,
  );
  reader.exec('COMMIT');
  foldWal(db);
  reader.close();
  db.close();
});
