/** Delivers to every provider: a reader of the log with durable cursors, one independent worker per provider. */
import type { GatewayError } from '../errors.ts';
import type { Batch, BatchKind, DeadLetter, Provider } from '../ports.ts';
import type { DeliveryContext } from './context.ts';
import { ProviderWorker } from './worker.ts';
import { WorkerLoop } from './worker-loop.ts';

export interface DelivererOptions extends DeliveryContext {
  readonly providers: readonly Provider[];
  /** `AnchorEvents`; only that there is a new final anchor matters, not which. */
  readonly anchorEvents: { onFinal(listener: () => void): () => void };
  /** Told of a failure after which the process must restart. The worker it happened to has stopped. */
  readonly onFatal?: (error: GatewayError) => void;
}

/** One kind of delivery to one provider. */
export interface StreamStatus {
  /** The next index to deliver. */
  readonly cursor: number;
  readonly open: readonly Batch[];
}

export interface ProviderStatus {
  readonly provider: string;
  readonly statements: StreamStatus;
  readonly receipts: StreamStatus;
  /** Age of the oldest entry not delivered yet, in milliseconds; 0 when the provider has everything. */
  readonly lagMs: number;
  readonly lastError?: string;
  readonly deadLetters: number;
}

/** The deliver stage. `start` and `close` for the service; `deliverDue` runs it by hand. */
export class Deliverer {
  readonly #options: DelivererOptions;
  readonly #loops: readonly WorkerLoop[];
  readonly #unsubscribe: (() => void)[] = [];

  constructor(options: DelivererOptions) {
    this.#options = options;
    this.#loops = options.providers.map(
      (provider) => new WorkerLoop(new ProviderWorker(provider, options), options),
    );
  }

  /** Goes on from the cursors, then whenever entries are committed, an anchor becomes final or a retry is due. */
  start(): void {
    const wake = () => this.#wake();
    this.#unsubscribe.push(this.#options.log.onCommit(wake), this.#options.anchorEvents.onFinal(wake));
    for (const loop of this.#loops) loop.start();
  }

  /** Stops at once; attempts under way are aborted and repeated under the same id after the next start. */
  async close(): Promise<void> {
    for (const stop of this.#unsubscribe.splice(0)) stop();
    await Promise.all(this.#loops.map((loop) => loop.close()));
  }

  /** Sends everything that is due now, all providers side by side. Not to be mixed with `start`. */
  async deliverDue(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.worker.deliverDue()));
  }

  async status(): Promise<ProviderStatus[]> {
    return Promise.all(this.#options.providers.map(({ id }) => this.#statusOf(id)));
  }

  /** Oldest first. */
  deadLetters(provider?: string): Promise<DeadLetter[]> {
    return this.#options.store.deadLetters(provider);
  }

  /** Sends a dead letter again, under its old id, as soon as possible. False when there is none of that id. */
  async retry(id: string): Promise<boolean> {
    const found = await this.#options.store.retry(id);
    if (found) for (const loop of this.#loops) loop.hurry();
    return found;
  }

  async #statusOf(provider: string): Promise<ProviderStatus> {
    const { log, store, clock } = this.#options;
    const stream = async (kind: BatchKind): Promise<StreamStatus> => ({
      cursor: await store.cursor(provider, kind),
      open: await store.open(provider, kind),
    });
    const [statements, receipts] = [await stream('statements'), await stream('receipts')];
    const [oldest] = await log.readForProvider(provider, statements.cursor, 1);
    const lastError = [...statements.open, ...receipts.open].find(
      (batch) => batch.lastError !== undefined,
    )?.lastError;
    return {
      provider,
      statements,
      receipts,
      lagMs: oldest === undefined ? 0 : Math.max(0, clock.now() - oldest.receivedAt),
      ...(lastError === undefined ? {} : { lastError }),
      deadLetters: (await store.deadLetters(provider)).length,
    };
  }

  #wake(): void {
    for (const loop of this.#loops) loop.wake();
  }
}
