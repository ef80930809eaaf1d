/** Work that is done when there is some, one turn at a time, and after a failure again with growing waits. */
import { BackOff } from './back-off.ts';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 300_000;

/** One turn: whether it went well. It never rejects; it gives up when the signal aborts. */
export type Turn = (closing: AbortSignal) => Promise<boolean>;

export class WokenLoop {
  readonly #turn: Turn;
  readonly #backOff = new BackOff(FIRST_WAIT_MS, LONGEST_WAIT_MS);
  readonly #closing = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #isQueued = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** There is something to do. During the wait after a failure the next try takes it along. */
  wake(): void {
    if (this.#isQueued || this.#timer !== undefined || this.#closing.signal.aborted) return;
    this.#isQueued = true;
    this.#running = this.#running.then(() => {
      this.#isQueued = false;
      return this.#run();
    });
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    const wentWell = await this.#turn(this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    if (wentWell) {
      this.#backOff.reset();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.wake();
    }, this.#backOff.next());
  }
}
