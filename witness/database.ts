/**
 * The one place where the witness opens its state. What it holds is a promise: the newest tree of each log that was cosigned.
 *
 * A witness that forgets can be made to cosign a fork. So the file is made once, by `witness init`, and a start without it fails;
 * and nothing is answered before it is on the disk (WAL, synchronous=FULL).
 */
import { chmodSync, closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';

export type Db = Database.Database;

const FILE = 'witness.db';
const BUSY_TIMEOUT_MS = 5_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS heads (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    root BLOB NOT NULL CHECK (length(root) = 32),
    note TEXT NOT NULL,          -- as the log signed it
    cosigned_at INTEGER NOT NULL -- seconds, by our clock
  ) STRICT, WITHOUT ROWID;
  -- The newest ones of each log, so that a log put back to an old copy is known by what it signs.
  CREATE TABLE IF NOT EXISTS cosigned (
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL CHECK (length(root) = 32),
    note TEXT NOT NULL,
    PRIMARY KEY (origin, size)
  ) STRICT, WITHOUT ROWID;
  -- Evidence, as evidence.ts tells it apart.
  CREATE TABLE IF NOT EXISTS forks (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    cosigned_note TEXT NOT NULL,
    other_note TEXT NOT NULL,
    refused_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS unproven (
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL CHECK (length(root) = 32),
    cosigned_note TEXT NOT NULL,
    other_note TEXT NOT NULL,
    refused_at INTEGER NOT NULL,
    PRIMARY KEY (origin, size, root)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS stale (
    origin TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    size INTEGER NOT NULL,
    refused_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/** Makes the state of a new witness in a directory that is there. Throws when there is one already. */
export function createState(directory: string): void {
  const file = path.join(directory, FILE);
  if (existsSync(file)) throw new Error(`${file} is there already`);
  const db = new Database(file);
  chmodSync(file, 0o600);
  prepare(db);
  db.close();
  syncFolder(directory);
}

/** Opens the state. Throws when there is none: see above. */
export function openState(directory: string): Db {
  const file = path.join(directory, FILE);
  if (!existsSync(file)) {
    throw new Error(
      `${file} is missing: a witness that has lost its state must not go on under its key, for it could be made to cosign a fork; bring the file back, or make a new witness with vitalseal witness init`,
    );
  }
  const db = new Database(file, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  prepare(db);
  foldWal(db);
  return db;
}

/** The state for someone who only looks, beside a running witness. Throws when there is none. */
export function readState(directory: string): Db {
  return new Database(path.join(directory, FILE), {
    readonly: true,
    fileMustExist: true,
    timeout: BUSY_TIMEOUT_MS,
  });
}

function prepare(db: Db): void {
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec(SCHEMA);
}

/** What an earlier process wrote and may not have synced can be read and still be lost. It is synced before it is relied on. */
function foldWal(db: Db): void {
  const [outcome] = db.pragma('wal_checkpoint(FULL)') as {
    busy: number;
    log: number;
    checkpointed: number;
  }[];
  if (outcome === undefined || outcome.busy !== 0 || outcome.log !== outcome.checkpointed)
    throw new Error('the state of the witness is in use by another process; stop that first');
}

/** Returns once the names in a folder are durable. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
