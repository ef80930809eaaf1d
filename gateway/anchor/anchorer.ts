/**
 * The anchor stage: seals checkpoints on a cadence, brings the newest one onto the chain, follows it until it is
 * final. Each look at the chain starts from the chain and the store alone, so a start after a crash is no special
 * case, and no failure leaves anything behind that the next look does not see.
 */

import type { Beacon } from '../../src/statement.ts';
import type { GatewayError } from '../errors.ts';
import type {
  AnchorEvents,
  AnchorRecord,
  AnchorStore,
  Clock,
  DeviceOutlet,
  Logger,
  LogReader,
  Sealer,
} from '../ports.ts';
import { BalanceWatch, type Funds } from './balance.ts';
import { BlockWatch } from './block-watch.ts';
import type { Account, Chain } from './chain.ts';
import { Backoff, isDue, untilDue } from './due.ts';
import { EventProofs } from './event-proofs.ts';
import { readMarket } from './fee-policy.ts';
import { assertFreshNonce } from './nonce.ts';
import { readProgress } from './progress.ts';
import { type ChainView, reconcile, sameTarget } from './reconcile.ts';
import { Reporter } from './reporter.ts';
import type { AnchorMetrics, AnchorStatus } from './status.ts';
import { type SubmitOptions, submitNewest } from './submit.ts';

export interface AnchorerOptions extends SubmitOptions {
  /** From one checkpoint to the next, whether or not there is anything new: activity must not show on the chain. */
  readonly anchorEveryMs: number;
  /** A checkpoint also after so many new entries. Shows activity on the chain; absent by default. */
  readonly anchorEveryEntries?: number;
  /** From one look at the chain to the next. */
  readonly pollEveryMs: number;
  /** Longest wait between two tries on a chain that does not answer; never longer than the cadence. */
  readonly retryAtMostMs: number;
  /** Warn when the balance lasts for fewer days of anchors; 0 never does. */
  readonly lowBalanceDays: number;
}

export interface AnchorerParts {
  /** Closed by the anchorer. */
  readonly chain: Chain;
  readonly store: AnchorStore;
  readonly log: Pick<LogReader, 'size' | 'newestCheckpoint' | 'consistencyProof' | 'onCommit'>;
  readonly sealer: Sealer;
  readonly outlet: Pick<DeviceOutlet, 'publishBeacon'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: AnchorMetrics;
  /** Called once, when anchoring has ended because going on would do harm (a forked log, the wrong chain). */
  readonly onFatal: (error: GatewayError) => void;
}

export class Anchorer implements AnchorEvents {
  readonly #parts: AnchorerParts;
  readonly #options: AnchorerOptions;
  readonly #reporter: Reporter;
  readonly #backoff: Backoff;
  readonly #proofs: EventProofs;
  readonly #listeners = new Set<(record: AnchorRecord) => void>();
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;
  #state: 'idle' | 'started' | 'halted' | 'closed' = 'idle';
  #checked = false;
  #beacon: Beacon | undefined;
  #sealedSize: number | undefined;
  readonly #balanceWatch: BalanceWatch;
  #view: ChainView | undefined;
  #account: Account | undefined;
  #funds: Funds | undefined;

  constructor(parts: AnchorerParts, options: AnchorerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#reporter = new Reporter(parts, new BlockWatch(options.stuckAfterMs));
    this.#proofs = new EventProofs(parts, options.pollEveryMs);
    this.#backoff = new Backoff(options.pollEveryMs, Math.min(options.retryAtMostMs, options.anchorEveryMs));
    this.#balanceWatch = new BalanceWatch(parts, options);
  }

  /** Starts the loop. The chain need not be there yet. */
  start(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'started';
    const limit = this.#options.anchorEveryEntries;
    if (limit !== undefined) {
      this.#parts.logger.warn(
        { anchorEveryEntries: limit },
        'checkpoints follow the number of readings: the moments of anchoring show on the chain when devices are worn',
      );
      // A failing store shows itself in the turn; here there is nothing to do about it.
      this.#stopListening = this.#parts.log.onCommit(
        () => void this.#wakeOnSize(limit).catch(() => undefined),
      );
    }
    this.#schedule(0);
  }

  /**
   * One turn: seal if due, then look at the chain unless it is backing off. What the loop does each time; tests
   * call it instead of the loop. Turns never overlap, and a turn never rejects.
   */
  tick(): Promise<void> {
    this.#running = this.#running.then(() => this.#turn());
    return this.#running;
  }

  /**
   * Calls `listener` after each anchor has become final and is saved as such. A hint: after a crash the event may
   * be missing, the record is not.
   */
  onFinal(listener: (record: AnchorRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async status(): Promise<AnchorStatus> {
    const { chain, store, log } = this.#parts;
    const [progress, gasUsed] = await Promise.all([readProgress(log, store), store.gasUsed()]);
    return {
      target: chain.target,
      sender: chain.sender,
      ...progress,
      ...(this.#view && { newestBlock: this.#view.newest.number, finalBlock: this.#view.final.number }),
      ...(this.#account && { balance: this.#account.balance }),
      ...(this.#funds && Number.isFinite(this.#funds.anchorsLeft) && this.#funds),
      gasUsed,
      ...this.#reporter.state(),
      quorum: chain.quorum,
      nodes: chain.nodes(),
      halted: this.#state === 'halted',
    };
  }

  /** Aborts what the chain owes an answer for, waits for the turn under way. Nothing durable is left half done. */
  async close(): Promise<void> {
    this.#state = 'closed';
    clearTimeout(this.#timer);
    this.#stopListening?.();
    this.#proofs.close();
    this.#parts.chain.close();
    await this.#running;
  }

  async #turn(): Promise<void> {
    await this.#guard('sealing', () => this.#sealIfDue());
    if (this.#backoff.remaining(this.#now()) > 0) return;
    await this.#guard('anchoring', () => this.#followChain());
  }

  /** Runs one part of a turn; a failure is reported and never keeps the other part from its work. */
  async #guard(part: 'sealing' | 'anchoring', work: () => Promise<void>): Promise<void> {
    if (this.#isOver()) return;
    try {
      await work();
      if (part === 'anchoring') this.#backoff.reset();
      this.#reporter.succeeded(part);
    } catch (error) {
      if (this.#state === 'closed') return;
      const failure = this.#reporter.failed(part, error);
      if (part === 'anchoring') {
        this.#backoff.fail(this.#now());
        this.#checked = false;
      }
      if (failure.fatal) this.#halt(failure);
    }
  }

  async #sealIfDue(): Promise<void> {
    const newest = await this.#parts.log.newestCheckpoint();
    this.#sealedSize = newest?.size;
    if (newest !== undefined && !isDue(newest.sealedAt, this.#options.anchorEveryMs, this.#now())) {
      const limit = this.#options.anchorEveryEntries ?? Number.POSITIVE_INFINITY;
      if ((await this.#parts.log.size()) - newest.size < limit) return;
    }
    this.#beacon ??= await this.#lastFinalBeacon();
    const { size } = await this.#parts.sealer.seal(this.#beacon);
    this.#sealedSize = size;
    this.#checked = false;
    this.#parts.logger.debug({ size }, 'sealed checkpoint');
  }

  /** After a start the chain may not have been seen yet, but an earlier run knew a final block of it. */
  async #lastFinalBeacon(): Promise<Beacon | undefined> {
    const final = await this.#parts.store.newest('final');
    if (final?.anchor === undefined || !sameTarget(final.target, this.#parts.chain.target)) return undefined;
    return { blockNumber: final.anchor.blockNumber, blockHash: final.anchor.blockHash };
  }

  async #followChain(): Promise<void> {
    const { chain, store } = this.#parts;
    // For every checkpoint, and after every failure: what answers now may be another node.
    if (!this.#checked) await chain.check();
    this.#checked = true;
    const [newest, final] = await Promise.all([chain.newestBlock(), chain.finalBlock()]);
    const view: ChainView = { newest, final };
    this.#view = view;
    const changes = await reconcile(chain, store, view, this.#now());
    for (const change of changes) this.#reporter.changed(change);
    // Before others hear that an anchor is final, so that what they make of it has the proof.
    await this.#proofs.fetchNext();
    for (const { after } of changes) if (after.state === 'final') this.#tellFinal(after);
    this.#publishBeacon(view);
    const account = await chain.account();
    await assertFreshNonce(chain, store, view, account);
    this.#account = account;
    const market = await readMarket(chain, this.#options.transactions, newest);
    this.#funds = await this.#balanceWatch.look(account.balance, market);
    this.#reporter.looked(view, account, this.#funds);
    const outcome = await submitNewest(this.#parts, this.#options, { view, account, market });
    this.#reporter.submitted(outcome);
  }

  #tellFinal(record: AnchorRecord): void {
    for (const listener of this.#listeners) listener(record);
  }

  /** Never an older block after a newer one: the beacon says that time has passed. */
  #publishBeacon({ final }: ChainView): void {
    if (this.#beacon !== undefined && final.number <= this.#beacon.blockNumber) return;
    this.#beacon = { blockNumber: final.number, blockHash: final.hash };
    this.#parts.outlet.publishBeacon(this.#beacon, final.time);
  }

  #halt(error: GatewayError): void {
    this.#state = 'halted';
    this.#stopListening?.();
    this.#parts.onFatal(error);
  }

  #schedule(delayMs: number): void {
    if (this.#state !== 'started') return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => void this.tick().then(async () => this.#schedule(await this.#untilNext())),
      delayMs,
    );
  }

  async #untilNext(): Promise<number> {
    const now = this.#now();
    const untilLook = Math.max(this.#options.pollEveryMs, this.#backoff.remaining(now));
    const sealedAt = (await this.#parts.log.newestCheckpoint().catch(() => undefined))?.sealedAt;
    const untilSeal =
      sealedAt === undefined ? untilLook : untilDue(sealedAt, this.#options.anchorEveryMs, now);
    // A seal that is due but failed is tried again with the next look, not in a tight loop.
    return untilSeal === 0 ? untilLook : Math.min(untilLook, untilSeal);
  }

  /** Brings the next turn forward when enough entries have come since the last checkpoint. */
  async #wakeOnSize(limit: number): Promise<void> {
    const size = await this.#parts.log.size();
    if (this.#sealedSize !== undefined && size - this.#sealedSize >= limit) this.#schedule(0);
  }

  #isOver(): boolean {
    return this.#state === 'halted' || this.#state === 'closed';
  }

  #now(): number {
    return this.#parts.clock.now();
  }
}
