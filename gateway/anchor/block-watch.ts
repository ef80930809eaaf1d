/** Whether the chain makes blocks: a chain that stands still answers every question and anchors nothing. */
import { equalBytes } from '../../src/bytes.ts';
import type { AnchorRecord } from '../ports.ts';
import type { Block } from './chain.ts';
import type { ChainView } from './reconcile.ts';
import type { AnchorStatus } from './status.ts';

/** Never said of less, however fast the chain is: nodes pause for seconds. */
const STILL_AT_LEAST_MS = 60_000;
/** So many blocks should have come. */
const STILL_AFTER_BLOCKS = 10;

export class BlockWatch {
  readonly #patienceMs: number;
  #newest: Block | undefined;
  #seenAt = 0;
  #intervalMs = Number.POSITIVE_INFINITY;
  #lookedAt = 0;

  /** @param patienceMs after so long without a block even a chain of slow or irregular blocks stands still. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** @param now ms. */
  look({ newest, final }: ChainView, now: number): void {
    const blocks = Number(newest.number - final.number);
    if (blocks > 0) this.#intervalMs = ((newest.time - final.time) * 1000) / blocks;
    if (this.#newest === undefined) this.#seenAt = Math.min(now, newest.time * 1000);
    else if (!equalBytes(this.#newest.hash, newest.hash)) this.#seenAt = now;
    this.#newest = newest;
    this.#lookedAt = now;
  }

  /**
   * Since when (ms) a pending transaction has had no block to go into, when that is long for this chain. Without one
   * nothing is said: there are chains that make blocks only for transactions.
   */
  stillSince(pending: Pick<AnchorRecord, 'submittedAt'>, now: number): number | undefined {
    const since = Math.max(pending.submittedAt, this.#seenAt);
    const expected = Math.min(STILL_AFTER_BLOCKS * this.#intervalMs, this.#patienceMs);
    return now - since >= Math.max(STILL_AT_LEAST_MS, expected) ? since : undefined;
  }

  state(): Pick<AnchorStatus, 'lookedAt' | 'newestBlockTime' | 'newestBlockSeenAt'> {
    if (this.#newest === undefined) return {};
    return {
      lookedAt: this.#lookedAt,
      newestBlockTime: this.#newest.time * 1000,
      newestBlockSeenAt: this.#seenAt,
    };
  }
}
