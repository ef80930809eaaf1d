/**
 * Delivers to one provider. Workers share nothing but the store: what happens to one provider never reaches another.
 *
 * The order of things is what makes delivery at-least-once under one id: a batch is durable before its first
 * attempt, and the cursor moves in the same step that closes it. A stop between attempt and completion sends the
 * same batch again, which the provider recognises.
 */
import type { Batch, BatchKind, LogEntry, Provider } from '../ports.ts';
import { type Attempt, attemptDelivery } from './attempt.ts';
import { findAnchor, nextRange } from './batching.ts';
import type { DeliveryContext } from './context.ts';
import { HttpPoster } from './http-post.ts';
import { type Outcome, parseRetryAfter, retryDelay } from './outcome.ts';

const KINDS: readonly BatchKind[] = ['statements', 'receipts'];
const MIN_BODY_BYTES = 1024;

/** One provider's deliveries. */
export class ProviderWorker {
  readonly provider: Provider;
  readonly #context: DeliveryContext;
  readonly #poster = new HttpPoster();
  readonly #stopping = new AbortController();
  /** The provider asked for, or earned, a pause that holds for both kinds. Not durable: a restart may try at once. */
  #awayUntil = 0;
  /** Halved when the provider says 413; a restart forgets it. */
  #maxBytes: number;

  constructor(provider: Provider, context: DeliveryContext) {
    this.provider = provider;
    this.#context = context;
    this.#maxBytes = context.settings.maxBytes;
  }

  /**
   * Sends whatever is due until nothing is.
   * @returns when to call again, unless new entries, a final anchor or a retry come first; `undefined`: not before
   */
  async deliverDue(): Promise<number | undefined> {
    let waits: readonly number[] = [];
    do {
      const now = this.#context.clock.now();
      if (this.#stopping.signal.aborted) return undefined;
      if (this.#isWaiting(this.#awayUntil, now)) return this.#awayUntil;
      waits = await this.#step(now);
    } while (waits.includes(0));
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  /** Forgets a pause, because someone asked for an attempt now. */
  hurry(): void {
    this.#awayUntil = 0;
  }

  /** Aborts the attempt under way; its batch stays open and is sent again, under the same id, after a restart. */
  stop(): void {
    this.#stopping.abort();
    this.#poster.close();
  }

  /** One attempt at most for each kind. Gives when each is due again; 0: there may be more now. */
  async #step(now: number): Promise<number[]> {
    const waits: number[] = [];
    for (const kind of KINDS) {
      if (this.#stopping.signal.aborted || this.#isWaiting(this.#awayUntil, now)) break;
      const open = await this.#context.store.open(this.provider.id, kind);
      const batch = (await this.#findDue(open, now)) ?? (await this.#begin(kind, open));
      if (batch !== undefined) {
        await this.#deliver(batch);
        waits.push(0);
      }
      waits.push(
        ...open.map((candidate) => candidate.nextAttemptAt).filter((at) => this.#isWaiting(at, now)),
      );
    }
    return waits;
  }

  /** Proofs whose anchor was undone wait for another final one, which wakes the worker. */
  async #findDue(open: readonly Batch[], now: number): Promise<Batch | undefined> {
    for (const batch of open) {
      if (this.#isWaiting(batch.nextAttemptAt, now)) continue;
      if (batch.kind === 'statements' || (await findAnchor(this.#context.anchors, batch)) !== undefined)
        return batch;
    }
    return undefined;
  }

  /** A time further ahead than any pause we set comes from a clock that has jumped, and is not waited for. */
  #isWaiting(until: number, now: number): boolean {
    const { capMs, retryAfterCapMs } = this.#context.settings;
    return until > now && until - now <= Math.max(capMs, retryAfterCapMs);
  }

  /** Fixes the next batch at the cursor, unless one that reaches past the cursor is still under way. */
  async #begin(kind: BatchKind, open: readonly Batch[]): Promise<Batch | undefined> {
    const { store, settings, clock, newId } = this.#context;
    const provider = this.provider.id;
    const cursor = await store.cursor(provider, kind);
    if (open.some((batch) => batch.to >= cursor)) return undefined;
    const now = clock.now();
    const limits = { ...settings, maxBytes: this.#maxBytes };
    const range = await nextRange(this.#context, provider, kind, limits, now);
    if (range === undefined) return undefined;
    const batch: Batch = {
      id: newId(),
      provider,
      kind,
      ...range,
      createdAt: now,
      attempts: 0,
      refusals: 0,
      nextAttemptAt: now,
    };
    await store.begin(batch);
    return batch;
  }

  async #deliver(batch: Batch): Promise<void> {
    const started = this.#context.clock.now();
    const attempt = await attemptDelivery(this.#context, this.provider, batch, {
      poster: this.#poster,
      stopping: this.#stopping.signal,
    });
    if (this.#stopping.signal.aborted && attempt.outcome.kind !== 'delivered') return;
    const done = await this.#settle(batch, attempt);
    const { metrics, clock } = this.#context;
    metrics.attempted(batch.provider, batch.kind, done, Math.max(0, clock.now() - started) / 1000);
    if (done === 'delivered') metrics.delivered(batch.provider, batch.kind, attempt.entries.length);
  }

  async #settle(batch: Batch, attempt: Attempt): Promise<'delivered' | 'retry' | 'dead' | 'split'> {
    const { store } = this.#context;
    const { outcome } = attempt;
    switch (outcome.kind) {
      case 'delivered':
        await store.complete(batch.id);
        return 'delivered';
      case 'dead':
        return this.#bury(batch, outcome.error);
      case 'too-large':
        return attempt.entries.length > 1 ? this.#split(batch, attempt) : this.#bury(batch, outcome.error);
      case 'retry':
        return this.#postpone(batch, outcome);
    }
  }

  async #postpone(batch: Batch, outcome: Outcome & { kind: 'retry' }): Promise<'retry' | 'dead'> {
    const { store, settings, clock, random, logger } = this.#context;
    if (outcome.refused && batch.refusals + 1 >= settings.maxRefusals)
      return this.#bury(batch, outcome.error);
    const now = clock.now();
    const retryAfterMs =
      outcome.retryAfter === undefined ? undefined : parseRetryAfter(outcome.retryAfter, now);
    const hint = retryAfterMs === undefined ? {} : { retryAfterMs };
    const nextAttemptAt = now + retryDelay(batch.attempts, settings, { random: random(), ...hint });
    await store.postpone(batch.id, { nextAttemptAt, error: outcome.error, refused: outcome.refused });
    if (!outcome.refused) this.#awayUntil = nextAttemptAt;
    logger.warn(
      {
        provider: batch.provider,
        batch: batch.id,
        kind: batch.kind,
        attempts: batch.attempts + 1,
        nextAttemptAt,
      },
      `delivery postponed: ${outcome.error}`,
    );
    return 'retry';
  }

  async #bury(batch: Batch, error: string): Promise<'dead'> {
    const { store, clock, logger } = this.#context;
    await store.bury(batch.id, error, clock.now());
    logger.error(
      { provider: batch.provider, batch: batch.id, kind: batch.kind, from: batch.from, to: batch.to },
      `delivery moved to the dead letters: ${error}`,
    );
    return 'dead';
  }

  async #split(batch: Batch, { entries, bodyBytes }: Attempt): Promise<'split'> {
    const { store, newId, logger } = this.#context;
    const middle = entries[Math.ceil(entries.length / 2)] as LogEntry;
    const { lastError: _, ...fresh } = { ...batch, attempts: 0, refusals: 0, nextAttemptAt: 0 };
    await store.split(batch.id, [
      { ...fresh, id: newId(), to: middle.index - 1 },
      { ...fresh, id: newId(), from: middle.index },
    ]);
    this.#maxBytes = Math.max(MIN_BODY_BYTES, Math.floor(bodyBytes / 2));
    logger.warn(
      { provider: batch.provider, batch: batch.id, bodyBytes },
      'delivery split: too large for the provider',
    );
    return 'split';
  }
}
