/** How long the account that pays for anchors will last, said before it runs dry. */
import { bytesToHex } from '../../src/bytes.ts';
import type { AnchorRecord, AnchorStore, Clock, Logger } from '../ports.ts';
import { ClockedBackOff } from './due.ts';
import { type FeeMarket, min, priceOf } from './fees.ts';

/** So many of the last anchors count. */
const RECENT = 20;
/** Until there is one: the worst case of a log of ten million leaves (contracts/gas-snapshot.json), rounded up. */
const TYPICAL_GAS = 85_000n;
const DAY_MS = 86_400_000;
const WEI_PER_ETHER = 1e18;
/** The warning comes again after so long, then after twice as long, up to a day. */
const WARN_AGAIN_MS = 3_600_000;

export interface Funds {
  /** Anchors that the balance pays for at what they cost now. Infinity where gas is free. */
  readonly anchorsLeft: number;
  /** What one costs now, wei: its gas, and its data where the chain charges for that as well. */
  readonly anchorCost: bigint;
  /** Days that they last at the present cadence. */
  readonly daysLeft: number;
}

export interface BalanceParts {
  readonly chain: { readonly sender: Uint8Array };
  readonly store: Pick<AnchorStore, 'list'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface BalanceOptions {
  readonly anchorEveryMs: number;
  readonly feeCeiling: bigint;
  /** Warn below so many days; 0 never does. */
  readonly lowBalanceDays: number;
}

/**
 * @param price Wei for each unit of gas.
 * @param dataFee Wei for each anchor beside its gas.
 * @param recent Attempts, newest first.
 * @param anchorEveryMs The configured cadence; where anchors came faster of late, theirs counts.
 */
export function estimateFunds(
  balance: bigint,
  price: bigint,
  dataFee: bigint,
  recent: readonly AnchorRecord[],
  anchorEveryMs: number,
): Funds {
  const anchorCost = price * (medianGas(recent) ?? TYPICAL_GAS) + dataFee;
  if (anchorCost === 0n)
    return { anchorsLeft: Number.POSITIVE_INFINITY, anchorCost, daysLeft: Number.POSITIVE_INFINITY };
  const anchorsLeft = Number(balance / anchorCost);
  return { anchorsLeft, anchorCost, daysLeft: (anchorsLeft * cadence(recent, anchorEveryMs)) / DAY_MS };
}

function medianGas(recent: readonly AnchorRecord[]): bigint | undefined {
  const used = recent.flatMap(({ gasUsed }) => (gasUsed === undefined ? [] : [gasUsed]));
  return used.sort((a, b) => Number(a - b))[Math.floor(used.length / 2)];
}

/** Mean time between anchors that got into a block, never above the configured one: an outage is no saving. */
function cadence(recent: readonly AnchorRecord[], configuredMs: number): number {
  const times = recent.flatMap(({ gasUsed, submittedAt }) => (gasUsed === undefined ? [] : [submittedAt]));
  const [newest = 0, oldest = 0] = [times[0], times.at(-1)];
  const meanMs = (newest - oldest) / (times.length - 1);
  return meanMs > 0 ? Math.min(meanMs, configuredMs) : configuredMs;
}

/** Looks at the balance with every look at the chain; warns at growing distance, and says when it is funded again. */
export class BalanceWatch {
  readonly #parts: BalanceParts;
  readonly #options: BalanceOptions;
  readonly #pause = new ClockedBackOff(WARN_AGAIN_MS, DAY_MS);
  /** Of the last warning; `undefined` while none stands. */
  #warnedAt: bigint | undefined;

  constructor(parts: BalanceParts, options: BalanceOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async look(balance: bigint, market: FeeMarket, dataFee: bigint): Promise<Funds> {
    const { anchorEveryMs, feeCeiling } = this.#options;
    // Never more than the ceiling is paid; while the market is above it, anchors wait.
    const price = min(priceOf(market), feeCeiling);
    const funds = estimateFunds(balance, price, dataFee, await this.#parts.store.list(RECENT), anchorEveryMs);
    this.#tell(balance, funds);
    return funds;
  }

  #tell(balance: bigint, { anchorsLeft, daysLeft }: Funds): void {
    const { chain, clock, logger } = this.#parts;
    const fields = {
      account: `0x${bytesToHex(chain.sender)}`,
      ether: Number(balance) / WEI_PER_ETHER,
      anchorsLeft,
      daysLeft: Math.floor(daysLeft * 10) / 10,
    };
    if (daysLeft < this.#options.lowBalanceDays) {
      if (this.#pause.remaining(clock.now()) > 0) return;
      this.#pause.fail(clock.now());
      this.#warnedAt = balance;
      logger.warn(fields, 'the account that pays for anchors will soon be empty: fund it');
      return;
    }
    // Only more money ends the warning: a price that goes up and down must not have it come and go.
    if (this.#warnedAt === undefined || balance <= this.#warnedAt) return;
    this.#warnedAt = undefined;
    this.#pause.reset();
    logger.info(fields, 'the account that pays for anchors is funded again');
  }
}
