/**
 * Has checkpoints stamped by an authority, at most one in each interval: a clock that is neither the gateway's nor the chain's.
 * Nothing waits for it. Each turn starts from the store, so a start after a crash is no special case.
 */
import { utf8ToBytes } from '../../src/bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { randomCti } from '../crypto/random.ts';
import type { Clock, Logger, LogReader, TimestampStore, TimestampView } from '../ports.ts';
import { WokenLoop } from '../woken-loop.ts';
import type { TimestampAuthority } from './authority.ts';

export interface StamperParts {
  readonly authority: Pick<TimestampAuthority, 'stamp'>;
  readonly log: Pick<LogReader, 'newestCheckpoint'>;
  readonly store: TimestampStore;
  readonly clock: Clock;
  /** Milliseconds of a clock that does not jump. */
  readonly monotonic: () => number;
  readonly logger: Logger;
  readonly onFailure: () => void;
}

export interface StamperOptions {
  readonly everyMs: number;
  /** Object identifier in dotted form. */
  readonly policy?: string;
}

export class Stamper {
  readonly #parts: StamperParts;
  readonly #options: StamperOptions;
  readonly #loop: WokenLoop;
  #stampedAt: number | undefined;
  #failure: { readonly message: string; readonly at: number } | undefined;

  constructor(parts: StamperParts, options: StamperOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#loop = new WokenLoop((closing) => this.#turn(closing));
  }

  /** There is a new checkpoint. */
  wake(): void {
    const sinceLast = this.#parts.monotonic() - (this.#stampedAt ?? Number.NEGATIVE_INFINITY);
    if (sinceLast >= this.#options.everyMs) this.#loop.wake();
  }

  async view(): Promise<TimestampView> {
    const newest = await this.#parts.store.newest();
    return {
      size: newest?.size ?? 0,
      ...(newest && { time: newest.time }),
      ...(this.#failure && { lastError: { code: 'timestamp-failed', ...this.#failure } }),
    };
  }

  close(): Promise<void> {
    return this.#loop.close();
  }

  async #turn(closing: AbortSignal): Promise<boolean> {
    let reason: string | undefined;
    try {
      reason = await this.#stampNewest(closing);
    } catch (error) {
      reason = `not asked: ${(error as Error).message}`;
    }
    if (!closing.aborted) this.#report(reason);
    return reason === undefined;
  }

  /** Why it failed; undefined when the newest checkpoint is stamped. */
  async #stampNewest(closing: AbortSignal): Promise<string | undefined> {
    const { authority, log, store } = this.#parts;
    const { policy } = this.#options;
    const [checkpoint, stamped] = await Promise.all([log.newestCheckpoint(), store.newest()]);
    if (checkpoint === undefined || checkpoint.size === stamped?.size) return undefined;
    const { size, note } = checkpoint;
    const digest = sha256(utf8ToBytes(note));
    const request = { digest, nonce: randomCti(), ...(policy !== undefined && { policy }) };
    const answer = await authority.stamp(request, closing);
    if (answer.kind === 'reject') return answer.detail;
    await store.keep({ size, note, token: answer.value.bytes, time: answer.value.token.time });
    this.#stampedAt = this.#parts.monotonic();
    return undefined;
  }

  /** Says a thing once, not at every try. */
  #report(reason: string | undefined): void {
    const { clock, logger, onFailure } = this.#parts;
    const before = this.#failure;
    this.#failure = reason === undefined ? undefined : { message: reason, at: clock.now() };
    if (reason === undefined) {
      if (before !== undefined) logger.info({}, 'the authority stamps again');
      return;
    }
    onFailure();
    const level = before === undefined ? 'warn' : 'debug';
    logger[level](
      { code: 'timestamp-failed', reason },
      'no timestamp; it is tried again, nothing waits for it',
    );
  }
}
