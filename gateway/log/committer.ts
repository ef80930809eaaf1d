/**
 * Group commit: many small pieces of work, one transaction, one fsync, and only then the callers hear.
 *
 * Whatever arrived during one turn of the event loop, or during the commit before, goes into one transaction. The queue
 * is bounded by count, each transaction by count and bytes; a full queue refuses early; every promise is settled.
 */
import { GatewayError } from '../errors.ts';
import { type Db, storeError } from '../store/database.ts';

export interface CommitterOptions {
  /** Pieces of work in one transaction at most. */
  readonly maxBatch: number;
  /** Bytes of statements in one transaction at most. */
  readonly maxBatchBytes: number;
  /** Pieces of work that may wait. */
  readonly maxQueue: number;
  /** Called after a transaction was rolled back, before any caller hears: memory must match the store again. */
  readonly onRollback: () => void;
  /** Called after each durable commit that did work. */
  readonly onCommit: (pieces: number, seconds: number) => void;
  /** Called when a commit's outcome is unknown: the process must stop and recover by restart. */
  readonly onFatal: (error: GatewayError) => void;
}

interface Piece {
  readonly work: () => unknown;
  readonly bytes: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The only way anything is written to the log's tables. */
export class Committer {
  readonly #db: Db;
  readonly #options: CommitterOptions;
  readonly #runBatch: (pieces: readonly Piece[]) => unknown[];
  #queue: Piece[] = [];
  #scheduled = false;
  #closed: GatewayError | undefined;
  #drained: (() => void)[] = [];

  constructor(db: Db, options: CommitterOptions) {
    this.#db = db;
    this.#options = options;
    const transaction = this.#db.transaction((pieces: readonly Piece[]) =>
      pieces.map((piece) => piece.work()),
    );
    this.#runBatch = (pieces) => transaction.immediate(pieces);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Runs `work` inside the next transaction and resolves with its result once that is durable. `work` is synchronous and
   * throws only when the store does: a throw rolls back everybody's work of that transaction.
   */
  run<T>(work: () => T, bytes = 0): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.#queue.length >= this.#options.maxQueue) {
      return Promise.reject(
        new GatewayError(
          'overloaded',
          `${this.#queue.length} commits are waiting; the sender should try again`,
        ),
      );
    }
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, bytes, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** Commits what is waiting, then refuses everything. */
  async close(): Promise<void> {
    this.#closed ??= new GatewayError('shutting-down', 'the gateway is stopping');
    if (this.#queue.length > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush(this.#takeBatch());
      if (this.#queue.length > 0) this.#schedule();
      else for (const resolve of this.#drained.splice(0)) resolve();
    });
  }

  #takeBatch(): Piece[] {
    let bytes = 0;
    let count = 0;
    for (const piece of this.#queue) {
      if (
        count === this.#options.maxBatch ||
        (count > 0 && bytes + piece.bytes > this.#options.maxBatchBytes)
      )
        break;
      bytes += piece.bytes;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  #flush(batch: readonly Piece[]): void {
    const started = performance.now();
    let results: unknown[];
    try {
      results = this.#runBatch(batch);
    } catch (cause) {
      this.#fail(batch, cause);
      return;
    }
    for (const [at, piece] of batch.entries()) piece.resolve(results[at]);
    this.#options.onCommit(batch.length, (performance.now() - started) / 1000);
  }

  #fail(batch: readonly Piece[], cause: unknown): void {
    const error = cause instanceof GatewayError ? cause : storeError(cause, 'cannot commit to the log');
    const fatal = this.#recover(error);
    if (fatal !== undefined) this.#closed = fatal;
    const pieces = fatal === undefined ? batch : [...batch, ...this.#queue.splice(0)];
    for (const piece of pieces) piece.reject(fatal ?? error);
    if (fatal !== undefined) this.#options.onFatal(fatal);
  }

  /** Makes memory match the store after a rollback; the error to stop with when that is not to be had. */
  #recover(error: GatewayError): GatewayError | undefined {
    // An I/O error leaves open whether the commit reached the disk. Memory must not guess: stop, and read it at start.
    if (error.fatal || String(error.details['sqlite'] ?? '').startsWith('SQLITE_IOERR')) return error;
    if (this.#db.inTransaction) {
      return new GatewayError('store-unavailable', 'a failed commit could not be rolled back; restart', {
        cause: error,
        fatal: true,
      });
    }
    try {
      this.#options.onRollback();
      return undefined;
    } catch (cause) {
      return storeError(cause, 'cannot read the log again after a failed commit');
    }
  }
}
