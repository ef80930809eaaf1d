/** Notices device requests that another process, such as the command line, left in the store. */
import type { DeviceEvents } from './log/device-events.ts';
import type { Logger } from './ports.ts';
import type { RegistryStore } from './store/registry-store.ts';

/** How long an enrolment may wait to be noticed. One pragma a look; no basis for less. */
const LOOK_EVERY_MS = 200;

export class RequestWatch {
  readonly #registry: RegistryStore;
  readonly #events: Pick<DeviceEvents, 'process'>;
  readonly #logger: Logger;
  #seenVersion = -1;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #woken = true;

  constructor(registry: RegistryStore, events: Pick<DeviceEvents, 'process'>, logger: Logger) {
    this.#registry = registry;
    this.#events = events;
    this.#logger = logger;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Called when this process itself left a request; other processes show by the data version. */
  wake(): void {
    this.#woken = true;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  #look(): void {
    this.#running = this.#processNew().catch((error: unknown) => {
      this.#woken = true; // look again: the request still waits
      this.#logger.warn(
        { reason: error instanceof Error ? error.message : String(error) },
        'device requests wait',
      );
    });
  }

  async #processNew(): Promise<void> {
    const version = this.#registry.dataVersion();
    if (!this.#woken && version === this.#seenVersion) return;
    this.#woken = false;
    this.#seenVersion = version;
    await this.#events.process();
  }
}
