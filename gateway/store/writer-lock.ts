/**
 * One writer for one data directory. The lock is an open transaction on a database of its own: the kernel lets go of it when the
 * process ends, however it ends.
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { GatewayError } from '../errors.ts';
import { syncFolder } from './sync-folder.ts';

export interface WriterLock {
  release(): void;
}

/** Takes the lock, or returns undefined when another process holds it. Makes the directory when it is missing. */
export function takeWriterLock(dataDir: string): WriterLock | undefined {
  let db: Database.Database;
  try {
    makeDirectory(dataDir);
    db = new Database(join(dataDir, 'writer.lock'), { timeout: 0 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError('store-unavailable', `cannot use the data directory ${dataDir}: ${reason}`, {
      cause,
      fatal: true,
    });
  }
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    db.close();
    if ((cause as { code?: string }).code === 'SQLITE_BUSY') return undefined;
    throw new GatewayError('store-unavailable', `cannot lock the data directory ${dataDir}`, {
      cause,
      fatal: true,
    });
  }
  return { release: () => db.close() };
}

/** Only the last part of the path is made: a whole path that is made by mistake hides the mistake, and some never end. */
function makeDirectory(dataDir: string): void {
  try {
    mkdirSync(dataDir, { mode: 0o700 });
    syncFolder(dirname(resolve(dataDir)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (!statSync(dataDir).isDirectory()) throw new Error('it is a file, not a directory');
  }
}
