/**
 * What the anchorer needs of a chain, in the words of the log.
 *
 * Every method may reject with GatewayError `chain-unreachable` (no answer in time, or an answer that makes no
 * sense): nothing is known then and the caller tries again later. Answers have been checked for form; that they
 * are true is only as sure as the nodes behind them.
 */
import type { Anchor } from '../../src/receipt/anchor.ts';
import type { EventProof } from '../../src/receipt/event-proof.ts';
import type { AnchorTarget, GasFee } from '../ports.ts';
import type { MemberStatus } from './quorum/member.ts';

/** A block of the canonical chain as the node sees it now. */
export interface Block {
  readonly number: bigint;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** Seconds since the Unix epoch, as the block's producer set it. */
  readonly time: number;
  /** Wei for each unit of gas that this block burnt; absent on a chain without EIP-1559. */
  readonly baseFee?: bigint;
}

/** The newest state of the log that the contract holds. Size 0 when nothing was ever anchored. */
export interface ContractHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** How a transaction ended in a block. */
export interface Inclusion {
  readonly blockNumber: bigint;
  readonly blockHash: Uint8Array;
  readonly gasUsed: bigint;
  /** Whether it did not revert. */
  readonly succeeded: boolean;
  /** What the contract recorded for our log in this transaction. */
  readonly anchored: readonly ContractHead[];
}

/** A new state of the log with the RFC 9162 proof that it continues the contract's head. */
export interface AnchorCall {
  readonly size: number;
  readonly root: Uint8Array;
  readonly consistencyProof: readonly Uint8Array[];
}

/**
 * What a transaction offers, and in which form. `legacy` (type 0) has one gas price; fee and tip both hold it, as pools
 * read it.
 */
export interface GasOffer extends GasFee {
  readonly type: 'eip1559' | 'legacy';
}

/** A transaction that is signed but not sent: its hash is known, so it can be remembered first. */
export interface SignedTransaction {
  readonly hash: Uint8Array;
  readonly raw: Uint8Array;
}

/** What became of handing a transaction to the node. */
export type SendResult =
  | { readonly kind: 'accepted' }
  /** The node's reason, shortened: text from outside, for the log only. */
  | {
      readonly kind: 'refused';
      readonly reason: 'underpriced' | 'nonce-used' | 'other';
      readonly detail: string;
    };

/** Where the account stands in the node's newest block. */
export interface Account {
  /** The nonce of its next transaction, pending ones not counted. */
  readonly nonce: number;
  /** Wei. */
  readonly balance: bigint;
}

/** What stands where our log should be. */
export type LogIdentity =
  | { readonly kind: 'other-chain'; readonly chainId: bigint }
  | { readonly kind: 'no-contract' }
  | { readonly kind: 'unknown-log' }
  /** 20 bytes. */
  | { readonly kind: 'open'; readonly operator: Uint8Array };

/** A node of the chain, for status and metrics. */
export interface NodeStatus extends Omit<MemberStatus, 'state'> {
  /** `lagging`: it answers and agrees, and is far behind what a quorum has. */
  readonly state: MemberStatus['state'] | 'lagging';
  /** What it says itself, as far as it has been asked. */
  readonly newestBlock?: bigint;
  readonly finalBlock?: bigint;
  /** How many blocks it is behind what a quorum has. */
  readonly blocksBehind?: number;
}

export interface Chain extends ChainFacts {
  /**
   * Checks that this is the configured chain, that the contract is there, and that the log is open with us as its
   * operator. Rejects with GatewayError `chain-mismatch`, fatal when the chain itself is another one.
   */
  check(): Promise<void>;
  /** How many nodes must agree. */
  readonly quorum: number;
  nodes(): readonly NodeStatus[];
}

/** The chain as one node has it. */
export interface NodeView extends ChainFacts {
  /** The node's address without credentials. */
  readonly name: string;
  identity(): Promise<LogIdentity>;
}

interface ChainFacts {
  readonly target: AnchorTarget;
  /** The account that pays for anchors, 20 bytes. */
  readonly sender: Uint8Array;

  newestBlock(): Promise<Block>;
  /** The newest block that will not be reorganised any more, by the chain's own word or by confirmations. */
  finalBlock(): Promise<Block>;
  /** The canonical block at this height; `undefined` when the node has none so high. */
  blockAt(number: bigint): Promise<Block | undefined>;
  head(): Promise<ContractHead>;
  account(): Promise<Account>;
  /** Wei for each unit of gas, on top of the base fee, that the node advises to offer. */
  suggestedTip(): Promise<bigint>;
  /** Wei for each unit of gas that the node advises for a transaction with one gas price. */
  gasPrice(): Promise<bigint>;
  /** Wei that the chain takes for the data of such a call beside its gas; 0 where it takes nothing. */
  dataFee(call: AnchorCall): Promise<bigint>;

  /** Units of gas to allow for the call. Rejects with `anchor-failed` when the contract would revert. */
  estimateGas(call: AnchorCall): Promise<bigint>;
  /**
   * Signs, sends nothing. Rejects with GatewayError `signer-failed` when the signer is away, refuses, or signs
   * anything but what it was asked to.
   */
  sign(call: AnchorCall, nonce: number, gasLimit: bigint, offer: GasOffer): Promise<SignedTransaction>;
  /** Sending the same bytes again is harmless. */
  send(raw: Uint8Array): Promise<SendResult>;
  /** Whether the node knows the transaction at all, pending or mined. */
  knows(transactionHash: Uint8Array): Promise<boolean>;
  inclusion(transactionHash: Uint8Array): Promise<Inclusion | undefined>;
  /** The proof of the anchor's event in its block, checked against the block's hash. Rejects when it cannot be had (now). */
  eventProof(anchor: Anchor): Promise<EventProof>;

  /** Aborts every call under way (each rejects) and refuses new ones. */
  close(): void;
}
