/** What may be paid when: a ceiling for always, and a price that is waited for, until a deadline. */
import type { AnchorStore } from '../ports.ts';
import type { Block, Chain } from './chain.ts';
import { isDue } from './due.ts';
import { chooseFee, type FeeChoice, type FeeMarket, max, min, priceOf } from './fees.ts';

/** `auto`: EIP-1559 where blocks have a base fee, a gas price (legacy, type 0) where they have none. */
export type TransactionRule = 'auto' | 'eip1559' | 'legacy';

export interface FeePolicy {
  readonly transactions: TransactionRule;
  /** Most wei for each unit of gas, tip included. 0 on a chain where gas is free. */
  readonly feeCeiling: bigint;
  /** While gas costs more than `price`, anchors wait, but never longer than `waitMs` from one to the next. */
  readonly preferred?: PreferredPrice;
}

export interface PreferredPrice {
  /** Wei for each unit of gas, tip included. */
  readonly price: bigint;
  readonly waitMs: number;
}

/** Asks what gas costs after `newest`, in the way the transaction will be priced. */
export async function readMarket(
  chain: Pick<Chain, 'suggestedTip' | 'gasPrice'>,
  rule: TransactionRule,
  newest: Block,
): Promise<FeeMarket> {
  const baseFee = newest.baseFee ?? 0n;
  const legacy = rule === 'legacy' || (rule === 'auto' && newest.baseFee === undefined);
  if (legacy) return { type: 'legacy', gasPrice: max(await chain.gasPrice(), baseFee) };
  return { type: 'eip1559', baseFee, suggestedTip: await chain.suggestedTip() };
}

/** What is to be paid at one moment. */
export class FeeLimit {
  readonly #market: FeeMarket;
  readonly #ceiling: bigint;
  readonly #preferred: bigint | undefined;
  /** Until when the preferred price is waited for (ms); `undefined` when it is not, or no longer. */
  readonly waitsUntil: number | undefined;

  constructor(market: FeeMarket, policy: FeePolicy, anchoredAt: number | undefined, now: number) {
    this.#market = market;
    this.#ceiling = policy.feeCeiling;
    const { preferred } = policy;
    // Nothing anchored yet: the first one shows that everything is set up, and is not put off.
    const waits =
      preferred !== undefined && anchoredAt !== undefined && !isDue(anchoredAt, preferred.waitMs, now);
    this.#preferred = waits ? preferred.price : undefined;
    this.waitsUntil = waits ? anchoredAt + preferred.waitMs : undefined;
  }

  choose(previous?: Parameters<typeof chooseFee>[2]): FeeChoice {
    const price = priceOf(this.#market);
    if (this.#preferred === undefined) return chooseFee(this.#market, this.#ceiling, previous);
    if (price > this.#preferred) return { kind: 'too-expensive', needed: price };
    return chooseFee(this.#market, min(this.#preferred, this.#ceiling), previous);
  }
}

/** When the newest attempt that got into a block was signed: from then on the wait for cheaper gas counts. */
export async function lastAnchoredAt(store: Pick<AnchorStore, 'newest'>): Promise<number | undefined> {
  const [anchored, final] = await Promise.all([store.newest('anchored'), store.newest('final')]);
  return (anchored ?? final)?.submittedAt;
}
