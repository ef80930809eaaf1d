/** Notices what is to be done to devices: requests and files that another process left in the store, and retirements that are due. */

import { BelievedTime } from './believed-time.ts';
import type { DeviceEvents } from './log/device-events.ts';
import type { Clock, Logger } from './ports.ts';
import type { RegistryStore } from './store/registry-store.ts';

/** How long an enrolment may wait to be noticed. One pragma and one query a look; no basis for less. */
const LOOK_EVERY_MS = 200;

/** What the log's writer does about devices. */
export interface DeviceWork {
  /** Carries out the requests that wait, and the retirements that are due by a time (milliseconds). */
  process(dueBy: number): Promise<void>;
  /** Carries out the files of enrolments that wait. */
  processFiles(): Promise<void>;
  /** Stops with the files between two transactions; they are gone on with at the next start. */
  stopFiles(): Promise<void>;
}

/** The work of a log that is written on this thread. */
export function deviceWorkOf(events: DeviceEvents): DeviceWork {
  const stopped = new AbortController();
  return {
    process: (dueBy) => events.process(dueBy),
    processFiles: () => events.batches.process(stopped.signal),
    stopFiles: async () => stopped.abort(),
  };
}

export class RequestWatch {
  readonly #registry: RegistryStore;
  readonly #work: DeviceWork;
  readonly #logger: Logger;
  readonly #time: BelievedTime;
  #seenVersion = -1;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  /** Apart from the requests: a revocation does not wait behind ten thousand enrolments. */
  #batches: Promise<void> = Promise.resolve();
  #woken = true;

  constructor(
    registry: RegistryStore,
    work: DeviceWork,
    logger: Logger,
    clock: Clock = { now: Date.now },
    elapsed?: () => number,
  ) {
    this.#registry = registry;
    this.#work = work;
    this.#logger = logger;
    this.#time = new BelievedTime(clock, elapsed);
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Called when this process itself left a request; other processes show by the data version. */
  wake(): void {
    this.#woken = true;
  }

  /** Waits for the requests under way; a file of enrolments is gone on with at the next start. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#work.stopFiles();
    await this.#running;
    await this.#batches;
  }

  #look(): void {
    try {
      const now = this.#time.now();
      const version = this.#registry.requests.dataVersion();
      const isNew = this.#woken || version !== this.#seenVersion;
      const isDue = (this.#registry.keys.nextRetirement() ?? Number.POSITIVE_INFINITY) <= now;
      this.#woken = false;
      this.#seenVersion = version;
      if (isNew || isDue) this.#running = this.#guard(this.#work.process(now));
      if (isNew) this.#batches = this.#guard(this.#work.processFiles());
    } catch (error) {
      this.#lookAgain(error);
    }
  }

  #guard(work: Promise<void>): Promise<void> {
    return work.catch((error: unknown) => this.#lookAgain(error));
  }

  /** What could not be done still waits. */
  #lookAgain(error: unknown): void {
    this.#woken = true;
    this.#logger.warn(
      { reason: error instanceof Error ? error.message : String(error) },
      'device requests wait',
    );
  }
}
