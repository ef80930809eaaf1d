/** Attempts to anchor a checkpoint, and their durable memory. */
import type { Anchor } from '../../src/receipt/anchor.ts';

/** A checkpoint's way onto the chain; the word people see. */
export type AnchorState = 'recorded' | 'submitted' | 'anchored' | 'final';

/** Where a log is anchored. */
export interface AnchorTarget {
  readonly chainId: bigint;
  /** Address of the contract, 20 bytes. */
  readonly contract: Uint8Array;
  /** 32 bytes. */
  readonly logId: Uint8Array;
}

/** What a transaction offers for each unit of gas, in wei (EIP-1559). */
export interface GasFee {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** Why an attempt is `lost`, or is `submitted` once more. */
export type AnchorSetback = 'replaced' | 'reorganised' | 'reverted' | 'other-target';

/** One attempt to anchor one checkpoint. Keyed by transaction hash; saved before the transaction is sent. */
export interface AnchorRecord {
  readonly size: number;
  readonly root: Uint8Array;
  readonly target: AnchorTarget;
  readonly transactionHash: Uint8Array;
  /** The account that pays, 20 bytes. A nonce means something only together with it. */
  readonly sender: Uint8Array;
  readonly nonce: number;
  readonly fee: GasFee;
  /** The signed transaction, kept while the record is open so that the same bytes can be sent again. */
  readonly rawTransaction?: Uint8Array;
  readonly submittedAt: number;
  /** The newest block when it was signed: tells a transaction that is stuck from a chain that stands still. */
  readonly submittedBlock: bigint;
  /** `lost`: it can never be in the chain any more, or was meant for another one; a newer checkpoint covers what it covered. A lost record does not change; a final one only if the chain breaks its own finality. */
  readonly state: 'submitted' | 'anchored' | 'final' | 'lost';
  readonly setback?: AnchorSetback;
  /** Present while the transaction is in a block; the proof of its event is added to it as soon as it can be had. */
  readonly anchor?: Anchor;
  /** Present once the transaction has been in a block, a reverted one too. */
  readonly gasUsed?: bigint;
}

/** Durable memory of the anchorer. Every write is idempotent under the transaction hash. */
export interface AnchorStore {
  /** Inserts or replaces the record; durable when it resolves. */
  save(record: AnchorRecord): Promise<void>;
  byTransaction(hash: Uint8Array): Promise<AnchorRecord | undefined>;
  /** Records in state `submitted` or `anchored`, oldest first. */
  open(): Promise<AnchorRecord[]>;
  /** The smallest anchored-or-final record with size > index, final ones preferred: what a receipt cites. */
  covering(index: number): Promise<AnchorRecord | undefined>;
  /** The record of the largest size in this state. */
  newest(state: 'submitted' | 'anchored' | 'final'): Promise<AnchorRecord | undefined>;
  /** The newest records in any state, newest first. */
  list(limit: number): Promise<AnchorRecord[]>;
  /** Anchored and final records of this target whose anchor has no proof of its event, newest first. */
  lackingProof(target: AnchorTarget, limit: number): Promise<AnchorRecord[]>;
  /** Gas used by all attempts that were in a block. */
  gasUsed(): Promise<bigint>;
}

/** Tells other stages that an anchor became final. */
export interface AnchorEvents {
  onFinal(listener: (record: AnchorRecord) => void): () => void;
}
