/**
 * The gateway's database for someone who only looks: a checker beside a running gateway, or over a copy.
 *
 * WAL lets one reader keep its view while the gateway goes on writing. For as long as the view is open the -wal file
 * cannot be folded back and grows. SQLite itself needs to write beside the file even so: it leaves a -shm and an empty
 * -wal next to a store that nobody else has open. The database file is not touched.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { GatewayError } from '../errors.ts';
import { DATABASE_FILE, type Db, storeError } from './database.ts';

/** A copy is opened by one process; a running gateway holds its locks for milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/** Names of the columns of each table. */
export type Tables = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Opens the database of a data directory so that nothing can be written and every read sees the same moment.
 * Whoever opens it closes it.
 * @throws GatewayError `store-unavailable` without a database, `store-corrupt` when the file is not one.
 */
export function openReadOnly(dataDir: string): Db {
  const file = join(dataDir, DATABASE_FILE);
  if (!existsSync(file)) {
    throw new GatewayError(
      'store-unavailable',
      `there is no store in ${dataDir}: ${DATABASE_FILE} is missing; check dataDir in the configuration`,
    );
  }
  let db: Db | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    db.pragma('query_only = ON');
    db.exec('BEGIN'); // the first read below fixes the moment
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return db;
  } catch (cause) {
    db?.close();
    throw storeError(cause, `cannot read the database ${file}`);
  }
}

/** The tables a database has. */
export function tablesOf(db: Db): Tables {
  const rows = db
    .prepare<[], { name: string; column: string }>(
      `SELECT t.name AS name, c.name AS "column" FROM sqlite_schema t JOIN pragma_table_info(t.name) c
       WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'`,
    )
    .all();
  const tables = new Map<string, Set<string>>();
  for (const { name, column } of rows) tables.set(name, (tables.get(name) ?? new Set()).add(column));
  return tables;
}

/** The tables that schema texts make, found by making them. */
export function tablesOfSchemas(schemas: readonly string[]): Tables {
  const db = new Database(':memory:');
  try {
    for (const schema of schemas) db.exec(schema);
    return tablesOf(db);
  } finally {
    db.close();
  }
}
