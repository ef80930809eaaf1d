/** What turns a worker into a running part: it sleeps until it is woken or a retry is due. */
import { setTimeout as pause } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { DeliveryContext } from './context.ts';
import type { ProviderWorker } from './worker.ts';

/** What a loop needs of its surroundings. */
export interface LoopOptions extends Pick<DeliveryContext, 'clock' | 'logger' | 'settings'> {
  readonly onFatal?: (error: GatewayError) => void;
}

/** The longest delay a timer takes; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Keeps one worker going: sleeps until it is woken or a retry is due. */
export class WorkerLoop {
  readonly worker: ProviderWorker;
  readonly #options: LoopOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #woken = false;
  #resume: () => void = () => {};
  #failures = 0;

  constructor(worker: ProviderWorker, options: LoopOptions) {
    this.worker = worker;
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Called on every commit: sets a flag and nothing more. */
  wake(): void {
    this.#woken = true;
    this.#resume();
  }

  hurry(): void {
    this.worker.hurry();
    this.wake();
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.worker.stop();
    this.#resume();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#woken = false;
      const next = await this.#deliverDue();
      if (next === 'stop') return;
      await this.#sleep(next);
    }
  }

  async #deliverDue(): Promise<number | undefined | 'stop'> {
    const { logger, clock, settings, onFatal } = this.#options;
    try {
      const next = await this.worker.deliverDue();
      this.#failures = 0;
      return next;
    } catch (error) {
      if (this.#stopping.signal.aborted) return 'stop';
      logger.error({ provider: this.worker.provider.id, err: error }, 'delivery failed on our side');
      if (error instanceof GatewayError && error.fatal) {
        onFatal?.(error);
        return 'stop';
      }
      const delay = Math.min(settings.capMs, settings.baseMs * 2 ** Math.min(this.#failures++, 30));
      return clock.now() + delay;
    }
  }

  /** Until `until` by the clock, or until woken; then a little longer, so that one body carries many entries. */
  async #sleep(until: number | undefined): Promise<void> {
    const { clock, settings } = this.#options;
    await this.#untilWoken(until === undefined ? undefined : until - clock.now());
    if (this.#woken && settings.lingerMs > 0) await this.#linger(settings.lingerMs);
  }

  async #untilWoken(ms: number | undefined): Promise<void> {
    if (this.#woken || this.#stopping.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resume = resolve;
    const timer = ms === undefined ? undefined : setTimeout(resolve, Math.min(Math.max(0, ms), MAX_TIMER_MS));
    await promise;
    clearTimeout(timer);
    this.#resume = () => {};
  }

  async #linger(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}
