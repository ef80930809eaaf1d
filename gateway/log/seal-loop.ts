/** Seals on a cadence when no chain is configured; with one, the anchorer does. */
import type { Logger, Sealer } from '../ports.ts';

export class SealLoop {
  readonly #sealer: Sealer;
  readonly #logger: Logger;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(sealer: Sealer, logger: Logger, everyMs: number) {
    this.#sealer = sealer;
    this.#logger = logger;
    this.#everyMs = everyMs;
  }

  start(): void {
    const turn = (): void => {
      this.#running = this.#sealer.seal(undefined).then(
        () => undefined,
        (error: unknown) =>
          this.#logger.warn({ reason: String(error) }, 'could not seal; trying again at the next turn'),
      );
    };
    turn();
    this.#timer = setInterval(turn, this.#everyMs);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
