/** Checkpoints that witnesses cosigned. */

/** A witness's cosignature of a checkpoint (C2SP tlog-cosignature). It has been verified. */
export interface KeptCosignature {
  /** Of the checkpoint. */
  readonly size: number;
  /** Key name of the witness. */
  readonly witness: string;
  /** Seconds, by the witness's clock. */
  readonly time: number;
  /** The signature line. */
  readonly line: string;
}

/** Cosignatures beside the checkpoints they are of. */
export interface CosignatureStore {
  /** Durable when it resolves. Idempotent under size and witness. */
  keep(cosignature: KeptCosignature): Promise<void>;
  /** The witness's cosignature of the largest size. */
  newest(witness: string): Promise<KeptCosignature | undefined>;
}

/** How far a witness has come. */
export interface WitnessView {
  readonly name: string;
  /** Size of the largest checkpoint cosigned; 0 when none. */
  readonly size: number;
  /** When, by the witness's clock, in seconds. */
  readonly cosignedAt?: number;
  /** Entries of the newest checkpoint that it has not cosigned. */
  readonly lag: number;
  /** It holds another history of this log than the log does: a fork, or a witness that fails. */
  readonly isInConflict: boolean;
  /** Why the last try failed; absent once one succeeded. */
  readonly lastError?: { readonly code: string; readonly message: string; readonly at: number };
}
