/** The checking threads. The one file that knows piscina. */
import { Piscina } from 'piscina';
import type { CheckedData } from '../checked-batch.ts';
import type { CheckRequest } from './check-request.ts';

/** A thread that has one request under way has the next at hand. */
const REQUESTS_PER_THREAD = 2;

export interface Checker {
  /** Requests that are worth having under way at once. */
  readonly width: number;
  /** Takes the memory of the request over. */
  check(request: CheckRequest): Promise<CheckedData>;
}

export class CheckPool implements Checker {
  readonly width: number;
  readonly #pool: Piscina<CheckRequest, CheckedData>;

  constructor(threads: number) {
    this.width = threads * REQUESTS_PER_THREAD;
    this.#pool = new Piscina({
      filename: new URL('./check-thread.ts', import.meta.url).href,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: REQUESTS_PER_THREAD,
      maxQueue: this.width,
      recordTiming: false, // its histograms; the gateway has metrics of its own
      atomics: 'disabled', // a thread that blocks for its next task is woken twice for it
    });
  }

  check(request: CheckRequest): Promise<CheckedData> {
    return this.#pool.run(request, { transferList: [request.bytes.buffer] });
  }

  /** Ends the threads. Nothing may be under way. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
