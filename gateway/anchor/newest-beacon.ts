/** The newest final block that is known, for heartbeats and devices. */
import type { Beacon } from '../../src/statement.ts';
import type { AnchorStore, AnchorTarget } from '../ports.ts';
import type { Block } from './chain.ts';
import { sameTarget } from './reconcile.ts';

/** It says that time has passed, so it never goes back to an older block. */
export class NewestBeacon {
  readonly #store: Pick<AnchorStore, 'newest'>;
  readonly #target: AnchorTarget;
  #beacon: Beacon | undefined;
  #isRead = false;

  constructor(store: Pick<AnchorStore, 'newest'>, target: AnchorTarget) {
    this.#store = store;
    this.#target = target;
  }

  /** After a start the chain may not have been seen yet, but an earlier run knew a final block of it. */
  async get(): Promise<Beacon | undefined> {
    if (this.#isRead) return this.#beacon;
    const final = await this.#store.newest('final');
    this.#isRead = true;
    if (final?.anchor !== undefined && sameTarget(final.target, this.#target)) {
      const { blockNumber, blockHash } = final.anchor;
      this.#raise({ blockNumber, blockHash });
    }
    return this.#beacon;
  }

  /** Takes note of a final block; returns the newest one known, which may be another. */
  async raiseTo({ number, hash }: Block): Promise<Beacon> {
    await this.get();
    return this.#raise({ blockNumber: number, blockHash: hash });
  }

  #raise(beacon: Beacon): Beacon {
    if (this.#beacon === undefined || beacon.blockNumber > this.#beacon.blockNumber) this.#beacon = beacon;
    return this.#beacon;
  }
}
