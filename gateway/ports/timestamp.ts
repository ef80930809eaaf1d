/** Checkpoints that an authority stamped. */

/** A checkpoint stamped by an authority (RFC 3161). The authority's signature has not been checked. */
export interface KeptTimestamp {
  /** Of the checkpoint. */
  readonly size: number;
  /** The checkpoint as it was stamped; cosignatures may have joined it since. */
  readonly note: string;
  /** TimeStampToken, DER. */
  readonly token: Uint8Array;
  /** Seconds, by the authority's clock. */
  readonly time: number;
}

/** Timestamps beside the checkpoints they are of. */
export interface TimestampStore {
  /** Durable when it resolves. The first one of a size stays. */
  keep(timestamp: KeptTimestamp): Promise<void>;
  /** The one of the largest size. */
  newest(): Promise<KeptTimestamp | undefined>;
  /** The one of the smallest size > index: the earliest that covers the entry. */
  covering(index: number): Promise<KeptTimestamp | undefined>;
}

/** How far timestamping has come. */
export interface TimestampView {
  /** Size of the newest stamped checkpoint; 0 when none. */
  readonly size: number;
  /** What the authority put on it, in seconds. */
  readonly time?: number;
  /** Why the last try failed; absent once one succeeded. */
  readonly lastError?: { readonly code: 'timestamp-failed'; readonly message: string; readonly at: number };
}
