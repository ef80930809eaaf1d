/** Looks at what an installation shows people while it suffers: nothing may be called final or proven that the chain does not hold. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Site } from '../site.ts';
import type { TestChain } from './test-chain.ts';

const LOOK_EVERY_MS = 400;

export class Watch {
  readonly violations: string[] = [];
  readonly #site: Site;
  readonly #chain: TestChain;
  readonly #looking: Promise<void>;
  #finalSize = 0;
  #looks = 0;
  #stopped = false;

  constructor(site: Site, chain: TestChain) {
    this.#site = site;
    this.#chain = chain;
    this.#looking = this.#look();
  }

  /** How often both were seen beside the chain. */
  get looks(): number {
    return this.#looks;
  }

  /** What was final up to now may be shown, whatever the chain becomes. Call before it changes. */
  async note(): Promise<void> {
    this.#finalSize = Math.max(this.#finalSize, await this.#chain.finalSize());
  }

  /** From now on only what is final on the chain as it is. Call once the gateway has caught up with it. */
  async reset(): Promise<void> {
    this.#finalSize = await this.#chain.finalSize();
  }

  /** @param shown what is called final or proven covers entries below this size */
  expectFinal(what: string, shown: number): void {
    if (shown > this.#finalSize)
      this.violations.push(
        `${what} shows ${shown} entries, the contract held ${this.#finalSize} in a final block`,
      );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (!this.#stopped) {
      await delay(LOOK_EVERY_MS);
      await this.#compare().catch(() => undefined); // a gateway or a node that is away shows nothing
    }
  }

  async #compare(): Promise<void> {
    const proven = this.#site.inbox().filter(({ proof }) => proof !== 'unproven');
    const { anchoring } = await this.#site.status();
    await this.note();
    this.expectFinal('the status', anchoring?.final ?? 0);
    this.expectFinal('the inbox', Math.max(0, ...proven.map(({ index }) => index + 1)));
    this.#looks += 1;
  }
}
