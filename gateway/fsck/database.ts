/** The database as a file and as tables, before anything is read out of it. */
import type { Db } from '../store/database.ts';
import { type Tables, tablesOf } from '../store/read-only.ts';
import type { Findings } from './findings.ts';

/** Lines of SQLite's own report that are worth keeping. */
const DAMAGE_LINES = 20;

interface BrokenReference {
  readonly table: string;
  readonly rowid: number | null;
  readonly parent: string;
}

/** Whether every table and column is there; without them no other check can run. */
export function checkTables(db: Db, expected: Tables, findings: Findings): boolean {
  const actual = tablesOf(db);
  let complete = true;
  for (const [table, columns] of expected) {
    const present = actual.get(table) ?? new Set();
    const missing = [...columns].filter((column) => !present.has(column));
    if (missing.length === 0) continue;
    complete = false;
    const what = present.size === 0 ? 'is missing' : `lacks ${missing.join(', ')}`;
    findings.add('database-schema-wrong', `table ${table} ${what}`);
  }
  return complete;
}

/** SQLite's own check of pages, indexes and constraints, then of references between tables. */
export function checkFile(db: Db, findings: Findings): void {
  const lines = db.pragma(`integrity_check(${DAMAGE_LINES})`) as { readonly integrity_check: string }[];
  for (const { integrity_check: line } of lines)
    if (line !== 'ok') findings.add('database-damaged', `SQLite reports: ${line}`);
  for (const { table, rowid, parent } of db.pragma('foreign_key_check') as BrokenReference[]) {
    const where = rowid === null ? `a row of ${table}` : `row ${rowid} of ${table}`;
    findings.add('database-reference-broken', `${where} refers to a row of ${parent} that is not there`);
  }
}
