/**
 * The anchor stage: seals checkpoints on a cadence, brings the newest one onto the chain, follows it until it is
 * final. Each look at the chain starts from the chain and the store alone, so a start after a crash is no special
 * case, and no failure leaves anything behind that the next look does not see. Sealing and looking are two loops: a
 * look takes as long as the nodes please.
 */
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
import type { Account, Chain } from './chain.ts';
import { nextDataFee } from './data-fee.ts';
import { ClockedBackOff } from './due.ts';
import { EventProofs } from './event-proofs.ts';
import { readMarket } from './fee-policy.ts';
import { Loop } from './loop.ts';
import { NewestBeacon } from './newest-beacon.ts';
import { assertFreshNonce } from './nonce.ts';
import { type ChainView, reconcile } from './reconcile.ts';
import { Reporter, type TurnPart } from './reporter.ts';
import { Sealing, type SealingOptions } from './sealing.ts';
import type { AnchorMetrics, AnchorStatus } from './status.ts';
import { type SubmitOptions, submitNewest } from './submit.ts';

export interface AnchorerOptions extends SubmitOptions, SealingOptions {
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
  readonly #backoff: ClockedBackOff;
  readonly #beacon: NewestBeacon;
  readonly #sealing: Sealing;
  readonly #proofs: EventProofs;
  readonly #balanceWatch: BalanceWatch;
  readonly #seals: Loop;
  readonly #looks: Loop;
  readonly #listeners = new Set<(record: AnchorRecord) => void>();
  #stopListening: (() => void) | undefined;
  #state: 'idle' | 'started' | 'halted' | 'closed' = 'idle';
  #checked = false;
  #published: bigint | undefined;
  #view: ChainView | undefined;
  #account: Account | undefined;
  #funds: Funds | undefined;

  constructor(parts: AnchorerParts, options: AnchorerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#reporter = new Reporter(parts.logger, parts.clock, parts.metrics);
    this.#beacon = new NewestBeacon(parts.store, parts.chain.target);
    this.#sealing = new Sealing(parts, options, this.#beacon);
    this.#proofs = new EventProofs(parts, options.pollEveryMs);
    this.#backoff = new ClockedBackOff(
      options.pollEveryMs,
      Math.min(options.retryAtMostMs, options.anchorEveryMs),
    );
    this.#balanceWatch = new BalanceWatch(parts, options);
    this.#seals = new Loop(
      () => this.#guard('sealing', () => this.#seal()),
      () => this.#untilSeal(),
    );
    this.#looks = new Loop(
      () => this.#look(),
      async () => Math.max(options.pollEveryMs, this.#backoff.remaining(this.#now())),
    );
  }

  /** Starts both loops. The chain need not be there yet. */
  start(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'started';
    const limit = this.#options.anchorEveryEntries;
    if (limit !== undefined) {
      this.#parts.logger.warn(
        { anchorEveryEntries: limit },
        'checkpoints follow the number of readings: the moments of anchoring show on the chain when devices are worn',
      );
      // A failing store shows itself when sealing; here there is nothing to do about it.
      this.#stopListening = this.#parts.log.onCommit(() => void this.#wakeOnSize().catch(() => undefined));
    }
    this.#seals.start();
    this.#looks.start();
  }

  /**
   * One turn of each loop: seal if due, then look at the chain unless it is backing off. Tests call it instead of
   * starting the loops. It never rejects.
   */
  async tick(): Promise<void> {
    await this.#seals.run();
    await this.#looks.run();
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
    const [checkpoint, submitted, anchored, final, gasUsed] = await Promise.all([
      log.newestCheckpoint(),
      store.newest('submitted'),
      store.newest('anchored'),
      store.newest('final'),
      store.gasUsed(),
    ]);
    return {
      target: chain.target,
      sender: chain.sender,
      recorded: checkpoint?.size ?? 0,
      ...(submitted && { submitted: submitted.size }),
      ...(anchored && { anchored: anchored.size }),
      final: final?.size ?? 0,
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

  /** Aborts what the chain owes an answer for, waits for the turns under way. Nothing durable is left half done. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#stopListening?.();
    this.#proofs.close();
    this.#parts.chain.close();
    await Promise.all([this.#seals.close(), this.#looks.close()]);
  }

  async #look(): Promise<void> {
    if (this.#backoff.remaining(this.#now()) > 0) return;
    await this.#guard('anchoring', () => this.#followChain());
  }

  /** One turn of one loop; a failure is reported and never keeps the other from its work. */
  async #guard(part: TurnPart, work: () => Promise<void>): Promise<void> {
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

  async #seal(): Promise<void> {
    const checkpoint = await this.#sealing.sealIfDue();
    if (checkpoint === undefined) return;
    this.#checked = false;
    this.#parts.logger.debug({ size: checkpoint.size }, 'sealed checkpoint');
    this.#looks.wake();
  }

  async #followChain(): Promise<void> {
    const { chain, store } = this.#parts;
    // For every checkpoint, and after every failure: what answers now may be another node.
    if (!this.#checked) {
      this.#checked = true;
      await chain.check();
    }
    const [newest, called] = await Promise.all([chain.newestBlock(), chain.finalBlock()]);
    // None is final before it is there. (Where all are final at once, one may have come between the two questions.)
    const final = called.number > newest.number ? newest : called;
    const view: ChainView = { newest, final };
    this.#view = view;
    const changes = await reconcile(chain, store, view);
    for (const change of changes) this.#reporter.changed(change);
    // Before others hear that an anchor is final, so that what they make of it has the proof.
    await this.#proofs.fetchNext();
    for (const { after } of changes) if (after.state === 'final') this.#tellFinal(after);
    await this.#publishBeacon(view);
    const account = await chain.account();
    await assertFreshNonce(chain, store, view, account);
    this.#account = account;
    const { transactions, feeCeiling } = this.#options;
    const [market, dataFee] = await Promise.all([
      readMarket(chain, transactions, newest),
      nextDataFee(chain, feeCeiling, this.#sealing.sealedSize),
    ]);
    this.#funds = await this.#balanceWatch.look(account.balance, market, dataFee);
    this.#reporter.looked(view, account, this.#funds);
    const outcome = await submitNewest(this.#parts, this.#options, { view, account, market, dataFee });
    this.#reporter.submitted(outcome);
  }

  #tellFinal(record: AnchorRecord): void {
    for (const listener of this.#listeners) listener(record);
  }

  /** Each once, and never an older one after a newer one. */
  async #publishBeacon({ final }: ChainView): Promise<void> {
    const beacon = await this.#beacon.raiseTo(final);
    if (beacon.blockNumber !== final.number || beacon.blockNumber === this.#published) return;
    this.#published = beacon.blockNumber;
    this.#parts.outlet.publishBeacon(beacon, final.time);
  }

  #halt(error: GatewayError): void {
    this.#state = 'halted';
    this.#stopListening?.();
    void this.#seals.close();
    void this.#looks.close();
    this.#parts.onFatal(error);
  }

  /** Looked at as often as the chain, because the clock may jump. A seal that failed is tried again then, not in a tight loop. */
  async #untilSeal(): Promise<number> {
    const { pollEveryMs } = this.#options;
    const untilSeal = (await this.#sealing.untilNext()) || pollEveryMs;
    return Math.min(untilSeal, pollEveryMs);
  }

  /** Brings the next checkpoint forward when enough entries have come since the last one. */
  async #wakeOnSize(): Promise<void> {
    if (await this.#sealing.isFull()) this.#seals.wake();
  }

  #isOver(): boolean {
    return this.#state === 'halted' || this.#state === 'closed';
  }

  #now(): number {
    return this.#parts.clock.now();
  }
}
