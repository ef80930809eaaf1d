/**
 * Files of enrolments on their way into the log. A batch is filled by the command line, bit by bit, and carried out by the log's
 * writer, bit by bit: no transaction is long however many devices it names. What makes it all or nothing is its state:
 *
 * - `arriving`, `waiting`: nothing of it counts; it can be cancelled, and a check can refuse it.
 * - `decided`: it will be carried out to its end, by this process or by the next. Its devices enter the log and the registry one
 *   after another, but nobody finds them there yet (`arriving_devices`).
 * - `done`: in one short transaction all of them are enrolled.
 */
import { type Db, storeError } from './database.ts';

export const ENROLMENT_SCHEMA = `
CREATE TABLE IF NOT EXISTS enrolment_batches (
  id         INTEGER PRIMARY KEY,
  state      TEXT NOT NULL CHECK (state IN ('arriving', 'waiting', 'decided', 'done', 'refused', 'cancelled')),
  size       INTEGER NOT NULL,            -- enrolments in it
  logged     INTEGER NOT NULL DEFAULT 0,  -- of these, settled after the decision
  logged_to  INTEGER NOT NULL DEFAULT 0,  -- the line of the last one settled
  refused    INTEGER NOT NULL DEFAULT 0,
  touched_at INTEGER NOT NULL             -- ms: when it last changed its state, or grew
) STRICT;
CREATE TABLE IF NOT EXISTS enrolment_items (
  batch    INTEGER NOT NULL REFERENCES enrolment_batches (id),
  line     INTEGER NOT NULL,              -- of the file
  device   TEXT NOT NULL,
  patient  TEXT NOT NULL,
  provider TEXT NOT NULL,
  cose_key BLOB NOT NULL,
  cadence  INTEGER,                       -- seconds, 0 for none, null for what is configured
  refusal  TEXT,
  PRIMARY KEY (batch, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS enrolment_items_by_device ON enrolment_items (device);
CREATE TABLE IF NOT EXISTS arriving_devices (
  device INTEGER PRIMARY KEY,             -- devices.id: in the log, but not enrolled before its whole batch is
  batch  INTEGER NOT NULL
) STRICT;
`;

export type BatchState = 'arriving' | 'waiting' | 'decided' | 'done' | 'refused' | 'cancelled';

/** One enrolment as the file has it. Checked by whoever fills the batch, and again by whoever carries it out. */
export interface EnrolmentItem {
  readonly line: number;
  readonly device: string;
  readonly patient: string;
  readonly provider: string;
  /** COSE_Key. */
  readonly coseKey: Uint8Array;
  /** Longest silence that is in order, in seconds: 0 for any, null for what is configured. */
  readonly cadence: number | null;
}

export interface BatchStatus {
  readonly id: number;
  readonly state: BatchState;
  readonly size: number;
  /** Enrolments settled since the decision. */
  readonly logged: number;
  readonly loggedTo: number;
  readonly refused: number;
}

export interface LineRefusal {
  readonly line: number;
  readonly refusal: string;
}

const STATUS = 'SELECT id, state, size, logged, logged_to AS loggedTo, refused FROM enrolment_batches';

/** All SQL over the tables of batches. */
export class EnrolmentStore {
  readonly #db: Db;
  readonly #isReserved;
  readonly #hide;

  constructor(db: Db) {
    this.#db = db;
    this.#hide = db.prepare('INSERT INTO arriving_devices (device, batch) VALUES (?, ?)');
    this.#isReserved = db
      .prepare<[string], number>(
        `SELECT 1 FROM enrolment_items i JOIN enrolment_batches b ON b.id = i.batch
         WHERE i.device = ? AND b.state = 'decided'`,
      )
      .pluck();
  }

  /** A new batch, still empty. */
  begin(size: number, now: number): number {
    return this.#write('cannot record the enrolments', () =>
      Number(
        this.#db
          .prepare("INSERT INTO enrolment_batches (state, size, touched_at) VALUES ('arriving', ?, ?)")
          .run(size, now).lastInsertRowid,
      ),
    );
  }

  /** Puts enrolments into a batch that is still arriving, in a transaction of their own: a few hundred at a time. */
  add(batch: number, items: readonly EnrolmentItem[], now: number): void {
    const insert = this.#db.prepare(
      'INSERT INTO enrolment_items (batch, line, device, patient, provider, cose_key, cadence) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#write('cannot record the enrolments', () => {
      this.#touch(batch, now);
      for (const { line, device, patient, provider, coseKey, cadence } of items)
        insert.run(batch, line, device, patient, provider, coseKey, cadence);
    });
  }

  /** Hands a full batch over. */
  submit(batch: number, now: number): void {
    this.#write('cannot record the enrolments', () => this.#move(batch, ['arriving'], 'waiting', now));
  }

  /** Takes a batch back. False once it is decided: it will be carried out. */
  cancel(batch: number, now: number): boolean {
    return this.#write('cannot take the enrolments back', () =>
      this.#move(batch, ['arriving', 'waiting'], 'cancelled', now),
    );
  }

  status(batch: number): BatchStatus | undefined {
    return this.#db.prepare<[number], BatchStatus>(`${STATUS} WHERE id = ?`).get(batch);
  }

  /** What there is to do: a decided batch before one that waits, then the older. */
  next(): BatchStatus | undefined {
    return this.#db
      .prepare<[], BatchStatus>(
        `${STATUS} WHERE state IN ('decided', 'waiting') ORDER BY state = 'waiting', id LIMIT 1`,
      )
      .get();
  }

  /** Items behind a line, in the order of the file. */
  items(batch: number, after: number, limit: number): EnrolmentItem[] {
    return this.#db
      .prepare<[number, number, number], EnrolmentItem>(
        `SELECT line, device, patient, provider, cose_key AS coseKey, cadence FROM enrolment_items
         WHERE batch = ? AND line > ? ORDER BY line LIMIT ?`,
      )
      .all(batch, after, limit);
  }

  /** Whether a decided batch is about to enrol this device. */
  isReserved(device: string): boolean {
    return this.#isReserved.get(device) !== undefined;
  }

  /** Lines that the registry speaks against: their device is enrolled, or their patient erased. */
  conflicts(batch: number, limit: number): LineRefusal[] {
    return this.#db
      .prepare<[number, number, number], LineRefusal>(
        `SELECT i.line, i.device || ' is enrolled already' AS refusal
         FROM enrolment_items i JOIN devices d ON d.urn = i.device WHERE i.batch = ?
         UNION ALL SELECT i.line, 'patient ' || i.patient || ' has been erased'
         FROM enrolment_items i JOIN owners o ON o.name = i.patient WHERE i.batch = ? AND o.wrapped IS NULL
         ORDER BY line LIMIT ?`,
      )
      .all(batch, batch, limit);
  }

  /** Inside the writer's transaction. False when it was cancelled meanwhile. */
  decide(batch: number, now: number): boolean {
    return this.#move(batch, ['waiting'], 'decided', now);
  }

  /** Inside the writer's transaction: nothing of the batch will be carried out. */
  refuse(batch: number, refusals: readonly LineRefusal[], now: number): void {
    if (!this.#move(batch, ['waiting'], 'refused', now)) return;
    for (const refusal of refusals) this.refuseLine(batch, refusal);
  }

  refuseLine(batch: number, { line, refusal }: LineRefusal): void {
    this.#db
      .prepare('UPDATE enrolment_items SET refusal = ? WHERE batch = ? AND line = ?')
      .run(refusal, batch, line);
    this.#db.prepare('UPDATE enrolment_batches SET refused = refused + 1 WHERE id = ?').run(batch);
  }

  refusals(batch: number, limit: number): LineRefusal[] {
    return this.#db
      .prepare<[number, number], LineRefusal>(
        'SELECT line, refusal FROM enrolment_items WHERE batch = ? AND refusal IS NOT NULL ORDER BY line LIMIT ?',
      )
      .all(batch, limit);
  }

  /** Inside the transaction that logs the device: it is not to be found yet. */
  hide(batch: number, device: number): void {
    this.#hide.run(device, batch);
  }

  /** Inside the transaction that logs these items: how far the batch has come. */
  advance(batch: number, items: readonly EnrolmentItem[]): void {
    this.#db
      .prepare('UPDATE enrolment_batches SET logged = logged + ?, logged_to = ? WHERE id = ?')
      .run(items.length, items.at(-1)?.line ?? 0, batch);
  }

  /** The transaction in which every device of the batch becomes enrolled. */
  finish(batch: number, now: number): void {
    this.#db.prepare('DELETE FROM arriving_devices WHERE batch = ?').run(batch);
    this.#move(batch, ['decided'], 'done', now);
  }

  /** Removes some items of what is over and was left alone since; says whether there was anything to remove. */
  purge(before: number, limit: number): boolean {
    const { changes } = this.#db
      .prepare(
        `DELETE FROM enrolment_items WHERE (batch, line) IN (
           SELECT i.batch, i.line FROM enrolment_batches b JOIN enrolment_items i ON i.batch = b.id
           WHERE b.state = 'done' AND i.refusal IS NULL
             OR b.state IN ('arriving', 'refused', 'cancelled', 'done') AND b.touched_at < ? LIMIT ?)`,
      )
      .run(before, limit);
    return changes > 0;
  }

  /** Nothing of a batch that stopped arriving long ago is to be carried out any more. */
  abandon(before: number): void {
    this.#db
      .prepare("UPDATE enrolment_batches SET state = 'cancelled' WHERE state = 'arriving' AND touched_at < ?")
      .run(before);
  }

  #move(batch: number, from: readonly BatchState[], to: BatchState, now: number): boolean {
    const places = from.map(() => '?').join(', ');
    return (
      this.#db
        .prepare(
          `UPDATE enrolment_batches SET state = ?, touched_at = ? WHERE id = ? AND state IN (${places})`,
        )
        .run(to, now, batch, ...from).changes === 1
    );
  }

  #touch(batch: number, now: number): void {
    this.#db.prepare('UPDATE enrolment_batches SET touched_at = ? WHERE id = ?').run(now, batch);
  }

  #write<T>(what: string, work: () => T): T {
    try {
      return this.#db.transaction(work).immediate();
    } catch (cause) {
      throw storeError(cause, what);
    }
  }
}
