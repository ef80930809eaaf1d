/** What is to be closed, in the reverse order of its start. */
import type { Logger } from './ports.ts';

export class Closers {
  readonly #logger: Logger;
  readonly #steps: (() => Promise<void> | void)[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(step: () => Promise<void> | void): void {
    this.#steps.push(step);
  }

  /** One part that cannot end well keeps no other from it, the writer lock least of all. */
  async close(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#logger.error({ reason }, 'a part did not stop cleanly');
      }
    }
  }
}
