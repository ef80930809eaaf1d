/** What the anchorer shows of itself: to people through the API, to monitoring through callbacks. */
import type { GatewayErrorCode } from '../errors.ts';
import type { AnchorSetback, AnchorTarget } from '../ports.ts';
import type { NodeStatus } from './chain.ts';

/** Sizes are numbers of log entries; each state covers all entries below its size. */
export interface AnchorStatus {
  readonly target: AnchorTarget;
  /** The account that pays, 20 bytes. */
  readonly sender: Uint8Array;
  /** Size of the newest sealed checkpoint, 0 before the first. */
  readonly recorded: number;
  /** The greatest size on its way, if one is. */
  readonly submitted?: number;
  /** The greatest size in a block that may still be reorganised, if there is one. */
  readonly anchored?: number;
  /** The greatest size that is final, 0 before the first. */
  readonly final: number;
  /** Heights of the newest and the newest final block at the last look. */
  readonly newestBlock?: bigint;
  readonly finalBlock?: bigint;
  /** Wei, at the last look. */
  readonly balance?: bigint;
  /** Anchors that the balance pays for at their present cost, and the days they last; absent before the first look and where gas is free. */
  readonly anchorsLeft?: number;
  readonly daysLeft?: number;
  /** What one costs now, wei: gas, and data where the chain charges for it. Absent as these are. */
  readonly anchorCost?: bigint;
  /** Units of gas that all anchors so far have used. */
  readonly gasUsed: bigint;
  /** Since when the chain has not answered (ms); absent while it does. */
  readonly unreachableSince?: number;
  /** What the newest checkpoint waits for beyond its turn in a block; absent when for nothing. */
  readonly waitingFor?: AnchorWait;
  /** The last failure, kept until the next success. */
  readonly lastError?: AnchorFailure;
  /** How many of the nodes must agree. */
  readonly quorum: number;
  readonly nodes: readonly NodeStatus[];
  /** A fatal failure has ended anchoring; only a restart goes on. */
  readonly halted: boolean;
}

/**
 * `fee`: gas costs more than the ceiling. `cheaper-gas`: more than the preferred price, before the deadline.
 * `stuck-at-ceiling`: a pending transaction that no node would replace for less than the ceiling.
 * `next-checkpoint`: the attempt reverted, or its nonce is gone; its successor is tried.
 */
export type AnchorWait =
  | { readonly for: 'fee' | 'stuck-at-ceiling'; readonly neededWei: bigint }
  | { readonly for: 'cheaper-gas'; readonly neededWei: bigint; readonly until: number }
  | { readonly for: 'next-checkpoint' };

export interface AnchorFailure {
  readonly code: GatewayErrorCode;
  readonly message: string;
  readonly at: number;
}

/** Called as things happen; must not throw. Labels are from closed sets. */
export interface AnchorMetrics {
  submitted(size: number, kind: 'new' | 'replacement' | 'resent'): void;
  /** `seconds` since the attempt was signed. */
  anchored(size: number, gasUsed: bigint, seconds: number): void;
  final(size: number, seconds: number): void;
  setback(kind: AnchorSetback): void;
  failed(code: GatewayErrorCode): void;
  /** After each look at the chain. */
  chain(view: {
    readonly newestBlock: bigint;
    readonly finalBlock: bigint;
    readonly balance: bigint;
    readonly anchorsLeft: number;
  }): void;
  /** True when the chain answers. */
  reachable(is: boolean): void;
}
