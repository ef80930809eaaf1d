/** Seals checkpoints on their cadence. Asks no node, so that no chain, however slow, delays a checkpoint. */
import type { Checkpoint, Clock, LogReader, Sealer } from '../ports.ts';
import { untilDue } from './due.ts';
import type { NewestBeacon } from './newest-beacon.ts';

export interface SealingOptions {
  /** From one checkpoint to the next, whether or not there is anything new: activity must not show on the chain. */
  readonly anchorEveryMs: number;
  /** A checkpoint also after so many new entries. Shows activity on the chain; absent by default. */
  readonly anchorEveryEntries?: number;
}

export interface SealingParts {
  readonly log: Pick<LogReader, 'size' | 'newestCheckpoint'>;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

export class Sealing {
  readonly #parts: SealingParts;
  readonly #options: SealingOptions;
  readonly #beacon: NewestBeacon;
  #sealedSize: number | undefined;

  constructor(parts: SealingParts, options: SealingOptions, beacon: NewestBeacon) {
    this.#parts = parts;
    this.#options = options;
    this.#beacon = beacon;
  }

  /** Size of the newest checkpoint; 0 before the first. */
  get sealedSize(): number {
    return this.#sealedSize ?? 0;
  }

  /** The checkpoint, when one was due. */
  async sealIfDue(): Promise<Checkpoint | undefined> {
    const newest = await this.#parts.log.newestCheckpoint();
    this.#sealedSize = newest?.size;
    if (newest !== undefined && this.#untilDue(newest) > 0 && !(await this.isFull())) return undefined;
    const checkpoint = await this.#parts.sealer.seal(await this.#beacon.get());
    this.#sealedSize = checkpoint.size;
    return checkpoint;
  }

  /** Whether enough entries have come since the last checkpoint for another. */
  async isFull(): Promise<boolean> {
    const limit = this.#options.anchorEveryEntries;
    if (limit === undefined || this.#sealedSize === undefined) return false;
    return (await this.#parts.log.size()) - this.#sealedSize >= limit;
  }

  /** Milliseconds until the next checkpoint is due by the clock; `undefined` when that cannot be told now. */
  async untilNext(): Promise<number | undefined> {
    const newest = await this.#parts.log.newestCheckpoint().catch(() => undefined);
    return newest && this.#untilDue(newest);
  }

  #untilDue({ sealedAt }: Checkpoint): number {
    return untilDue(sealedAt, this.#options.anchorEveryMs, this.#parts.clock.now());
  }
}
