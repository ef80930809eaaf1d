/** What a gateway has stored about its checkpoints and anchors, read beside it or after its death. */
import Database from 'better-sqlite3';

export interface StoredAnchor {
  readonly size: number;
  readonly state: 'submitted' | 'anchored' | 'final' | 'lost';
}

export class StoreView {
  readonly #file: string;

  constructor(dataDirectory: string) {
    this.#file = `${dataDirectory}/gateway.db`;
  }

  anchor(transaction: string): StoredAnchor | undefined {
    const hash = Buffer.from(transaction.slice(2), 'hex');
    return this.#all<StoredAnchor>('SELECT size, state FROM anchors WHERE tx_hash = ?', hash)[0];
  }

  newestCheckpoint(): number {
    return this.#all<{ size: number }>('SELECT max(size) AS size FROM checkpoints')[0]?.size ?? 0;
  }

  /** The greatest size that is called final. */
  finalSize(): number {
    const [row] = this.#all<{ size: number }>("SELECT max(size) AS size FROM anchors WHERE state = 'final'");
    return row?.size ?? 0;
  }

  /** Sizes of the checkpoints above one, in order. */
  checkpointsAbove(size: number): number[] {
    const rows = this.#all<{ size: number }>(
      'SELECT size FROM checkpoints WHERE size > ? ORDER BY size',
      size,
    );
    return rows.map((row) => row.size);
  }

  #all<T>(sql: string, ...args: readonly unknown[]): T[] {
    const db = new Database(this.#file, { readonly: true });
    try {
      return db.prepare<unknown[], T>(sql).all(...args);
    } finally {
      db.close();
    }
  }
}
