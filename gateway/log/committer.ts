/**
 * Group commit: many small pieces of work, one transaction, one fsync, and only then the callers hear.
 *
 * A transaction takes what has gathered by count, bytes or age, whichever comes first. Gathering lasts as long as a commit takes, up
 * to a limit: where a commit is cheap nobody waits for company, where it is dear they share it. The shorter of the last two counts,
 * so that one commit held up by something else does not hold up those after it. The queue is bounded; a full one refuses early; every
 * promise is settled.
 */
import { GatewayError } from '../errors.ts';
import { type Db, storeError } from '../store/database.ts';

export interface CommitterOptions {
  /** Messages in one transaction at most, unless one piece of work has more. */
  readonly maxBatch: number;
  /** Bytes of statements in one transaction at most. */
  readonly maxBatchBytes: number;
  /** Longest a piece of work waits for others to share its transaction, in milliseconds. */
  readonly maxAgeMs: number;
  /** Messages that may wait. */
  readonly maxQueue: number;
  /** Called after a transaction was rolled back, before any caller hears: memory must match the store again. */
  readonly onRollback: () => void;
  /** Called after each durable commit that did work. */
  readonly onCommit: (messages: number, seconds: number) => void;
  /** Called when a commit's outcome is unknown: the process must stop and recover by restart. */
  readonly onFatal: (error: GatewayError) => void;
}

/** The shortest wait a timer keeps. */
const TIMER_MS = 1;

interface Piece {
  readonly work: () => unknown;
  readonly bytes: number;
  readonly messages: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The only way anything is written to the log's tables. */
export class Committer {
  readonly #db: Db;
  readonly #options: CommitterOptions;
  readonly #runBatch: (pieces: readonly Piece[]) => unknown[];
  #queue: Piece[] = [];
  #waitingMessages = 0;
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #scheduled = false;
  /** How long the last commit took, and the one before. */
  #lastMs = 0;
  #beforeMs = 0;
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

  /** Messages that wait. */
  get waiting(): number {
    return this.#waitingMessages;
  }

  /**
   * Runs `work` inside the next transaction and resolves with its result once that is durable. `work` is synchronous and
   * throws only when the store does: a throw rolls back everybody's work of that transaction.
   */
  run<T>(work: () => T, bytes = 0, messages = 1): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.#waitingMessages >= this.#options.maxQueue) {
      return Promise.reject(
        new GatewayError(
          'overloaded',
          `${this.#waitingMessages} messages wait for a commit; the sender should try again`,
        ),
      );
    }
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, bytes, messages, resolve: resolve as (value: unknown) => void, reject });
      this.#waitingMessages += messages;
      this.#waitingBytes += bytes;
      this.#schedule();
    });
  }

  /** Commits what is waiting, then refuses everything. */
  async close(): Promise<void> {
    this.#closed ??= new GatewayError('shutting-down', 'the gateway is stopping');
    if (this.#queue.length === 0) return;
    const drained = new Promise<void>((resolve) => this.#drained.push(resolve));
    this.#flushSoon();
    await drained;
  }

  #schedule(): void {
    const { maxBatch, maxBatchBytes, maxAgeMs } = this.#options;
    const gatherMs = Math.min(maxAgeMs, this.#lastMs, this.#beforeMs);
    const isFull = this.#waitingMessages >= maxBatch || this.#waitingBytes >= maxBatchBytes;
    if (isFull || gatherMs < TIMER_MS || this.#closed !== undefined) this.#flushSoon();
    else if (!this.#scheduled) this.#timer ??= setTimeout(() => this.#flushSoon(), gatherMs);
  }

  /** Commits in the next turn of the event loop, together with what arrives in this one. */
  #flushSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#queue.length > 0) this.#flush(this.#takeBatch());
      if (this.#queue.length > 0) this.#schedule();
      else for (const resolve of this.#drained.splice(0)) resolve();
    });
  }

  #takeBatch(): Piece[] {
    const { maxBatch, maxBatchBytes } = this.#options;
    let bytes = 0;
    let messages = 0;
    let pieces = 0;
    for (const piece of this.#queue) {
      if (pieces > 0 && (messages + piece.messages > maxBatch || bytes + piece.bytes > maxBatchBytes)) break;
      bytes += piece.bytes;
      messages += piece.messages;
      pieces += 1;
    }
    this.#waitingMessages -= messages;
    this.#waitingBytes -= bytes;
    return this.#queue.splice(0, pieces);
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
    this.#beforeMs = this.#lastMs;
    this.#lastMs = performance.now() - started;
    for (const [at, piece] of batch.entries()) piece.resolve(results[at]);
    const messages = batch.reduce((sum, piece) => sum + piece.messages, 0);
    this.#options.onCommit(messages, this.#lastMs / 1000);
  }

  #fail(batch: readonly Piece[], cause: unknown): void {
    const error = cause instanceof GatewayError ? cause : storeError(cause, 'cannot commit to the log');
    const fatal = this.#recover(error);
    if (fatal !== undefined) this.#closed = fatal;
    const pieces = fatal === undefined ? batch : [...batch, ...this.#queue.splice(0)];
    if (fatal !== undefined) this.#waitingMessages = this.#waitingBytes = 0;
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
