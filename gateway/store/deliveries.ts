/**
 * The deliverer's memory in the gateway's database.
 *
 * A batch is a range of log indices, never a copy of readings: what was erased from the log cannot be left over here.
 */
import type { Batch, BatchKind, DeadLetter, DeliveryStore } from '../ports.ts';
import { type Db, storeError } from './database.ts';

export const DELIVERIES_SCHEMA = `
  CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('statements', 'receipts')),
    first_index INTEGER NOT NULL CHECK (first_index >= 0),
    last_index INTEGER NOT NULL CHECK (last_index >= first_index),
    mode TEXT NOT NULL CHECK (mode IN ('live', 'backfill')),
    anchor BLOB,
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    refusals INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    last_error TEXT,
    buried_at INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS deliveries_in_order ON deliveries (provider, kind, first_index);
  CREATE TABLE IF NOT EXISTS delivery_cursors (
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    next_index INTEGER NOT NULL,
    PRIMARY KEY (provider, kind)
  ) STRICT, WITHOUT ROWID;
`;

interface Row {
  readonly id: string;
  readonly provider: string;
  readonly kind: BatchKind;
  readonly first_index: number;
  readonly last_index: number;
  readonly mode: 'live' | 'backfill';
  readonly anchor: Uint8Array | null;
  readonly created_at: number;
  readonly attempts: number;
  readonly refusals: number;
  readonly next_attempt_at: number;
  readonly last_error: string | null;
  readonly buried_at: number | null;
}

/** `DeliveryStore` over tables of `DELIVERIES_SCHEMA`. Throws GatewayError when the database does. */
export class SqliteDeliveryStore implements DeliveryStore {
  readonly #db: Db;
  readonly #statements;

  constructor(db: Db) {
    this.#db = db;
    this.#statements = prepare(db);
  }

  async cursor(provider: string, kind: BatchKind): Promise<number> {
    return this.#run('read a delivery cursor', () => this.#cursor(provider, kind));
  }

  async open(provider: string, kind: BatchKind): Promise<Batch[]> {
    return this.#run('read open deliveries', () => this.#statements.open.all(provider, kind).map(toBatch));
  }

  async begin(batch: Batch): Promise<void> {
    this.#transact('begin a delivery', () => {
      if (batch.from < this.#cursor(batch.provider, batch.kind)) {
        throw new RangeError('batch.from lies before the cursor: it would be delivered twice');
      }
      this.#insert(batch);
    });
  }

  async postpone(
    id: string,
    failure: { readonly nextAttemptAt: number; readonly error: string; readonly refused: boolean },
  ): Promise<void> {
    this.#transact('postpone a delivery', () => {
      const { nextAttemptAt, error, refused } = failure;
      needOne(id, this.#statements.postpone.run(refused ? 1 : 0, nextAttemptAt, error, id).changes);
    });
  }

  async split(id: string, parts: readonly Batch[]): Promise<void> {
    this.#transact('split a delivery', () => {
      const batch = this.#openBatch(id);
      if (parts[0]?.from !== batch.from || parts.at(-1)?.to !== batch.to) {
        throw new RangeError('parts must cover the range of the batch');
      }
      this.#statements.remove.run(id);
      for (const part of parts) this.#insert(part);
    });
  }

  async complete(id: string): Promise<void> {
    this.#transact('complete a delivery', () => {
      this.#advance(this.#openBatch(id));
      this.#statements.remove.run(id);
    });
  }

  async bury(id: string, error: string, at: number): Promise<void> {
    this.#transact('give up a delivery', () => {
      this.#advance(this.#openBatch(id));
      this.#statements.bury.run(error, at, id);
    });
  }

  async deadLetters(provider?: string): Promise<DeadLetter[]> {
    return this.#run('list dead letters', () =>
      this.#statements.dead
        .all({ provider: provider ?? null })
        .map((row) => ({ ...toBatch(row), buriedAt: Number(row.buried_at) })),
    );
  }

  async retry(id: string): Promise<boolean> {
    return this.#run('retry a dead letter', () => this.#statements.retry.run(id).changes === 1);
  }

  #cursor(provider: string, kind: BatchKind): number {
    return this.#statements.cursor.get(provider, kind)?.next_index ?? 0;
  }

  #openBatch(id: string): Batch {
    const row = this.#statements.openById.get(id);
    needOne(id, row === undefined ? 0 : 1);
    return toBatch(row as Row);
  }

  /** A retried dead letter or the later part of a split may finish out of order: the cursor never goes back. */
  #advance({ provider, kind, to }: Batch): void {
    this.#statements.advance.run(provider, kind, to + 1);
  }

  #insert(batch: Batch): void {
    this.#statements.insert.run({
      ...batch,
      anchor: batch.anchor ?? null,
      lastError: batch.lastError ?? null,
    });
  }

  #run<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof RangeError) throw cause;
      throw storeError(cause, `cannot ${what}`);
    }
  }

  #transact(what: string, work: () => void): void {
    this.#run(what, () => this.#db.transaction(work).immediate());
  }
}

function prepare(db: Db) {
  return {
    cursor: db.prepare<[string, string], { next_index: number }>(
      'SELECT next_index FROM delivery_cursors WHERE provider = ? AND kind = ?',
    ),
    advance: db.prepare<[string, string, number]>(
      `INSERT INTO delivery_cursors (provider, kind, next_index) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET next_index = max(next_index, excluded.next_index)`,
    ),
    open: db.prepare<[string, string], Row>(
      'SELECT * FROM deliveries WHERE provider = ? AND kind = ? AND buried_at IS NULL ORDER BY first_index',
    ),
    openById: db.prepare<[string], Row>('SELECT * FROM deliveries WHERE id = ? AND buried_at IS NULL'),
    insert: db.prepare<[Record<string, unknown>]>(
      `INSERT INTO deliveries (id, provider, kind, first_index, last_index, mode, anchor, created_at, attempts,
         refusals, next_attempt_at, last_error)
       VALUES (@id, @provider, @kind, @from, @to, @mode, @anchor, @createdAt, @attempts, @refusals,
         @nextAttemptAt, @lastError)`,
    ),
    postpone: db.prepare<[number, number, string, string]>(
      `UPDATE deliveries SET attempts = attempts + 1, refusals = refusals + ?, next_attempt_at = ?, last_error = ?
       WHERE id = ? AND buried_at IS NULL`,
    ),
    remove: db.prepare<[string]>('DELETE FROM deliveries WHERE id = ?'),
    bury: db.prepare<[string, number, string]>(
      'UPDATE deliveries SET attempts = attempts + 1, last_error = ?, buried_at = ? WHERE id = ?',
    ),
    dead: db.prepare<[{ provider: string | null }], Row>(
      `SELECT * FROM deliveries WHERE buried_at IS NOT NULL AND (@provider IS NULL OR provider = @provider)
       ORDER BY buried_at, rowid`,
    ),
    retry: db.prepare<[string]>(
      `UPDATE deliveries SET buried_at = NULL, attempts = 0, refusals = 0, next_attempt_at = 0
       WHERE id = ? AND buried_at IS NOT NULL`,
    ),
  };
}

function needOne(id: string, found: number): void {
  if (found !== 1) throw new RangeError(`no open batch has the id ${id}`);
}

function toBatch(row: Row): Batch {
  return {
    id: row.id,
    provider: row.provider,
    kind: row.kind,
    from: row.first_index,
    to: row.last_index,
    mode: row.mode,
    ...(row.anchor === null ? {} : { anchor: new Uint8Array(row.anchor) }),
    createdAt: row.created_at,
    attempts: row.attempts,
    refusals: row.refusals,
    nextAttemptAt: row.next_attempt_at,
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
  };
}
