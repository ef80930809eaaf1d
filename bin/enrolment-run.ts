/**
 * Has a file of enrolments carried out, all of it or nothing: by the gateway that is running, or, when none is, here and now by the
 * same code. Whatever ends this process, the store knows whether the file was decided.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayConfig } from '../gateway/config-schema.ts';
import type { GatewayStore } from '../gateway/open-store.ts';
import type { BatchStatus, EnrolmentItem, LineRefusal } from '../gateway/store/enrolment-store.ts';
import { takeWriterLock, type WriterLock } from '../gateway/store/writer-lock.ts';
import { openAndUse } from './store-access.ts';

/** Enrolments recorded in one transaction: some 3 ms in which a running gateway cannot commit. */
const ITEMS_A_TRANSACTION = 250;
const LOOK_EVERY_MS = 50;
/** When nothing moved for so long, the gateway may have ended: whoever gets its lock then goes on. */
const TAKE_OVER_AFTER_MS = 10_000;
/** When a running gateway has not begun for so long, something is wrong with it. */
const GIVE_UP_AFTER_MS = 60_000;
const REFUSALS_SHOWN = 1_000;
const NOT_CARRIED_OUT = 'the running gateway does not carry it out; what does its log say?';

export interface RunListener {
  /** How many are recorded, or enrolled. */
  onProgress(what: 'recorded' | 'enrolled', done: number, total: number): void;
  /** The user wanted to stop, but the file is decided. */
  onTooLate(): void;
}

export type RunOutcome =
  | { readonly kind: 'done'; readonly refusals: readonly LineRefusal[] }
  | { readonly kind: 'refused'; readonly refusals: readonly LineRefusal[] }
  | { readonly kind: 'cancelled' };

/** The store of a gateway for as long as a file is checked and carried out. */
export class EnrolmentRun {
  readonly store: GatewayStore;
  readonly #config: GatewayConfig;
  readonly #stopped: AbortSignal;
  readonly #listener: RunListener;
  #lock: WriterLock | undefined;
  #isStopHeard = false;

  private constructor(
    store: GatewayStore,
    config: GatewayConfig,
    lock: WriterLock | undefined,
    stopped: AbortSignal,
    listener: RunListener,
  ) {
    this.store = store;
    this.#config = config;
    this.#lock = lock;
    this.#stopped = stopped;
    this.#listener = listener;
  }

  /** Opens the store for `use`. A file that an earlier run left half done is finished first, when no gateway is there to do it. */
  static async open<T>(
    config: GatewayConfig,
    stopped: AbortSignal,
    listener: RunListener,
    use: (run: EnrolmentRun) => Promise<T>,
  ): Promise<T> {
    const lock = takeWriterLock(config.dataDir);
    let run: EnrolmentRun | undefined;
    try {
      return await openAndUse(config, async (store) => {
        run = new EnrolmentRun(store, config, lock, stopped, listener);
        if (lock !== undefined) await store.log.deviceEvents.batches.process();
        return use(run);
      });
    } finally {
      (run === undefined ? lock : run.#lock)?.release();
    }
  }

  /** Carries out checked enrolments. `items` in the order of their lines. */
  async carryOut(items: readonly EnrolmentItem[]): Promise<RunOutcome> {
    const { enrolments } = this.store.log.registry;
    const batch = enrolments.begin(items.length, Date.now());
    try {
      for (let at = 0; at < items.length; at += ITEMS_A_TRANSACTION) {
        if (this.#stopped.aborted) break;
        enrolments.add(batch, items.slice(at, at + ITEMS_A_TRANSACTION), Date.now());
        this.#listener.onProgress('recorded', Math.min(at + ITEMS_A_TRANSACTION, items.length), items.length);
        await delay(0); // a running gateway gets its turn at the database, and we hear of Ctrl-C
      }
      if (!this.#stopped.aborted) enrolments.submit(batch, Date.now());
      return await this.#wait(batch);
    } catch (error) {
      enrolments.cancel(batch, Date.now());
      throw error;
    }
  }

  async #wait(batch: number): Promise<RunOutcome> {
    const { enrolments } = this.store.log.registry;
    let work = this.#lock === undefined ? undefined : inBackground(() => carryOutIn(this.store));
    const standstill = new Standstill();
    for (;;) {
      const status = enrolments.status(batch) as BatchStatus;
      const outcome = this.#outcomeOf(status);
      if (outcome !== undefined) {
        await work?.ended;
        return outcome;
      }
      this.#hearStop(batch);
      if (status.state === 'decided') this.#listener.onProgress('enrolled', status.logged, status.size);
      const stillMs = standstill.lasts(`${status.state} ${status.logged}`);
      if (work?.failure() !== undefined) throw this.#explain(status, work.failure());
      if (work === undefined && stillMs > GIVE_UP_AFTER_MS) throw this.#explain(status, NOT_CARRIED_OUT);
      if (work === undefined && stillMs > TAKE_OVER_AFTER_MS) {
        this.#lock = takeWriterLock(this.#config.dataDir);
        // Opened anew: what our store holds in memory is from before the gateway's last commits.
        if (this.#lock !== undefined) work = inBackground(() => openAndUse(this.#config, carryOutIn));
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  /** Ctrl-C takes back what is not decided; what is, goes on. */
  #hearStop(batch: number): void {
    if (!this.#stopped.aborted || this.#isStopHeard) return;
    this.#isStopHeard = true;
    if (!this.store.log.registry.enrolments.cancel(batch, Date.now())) this.#listener.onTooLate();
  }

  #outcomeOf({ id, state }: BatchStatus): RunOutcome | undefined {
    const { enrolments } = this.store.log.registry;
    if (state === 'cancelled') return { kind: 'cancelled' };
    if (state !== 'done' && state !== 'refused') return undefined;
    return { kind: state, refusals: enrolments.refusals(id, REFUSALS_SHOWN) };
  }

  #explain({ id, state, logged, size }: BatchStatus, cause: unknown): Error {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const isDecided = state === 'decided' || !this.store.log.registry.enrolments.cancel(id, Date.now());
    return new Error(
      isDecided
        ? `${reason}; ${logged} of ${size} devices are recorded: vitalseal serve, or this command again, enrols them all`
        : `${reason}; nothing was enrolled`,
      { cause },
    );
  }
}

/** How long nothing has changed. */
class Standstill {
  #state = '';
  #since = performance.now();

  lasts(state: string): number {
    if (state !== this.#state) [this.#state, this.#since] = [state, performance.now()];
    return performance.now() - this.#since;
  }
}

function carryOutIn({ log }: GatewayStore): Promise<void> {
  return log.deviceEvents.batches.process();
}

interface BackgroundWork {
  /** Resolves in either case. */
  readonly ended: Promise<void>;
  failure(): unknown;
}

function inBackground(work: () => Promise<void>): BackgroundWork {
  let failure: unknown;
  const ended = work().catch((error: unknown) => {
    failure = error;
  });
  return { ended, failure: () => failure };
}
