/** What to offer for gas under a ceiling, and how far a replacement must go beyond what it replaces. Pure. */
import type { GasFee } from '../ports.ts';
import type { GasOffer } from './chain.ts';

/**
 * What a node asks before it replaces a pending transaction, all covered by an eighth more of three things:
 * geth and Erigon 10 % of the fee and 10 % of the tip; Besu and Nethermind 10 % of the price that would be paid at the
 * present base fee; the older Parity family 12.5 %.
 */
const BUMP_NUMERATOR = 1125n;
const BUMP_DENOMINATOR = 1000n;

/** What gas costs now. All in wei for each unit of gas. */
export type FeeMarket =
  /** `baseFee` of the newest block, and what the node advises to add. */
  | { readonly type: 'eip1559'; readonly baseFee: bigint; readonly suggestedTip: bigint }
  /** What the node advises; on a chain with base fees never less than the newest one. */
  | { readonly type: 'legacy'; readonly gasPrice: bigint };

export type FeeChoice =
  | { readonly kind: 'ok'; readonly offer: GasOffer }
  /** What would have to be allowed for the transaction to have a chance now, wei for each unit of gas. */
  | { readonly kind: 'too-expensive'; readonly needed: bigint };

/** Wei for each unit of gas that a transaction into the next block is likely to pay. */
export function priceOf(market: FeeMarket): bigint {
  return market.type === 'legacy' ? market.gasPrice : market.baseFee + market.suggestedTip;
}

/**
 * The offer of a new transaction, or of one that replaces `previous`.
 *
 * Advice gives way to the ceiling where that can be: the tip always, a gas price only to a ceiling of 0, which says
 * that gas is free. Never above `ceiling`: it is better to wait, because the checkpoint that is anchored later covers
 * this one.
 */
export function chooseFee(market: FeeMarket, ceiling: bigint, previous?: GasFee): FeeChoice {
  const needed = ceiling === 0n && market.type === 'legacy' ? 0n : floorOf(market);
  if (needed > ceiling) return { kind: 'too-expensive', needed };
  const fresh = freshFee(market, ceiling);
  const fee = previous === undefined ? fresh : raise(previous, fresh, market);
  if (fee.maxFeePerGas > ceiling) return { kind: 'too-expensive', needed: fee.maxFeePerGas };
  return { kind: 'ok', offer: { type: market.type, ...fee } };
}

/** Below this nothing gets into a block, or is not likely to. */
function floorOf(market: FeeMarket): bigint {
  return market.type === 'legacy' ? market.gasPrice : market.baseFee;
}

function freshFee(market: FeeMarket, ceiling: bigint): GasFee {
  // All of a gas price is paid, so there is no room in it.
  if (market.type === 'legacy') return flat(min(market.gasPrice, ceiling));
  const { baseFee, suggestedTip } = market;
  const tip = min(suggestedTip, ceiling - baseFee);
  return { maxFeePerGas: firstOffer(baseFee, tip, ceiling), maxPriorityFeePerGas: tip };
}

/** Nodes take a gas price as a fee and a tip of that height. */
function flat(gasPrice: bigint): GasFee {
  return { maxFeePerGas: gasPrice, maxPriorityFeePerGas: gasPrice };
}

/** What `fresh` offers, and at least what every node takes for a replacement of `previous`. */
function raise(previous: GasFee, fresh: GasFee, market: FeeMarket): GasFee {
  const maxFee = max(fresh.maxFeePerGas, bump(previous.maxFeePerGas));
  if (market.type === 'legacy') return flat(maxFee);
  const { baseFee } = market;
  const paid = min(previous.maxFeePerGas, baseFee + previous.maxPriorityFeePerGas);
  const tip = max(max(fresh.maxPriorityFeePerGas, bump(previous.maxPriorityFeePerGas)), bump(paid) - baseFee);
  return { maxFeePerGas: max(maxFee, baseFee + tip), maxPriorityFeePerGas: tip };
}

/**
 * Room for the base fee to double (six full blocks), but no more than half the ceiling where that suffices now:
 * the other half is for replacements, at least five of them, should the tip turn out too small.
 */
function firstOffer(baseFee: bigint, tip: bigint, ceiling: bigint): bigint {
  return min(2n * baseFee + tip, max(baseFee + tip, ceiling / 2n));
}

/** Whether a transaction with this fee can enter a block whose base fee is like the newest one's. */
export function isPayable(fee: GasFee, market: FeeMarket): boolean {
  return market.type === 'legacy' || fee.maxFeePerGas >= market.baseFee;
}

/** At least 12.5 % and at least 1 wei more: nodes refuse an equal fee, and 12.5 % of a few wei rounds to nothing. */
export function bump(value: bigint): bigint {
  const raised = (value * BUMP_NUMERATOR + BUMP_DENOMINATOR - 1n) / BUMP_DENOMINATOR;
  return max(raised, value + 1n);
}

export function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
