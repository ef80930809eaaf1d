/**
 * Seals the log: a heartbeat, then a signed checkpoint over it. The heartbeat's random cti makes every checkpoint differ, so
 * that anchors keep their cadence whether or not anything else was logged. Further heartbeats fill the log up to a multiple of a
 * number, so that the sizes, which are public, tell of no more than that.
 */
import { setImmediate } from 'node:timers/promises';
import { signCheckpoint } from '../../src/checkpoint.ts';
import { signLogStatement } from '../../src/log-statement.ts';
import type { Signer } from '../../src/signature.ts';
import type { Beacon } from '../../src/statement.ts';
import { sha256 } from '../crypto/hash.ts';
import { randomCti } from '../crypto/random.ts';
import type { Checkpoint, Clock, Logger, Sealer } from '../ports.ts';
import type { LogStore } from '../store/log-store.ts';
import type { Committer } from './committer.ts';
import type { EntryBook } from './entries.ts';
import type { LogTree } from './tree.ts';

/** Heartbeats signed in one turn of the event loop: some milliseconds, after which commits have their turn. */
const SIGNED_AT_ONCE = 64;

export interface SealerParts {
  readonly origin: string;
  readonly signer: Signer;
  readonly committer: Committer;
  readonly book: EntryBook;
  readonly tree: LogTree;
  readonly log: LogStore;
  readonly gatewayOwner: number;
  /** The size of every checkpoint is a multiple of this; at least 1. */
  readonly padTo: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One seal at a time: a call while one is under way waits for it, then makes its own. */
export class LogSealer implements Sealer {
  readonly #parts: SealerParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: SealerParts) {
    this.#parts = parts;
  }

  seal(beacon: Beacon | undefined): Promise<Checkpoint> {
    const sealed = this.#last.then(() => this.#seal(beacon));
    this.#last = sealed.catch(() => undefined); // the caller hears of the failure; the next one starts afresh
    return sealed;
  }

  async #seal(beacon: Beacon | undefined): Promise<Checkpoint> {
    const { origin, signer, committer, log, clock, logger } = this.#parts;
    const now = clock.now();
    const heartbeats = await this.#signHeartbeats(now, beacon);
    const { size, root } = await committer.run(() => this.#append(heartbeats, now));
    const note = await signCheckpoint({ origin, size, root }, signer);
    const checkpoint: Checkpoint = { size, root, note, sealedAt: now };
    await committer.run(() => log.insertCheckpoint(checkpoint));
    logger.info({ size }, 'sealed checkpoint');
    return checkpoint;
  }

  /** As many as it can take: how many it does is known only inside the transaction, where nothing can be signed. */
  async #signHeartbeats(now: number, beacon: Beacon | undefined): Promise<Uint8Array[]> {
    const { origin, signer, padTo } = this.#parts;
    const fields = { origin, time: Math.floor(now / 1000), ...(beacon === undefined ? {} : { beacon }) };
    const heartbeats: Uint8Array[] = [];
    while (heartbeats.length < padTo) {
      heartbeats.push(await signLogStatement({ kind: 'heartbeat', cti: randomCti(), ...fields }, signer));
      if (heartbeats.length % SIGNED_AT_ONCE === 0) await setImmediate();
    }
    return heartbeats;
  }

  /** Inside the transaction: size and root just after the last heartbeat, whatever follows it in the same commit. */
  #append(heartbeats: readonly Uint8Array[], receivedAt: number): { size: number; root: Uint8Array } {
    const { book, tree, gatewayOwner, padTo } = this.#parts;
    for (const bytes of heartbeats) {
      book.append({ kind: 'heartbeat', bytes, entry: sha256(bytes), owner: gatewayOwner, receivedAt });
      if (tree.size % padTo === 0) break;
    }
    return { size: tree.size, root: Uint8Array.from(tree.root()) };
  }
}
