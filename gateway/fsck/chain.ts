/**
 * What the checker asks a chain. Every method may reject with GatewayError `chain-unreachable`: then nothing is known,
 * and the chain's part of the check ends.
 */

/** A state of the log as the contract holds it. */
export interface ChainHead {
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** A transaction in a block, and what the contract recorded for our log in it. */
export interface ChainTransaction {
  readonly blockNumber: bigint;
  readonly blockHash: Uint8Array;
  readonly anchored: readonly ChainHead[];
}

export interface LogChain {
  chainId(): Promise<bigint>;
  /** What code stands at the contract's address. */
  contract(): Promise<'reading-log' | 'none' | 'other'>;
  /** RFC 9679 thumbprint that the log was opened with; undefined when the contract does not know the log. */
  logKeyHash(): Promise<Uint8Array | undefined>;
  /** The newest state anchored; size 0 when nothing was. */
  head(): Promise<ChainHead>;
  /** undefined when exactly this size was never anchored. */
  rootAt(size: number): Promise<Uint8Array | undefined>;
  /** Hash of the canonical block at this height; undefined when there is none so high. */
  blockHash(number: bigint): Promise<Uint8Array | undefined>;
  /** undefined when the transaction is in no block. */
  transaction(hash: Uint8Array): Promise<ChainTransaction | undefined>;
  /** Ends every call under way. */
  close(): void;
}
