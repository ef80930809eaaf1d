/** Readings and proofs on their way to providers. */

/** A care provider that receives readings. */
export interface Provider {
  readonly id: string;
  /** Where deliveries are posted. */
  readonly url: string;
  /** X25519 public key, 32 bytes, to which bodies are sealed. */
  readonly sealingKey: Uint8Array;
}

/** What a batch carries: new statements, or the proofs for statements delivered before. */
export type BatchKind = 'statements' | 'receipts';

/** A batch fixed before its first attempt, so that every attempt sends the same under the same key. */
export interface Batch {
  /** The idempotency key (`webhook-id`). */
  readonly id: string;
  readonly provider: string;
  readonly kind: BatchKind;
  /** First and last log index, inclusive; which entries of the provider lie between is fixed by the log. */
  readonly from: number;
  readonly to: number;
  /** `backfill`: nothing in it was fresh when it was made up. */
  readonly mode: 'live' | 'backfill';
  /** For receipts: the final anchor that proves them, by its transaction hash. */
  readonly anchor?: Uint8Array;
  readonly createdAt: number;
  readonly attempts: number;
  /** Attempts the provider answered with a failure that may lie in this very batch (500 and its like). */
  readonly refusals: number;
  readonly nextAttemptAt: number;
  readonly lastError?: string;
}

/** A batch given up until someone asks for a retry. Its entries are still in the log; nothing is lost. */
export interface DeadLetter extends Batch {
  readonly buriedAt: number;
}

/**
 * Durable memory of the deliverer: one cursor per provider and kind, the open batches, the dead letters.
 * Every write is durable when its promise resolves, and refuses a batch that is not open any more.
 */
export interface DeliveryStore {
  /** The next index to deliver; 0 for a provider never seen. It never goes back. */
  cursor(provider: string, kind: BatchKind): Promise<number>;
  /**
   * Batches under way, lowest index first. Normally one; also retried dead letters and the parts of a split batch.
   */
  open(provider: string, kind: BatchKind): Promise<Batch[]>;
  /** Fixes a batch that starts at or after the cursor. */
  begin(batch: Batch): Promise<void>;
  /** Records a failed attempt, when to try again, and whether the provider may be refusing this very batch. */
  postpone(
    id: string,
    failure: { readonly nextAttemptAt: number; readonly error: string; readonly refused: boolean },
  ): Promise<void>;
  /** In one step: put `parts`, which cover the same range, in the place of the open batch. */
  split(id: string, parts: readonly Batch[]): Promise<void>;
  /** In one step: close the batch and move the cursor to `to` + 1 if it is not there yet. */
  complete(id: string): Promise<void>;
  /** In one step: move the batch to the dead-letter list and the cursor as `complete` does. */
  bury(id: string, error: string, at: number): Promise<void>;
  /** Oldest first. */
  deadLetters(provider?: string): Promise<DeadLetter[]>;
  /** Puts a dead letter back in front, due at once; it is sent again under the same id. False when there is none. */
  retry(id: string): Promise<boolean>;
}

/** Counts for the metrics endpoint; the composition root turns them into its metrics. */
export interface DeliveryMetrics {
  attempted(
    provider: string,
    kind: BatchKind,
    outcome: 'delivered' | 'retry' | 'dead' | 'split',
    seconds: number,
  ): void;
  delivered(provider: string, kind: BatchKind, entries: number): void;
}
