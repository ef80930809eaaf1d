/**
 * Where in the log a device's statement lies, by (device, boot, seq).
 *
 * Every device writes at an edge of its own of such an index, so an index kept up with each append would write a page for each
 * statement, and more of them the more devices there are. Therefore the index is a reader of the log like others, with a durable
 * cursor: what came after the cursor is held in memory, and merged in key order, many rows a page, once there is enough of it.
 * After a crash the same rows are read from the log again.
 */
import type { Db } from './database.ts';

export const SEQUENCE_INDEX_SCHEMA = `
CREATE TABLE IF NOT EXISTS sequence_index (
  device INTEGER NOT NULL,
  boot   INTEGER NOT NULL,
  seq    INTEGER NOT NULL,
  idx    INTEGER NOT NULL,                -- entries.idx
  PRIMARY KEY (device, boot, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sequence_index_cursor (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  next INTEGER NOT NULL                   -- every statement below is in sequence_index
) STRICT;
`;

export interface MergeSizes {
  /** Statements in memory before they are merged. */
  readonly mergeAt: number;
  /** Rows merged by a commit at least, until a merge is over. */
  readonly mergedAtLeast: number;
}

/** About 6 MB. At a thousand active devices some thirty rows then share a page (bench/growth). */
const MERGE_SIZES: MergeSizes = { mergeAt: 32_768, mergedAtLeast: 64 };
/** Rows merged for each statement appended meanwhile: twice as fast as they come, and no commit has to do it all. */
const MERGED_PER_APPEND = 2;

export interface IndexedStatement {
  readonly boot: number;
  readonly seq: number;
  /** In the log. */
  readonly index: number;
}

interface MergeRow extends IndexedStatement {
  readonly device: number;
}

/** Statements of one device that are not merged, by `boot/seq`. */
type Tail = Map<string, IndexedStatement>;

export class SequenceIndex {
  readonly #db: Db;
  readonly #sizes: MergeSizes;
  readonly #find;
  readonly #newest;
  readonly #newestOfBoot;
  readonly #insert;
  #tails = new Map<number, Tail>();
  /** Statements in `#tails`. */
  #waiting = 0;
  /** Every statement below is in the table or in `#tails`. */
  #seenUpTo = 0;
  #cursor = 0;
  /** The merge under way: its rows in key order, how many are in the table, and the cursor once all are. */
  #merge: { readonly rows: readonly MergeRow[]; done: number; readonly cursor: number } | undefined;

  constructor(db: Db, sizes: MergeSizes = MERGE_SIZES) {
    this.#db = db;
    this.#sizes = sizes;
    this.#find = db
      .prepare<[number, number, number], number>(
        'SELECT idx FROM sequence_index WHERE device = ? AND boot = ? AND seq = ?',
      )
      .pluck();
    const columns = 'SELECT boot, seq, idx AS "index" FROM sequence_index WHERE device = ?';
    this.#newest = db.prepare<[number, number], IndexedStatement>(
      `${columns} ORDER BY boot DESC, seq DESC LIMIT ?`,
    );
    this.#newestOfBoot = db.prepare<[number, number], IndexedStatement>(
      `${columns} AND boot = ? ORDER BY seq DESC LIMIT 1`,
    );
    this.#insert = db.prepare('INSERT INTO sequence_index VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING');
    this.reload();
  }

  /** Statements held in memory. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Reads everything after the cursor again: at start, and after a transaction was rolled back. */
  reload(): void {
    this.#tails = new Map();
    this.#waiting = 0;
    this.#merge = undefined;
    this.#cursor = this.#storedCursor();
    this.#seenUpTo = this.#cursor;
    this.catchUp();
  }

  /** Takes in what another connection has committed since. Called by readers before they ask. */
  catchUp(): void {
    const cursor = this.#storedCursor();
    if (cursor > this.#cursor) {
      this.#cursor = cursor;
      this.#forgetBelow(cursor);
      this.#seenUpTo = Math.max(this.#seenUpTo, cursor);
    }
    const rows = this.#db
      .prepare<[number], MergeRow>(
        'SELECT device, boot, seq, idx AS "index" FROM entries WHERE idx >= ? AND seq IS NOT NULL ORDER BY idx',
      )
      .all(this.#seenUpTo);
    for (const { device, boot, seq, index } of rows) this.note(device, boot, seq, index);
  }

  /** Notes a statement just appended. */
  note(device: number, boot: number, seq: number, index: number): void {
    let tail = this.#tails.get(device);
    if (tail === undefined) {
      tail = new Map();
      this.#tails.set(device, tail);
    }
    tail.set(`${boot}/${seq}`, { boot, seq, index });
    this.#waiting += 1;
    this.#seenUpTo = index + 1;
  }

  /** The index in the log, or undefined when the device holds no such number. */
  find(device: number, boot: number, seq: number): number | undefined {
    return this.#tails.get(device)?.get(`${boot}/${seq}`)?.index ?? this.#find.get(device, boot, seq);
  }

  /** The greatest number the device holds, in one boot or in its newest. */
  greatest(device: number, boot?: number): IndexedStatement | undefined {
    const stored = boot === undefined ? this.#newest.get(device, 1) : this.#newestOfBoot.get(device, boot);
    let best = stored;
    for (const item of this.#tails.get(device)?.values() ?? []) {
      if (boot !== undefined && item.boot !== boot) continue;
      if (best === undefined || compareNumbers(item, best) > 0) best = item;
    }
    return best;
  }

  /** A device's statements of the greatest numbers, greatest first. */
  newest(device: number, limit: number): IndexedStatement[] {
    const all = new Map(this.#newest.all(device, limit).map((item) => [item.index, item]));
    for (const item of this.#tails.get(device)?.values() ?? []) all.set(item.index, item);
    return [...all.values()].sort((a, b) => compareNumbers(b, a)).slice(0, limit);
  }

  /** Called by the writer at the end of a transaction that appended `appended` statements: merges a share of what waits. */
  mergeSome(appended: number): void {
    if (this.#merge === undefined) {
      if (this.#waiting < this.#sizes.mergeAt) return;
      this.#merge = { rows: this.#inKeyOrder(), done: 0, cursor: this.#seenUpTo };
    }
    const merge = this.#merge;
    const upTo = Math.min(
      merge.rows.length,
      merge.done + Math.max(appended * MERGED_PER_APPEND, this.#sizes.mergedAtLeast),
    );
    for (; merge.done < upTo; merge.done++) {
      const { device, boot, seq, index } = merge.rows[merge.done] as MergeRow;
      this.#insert.run(device, boot, seq, index);
    }
    if (merge.done < merge.rows.length) return;
    this.#db
      .prepare('INSERT OR REPLACE INTO sequence_index_cursor (only, next) VALUES (1, ?)')
      .run(merge.cursor);
    this.#merge = undefined;
    this.#cursor = merge.cursor;
    this.#forgetBelow(merge.cursor);
  }

  #storedCursor(): number {
    return this.#db.prepare<[], number>('SELECT next FROM sequence_index_cursor').pluck().get() ?? 0;
  }

  #inKeyOrder(): MergeRow[] {
    const rows: MergeRow[] = [];
    for (const device of [...this.#tails.keys()].sort((a, b) => a - b)) {
      const tail = [...(this.#tails.get(device) as Tail).values()].sort(compareNumbers);
      for (const item of tail) rows.push({ device, ...item });
    }
    return rows;
  }

  #forgetBelow(cursor: number): void {
    for (const [device, tail] of this.#tails) {
      for (const [key, { index }] of tail) {
        if (index >= cursor) continue;
        tail.delete(key);
        this.#waiting -= 1;
      }
      if (tail.size === 0) this.#tails.delete(device);
    }
  }
}

function compareNumbers(a: IndexedStatement, b: IndexedStatement): number {
  return a.boot - b.boot || a.seq - b.seq;
}
