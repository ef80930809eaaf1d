/** EIP-1559 fees under a ceiling, and how far a replacement must go beyond what it replaces. Pure. */
import type { GasFee } from '../ports.ts';

/** Nodes ask for 10 % (geth) to 12.5 % (older Parity family) more before they replace a transaction. */
const BUMP_NUMERATOR = 1125n;
const BUMP_DENOMINATOR = 1000n;

export interface FeeMarket {
  /** Of the newest block, wei for each unit of gas. */
  readonly baseFee: bigint;
  /** What the node advises to add, wei for each unit of gas. */
  readonly suggestedTip: bigint;
}

export type FeeChoice =
  | { readonly kind: 'ok'; readonly fee: GasFee }
  /** What would have to be allowed for the transaction to have a chance now, wei for each unit of gas. */
  | { readonly kind: 'too-expensive'; readonly needed: bigint };

/**
 * The fee of a new transaction, or of one that replaces `previous`.
 *
 * The tip gives way when base fee and tip together would pass the ceiling. Never above `ceiling`: it is better to
 * wait, because the checkpoint that is anchored later covers this one.
 */
export function chooseFee(market: FeeMarket, ceiling: bigint, previous?: GasFee): FeeChoice {
  if (market.baseFee > ceiling) return { kind: 'too-expensive', needed: market.baseFee };
  const tip = min(market.suggestedTip, ceiling - market.baseFee);
  const fresh: GasFee = { maxFeePerGas: firstOffer(market.baseFee, tip, ceiling), maxPriorityFeePerGas: tip };
  if (previous === undefined) return { kind: 'ok', fee: fresh };
  const bumped: GasFee = {
    maxFeePerGas: max(fresh.maxFeePerGas, bump(previous.maxFeePerGas)),
    maxPriorityFeePerGas: max(fresh.maxPriorityFeePerGas, bump(previous.maxPriorityFeePerGas)),
  };
  if (bumped.maxFeePerGas > ceiling) return { kind: 'too-expensive', needed: bumped.maxFeePerGas };
  return { kind: 'ok', fee: bumped };
}

/**
 * Room for the base fee to double (six full blocks), but no more than half the ceiling where that suffices now:
 * the other half is for replacements, at least five of them, should the tip turn out too small.
 */
function firstOffer(baseFee: bigint, tip: bigint, ceiling: bigint): bigint {
  return min(2n * baseFee + tip, max(baseFee + tip, ceiling / 2n));
}

/** Whether a transaction with this fee can enter a block whose base fee is like the newest one's. */
export function isPayable(fee: GasFee, baseFee: bigint): boolean {
  return fee.maxFeePerGas >= baseFee;
}

/** At least 12.5 % and at least 1 wei more: nodes refuse an equal fee, and 12.5 % of a few wei rounds to nothing. */
export function bump(value: bigint): bigint {
  const raised = (value * BUMP_NUMERATOR + BUMP_DENOMINATOR - 1n) / BUMP_DENOMINATOR;
  return max(raised, value + 1n);
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
