/** Rows of timestamps: what an authority stamped of the log, and when it says it did. */
import type { KeptTimestamp, TimestampStore } from '../ports.ts';
import { type Db, storeError } from './database.ts';

export const TIMESTAMPS_SCHEMA = `
CREATE TABLE IF NOT EXISTS timestamps (
  size  INTEGER PRIMARY KEY REFERENCES checkpoints (size),
  note  TEXT NOT NULL,             -- the checkpoint as it was stamped
  token BLOB NOT NULL,             -- TimeStampToken (RFC 3161), DER
  time  INTEGER NOT NULL           -- s, by the authority's clock
) STRICT;
`;

/** See TimestampStore in ports.ts. Failures of SQLite become GatewayErrors that say what to do. */
export class SqliteTimestampStore implements TimestampStore {
  readonly #db: Db;

  /** `db` has been opened with TIMESTAMPS_SCHEMA. */
  constructor(db: Db) {
    this.#db = db;
  }

  async keep({ size, note, token, time }: KeptTimestamp): Promise<void> {
    this.#guard('cannot keep a timestamp', () =>
      this.#db
        .prepare(
          'INSERT INTO timestamps (size, note, token, time) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
        )
        .run(size, note, token, time),
    );
  }

  async newest(): Promise<KeptTimestamp | undefined> {
    return this.#one('ORDER BY size DESC LIMIT 1');
  }

  async covering(index: number): Promise<KeptTimestamp | undefined> {
    return this.#one('WHERE size > ? ORDER BY size LIMIT 1', index);
  }

  #one(where: string, ...args: readonly number[]): KeptTimestamp | undefined {
    const row = this.#guard('cannot read the timestamps', () =>
      this.#db.prepare<number[], KeptTimestamp>(`SELECT * FROM timestamps ${where}`).get(...args),
    );
    return row && { ...row, token: Uint8Array.from(row.token) };
  }

  #guard<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw storeError(cause, what);
    }
  }
}
