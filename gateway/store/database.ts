/**
 * The one place where the gateway opens its embedded database.
 *
 * WAL with synchronous=FULL: a transaction that has returned has been fsynced. Every table of the gateway
 * lives in one file, so that one transaction can cover leaf, tile, registry and quarantine.
 */
import { closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { GatewayError } from '../errors.ts';

export type Db = Database.Database;

/** The one database of a data directory. */
export const DATABASE_FILE = 'gateway.db';

/** How long a writer waits for another process (the command line, a backup) before it gives up. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Pages kept in memory. Each device writes at an edge of its own in the index by sequence, so the cache must hold an edge
 * for every device that is active together: 4 kB each (bench/growth).
 */
const CACHE_KIB = 65_536;

/**
 * Opens the file, making it when it is missing, for its owner's eyes only: readings are sealed in there, names and times are
 * not. Runs each schema text (idempotent DDL) in one transaction.
 */
export function openDatabase(file: string, schemas: readonly string[]): Db {
  try {
    if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600)); // the files beside it get the same mode
    const db = new Database(file, { timeout: BUSY_TIMEOUT_MS });
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma(`cache_size = -${CACHE_KIB}`);
    db.transaction(() => {
      for (const schema of schemas) db.exec(schema);
    })();
    return db;
  } catch (cause) {
    throw storeError(cause, `cannot open the database ${file}`);
  }
}

/**
 * Makes durable what an earlier process left in the WAL: writes all of it into the database and syncs that. What can be read at a start
 * need not be on the disk: a killed process may have written and not synced, and after a failed fsync the kernel takes the pages for clean,
 * so that no later fsync of the WAL writes them. Nothing found there may be called known before this. Waits as long as any write does for
 * those who read an older state.
 */
export function foldWal(db: Db): void {
  let outcome: { readonly busy: number; readonly log: number; readonly checkpointed: number } | undefined;
  try {
    [outcome] = db.pragma('wal_checkpoint(FULL)') as (typeof outcome)[];
  } catch (cause) {
    throw storeError(cause, 'cannot make durable what the last process wrote');
  }
  if (outcome === undefined || outcome.busy !== 0 || outcome.log !== outcome.checkpointed) {
    const waited = Number(db.pragma('busy_timeout', { simple: true })) / 1000;
    throw new GatewayError(
      'store-unavailable',
      `another process still reads ${db.name} as it was before, after a wait of ${waited} s, and what was written last cannot be ` +
        'made durable meanwhile. End it, or let it finish, and start again: a vitalseal fsck or a backup, perhaps; fuser and lsof name it',
      { fatal: true },
    );
  }
}

/** A further connection to an open store that can only look: what it reads is committed, and it holds no writer up. */
export function openReader(file: string): Db {
  try {
    const db = new Database(file, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    db.pragma('query_only = ON');
    return db;
  } catch (cause) {
    throw storeError(cause, `cannot read the database ${file}`);
  }
}

/** What a failure of SQLite means to the gateway, and what the operator should do about it. */
export function storeError(cause: unknown, what: string): GatewayError {
  const code = cause instanceof Database.SqliteError ? cause.code : '';
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (code.startsWith('SQLITE_FULL')) {
    return new GatewayError(
      'disk-full',
      `${what}: the disk is full; free some space, nothing acknowledged is lost`,
      { cause },
    );
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new GatewayError(
      'store-corrupt',
      `${what}: the file is damaged (${reason}); run vitalseal fsck and restore a backup`,
      { cause, fatal: true },
    );
  }
  return new GatewayError('store-unavailable', `${what}: ${reason}`, { cause, details: { sqlite: code } });
}
