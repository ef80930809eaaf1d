/** Rows of cosignatures, beside the checkpoints they are of (their table is part of LOG_SCHEMA). */
import type { CosignatureStore, KeptCosignature } from '../ports.ts';
import { type Db, storeError } from './database.ts';

/** See CosignatureStore in ports.ts. Failures of SQLite become GatewayErrors that say what to do. */
export class SqliteCosignatureStore implements CosignatureStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async keep({ size, witness, time, line }: KeptCosignature): Promise<void> {
    this.#guard('cannot keep a cosignature', () =>
      this.#db
        .prepare(
          `INSERT INTO cosignatures (size, witness, time, line) VALUES (?, ?, ?, ?)
           ON CONFLICT (size, witness) DO UPDATE SET time = excluded.time, line = excluded.line`,
        )
        .run(size, witness, time, line),
    );
  }

  async newest(witness: string): Promise<KeptCosignature | undefined> {
    return this.#guard('cannot read the cosignatures', () =>
      this.#db
        .prepare<[string], KeptCosignature>(
          'SELECT size, witness, time, line FROM cosignatures WHERE witness = ? ORDER BY size DESC LIMIT 1',
        )
        .get(witness),
    );
  }

  #guard<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw storeError(cause, what);
    }
  }
}
