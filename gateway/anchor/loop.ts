/** Turns one after another, never two at once: by itself once started, and one whenever it is asked for. */
export class Loop {
  readonly #turn: () => Promise<void>;
  readonly #untilNext: () => Promise<number>;
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;
  #isUnderWay = false;
  #isWoken = false;

  /** Neither rejects. `untilNext`: how many ms to wait after a turn. */
  constructor(turn: () => Promise<void>, untilNext: () => Promise<number>) {
    this.#turn = turn;
    this.#untilNext = untilNext;
  }

  start(): void {
    this.#isStarted = true;
    this.#schedule(0);
  }

  /** One turn, after the one under way. */
  run(): Promise<void> {
    this.#running = this.#running.then(this.#turn);
    return this.#running;
  }

  /** Brings the next turn of the loop forward. However often during a turn, one follows it. */
  wake(): void {
    this.#isWoken = true;
    if (!this.#isUnderWay) this.#schedule(0);
  }

  /** Ends the loop, and waits for the turn under way. */
  close(): Promise<void> {
    this.#isStarted = false;
    clearTimeout(this.#timer);
    return this.#running;
  }

  #schedule(delayMs: number): void {
    if (!this.#isStarted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#cycle(), delayMs);
  }

  async #cycle(): Promise<void> {
    this.#isUnderWay = true;
    this.#isWoken = false;
    await this.run();
    const waitMs = await this.#untilNext();
    this.#isUnderWay = false;
    this.#schedule(this.#isWoken ? 0 : waitMs);
  }
}
