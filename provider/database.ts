/**
 * The one place where the provider opens its embedded database.
 *
 * WAL with synchronous=FULL: what a 2xx has acknowledged has been fsynced. Readings are stored in the clear:
 * encryption at rest is the clinic's (an encrypted volume), like that of the records they end up in.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';

export type Db = Database.Database;

const BUSY_TIMEOUT_MS = 5_000;

const SCHEMA = `
  -- What is believed: the signature verified. A row never changes and never goes.
  CREATE TABLE IF NOT EXISTS entries (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    entry BLOB NOT NULL UNIQUE,
    log_index INTEGER NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('statement', 'device-event')),
    device TEXT NOT NULL,
    boot INTEGER,
    seq INTEGER,
    patient TEXT,
    flags TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    batch TEXT NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS statements_by_sequence ON entries (device, boot, seq) WHERE kind = 'statement';
  CREATE INDEX IF NOT EXISTS events_by_device ON entries (device, log_index) WHERE kind = 'device-event';

  -- What is not: kept as evidence, shown to nobody as a reading.
  CREATE TABLE IF NOT EXISTS refused (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    entry BLOB NOT NULL,
    log_index INTEGER NOT NULL, -- -1: a receipts delivery, which has none
    kind TEXT NOT NULL CHECK (kind IN ('statement', 'device-event', 'receipts')),
    device TEXT,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    patient TEXT,
    flags TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    batch TEXT NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (entry, log_index)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS refused_by_device ON refused (device) WHERE device IS NOT NULL;

  -- Proofs may come before the statements they are about.
  CREATE TABLE IF NOT EXISTS checkpoints (
    size INTEGER PRIMARY KEY,
    root BLOB NOT NULL,
    note TEXT NOT NULL,
    anchor BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'claimed' CHECK (state IN ('claimed', 'anchored', 'contradicted'))
  ) STRICT;
  CREATE TABLE IF NOT EXISTS proofs (
    entry BLOB NOT NULL,
    log_index INTEGER NOT NULL,
    size INTEGER NOT NULL REFERENCES checkpoints (size),
    PRIMARY KEY (entry, log_index)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS erased (log_index INTEGER PRIMARY KEY, noted_at INTEGER NOT NULL) STRICT;
`;

/** Opens the inbox in `directory`, creating both; only this user can read them. */
export function openInboxDatabase(directory: string): Db {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, 'inbox.db');
  const db = new Database(file, { timeout: BUSY_TIMEOUT_MS });
  chmodSync(file, 0o600);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  db.exec(SCHEMA);
  return db;
}
