/** One node among several: how it is doing, when it is left alone, and where it said other than the others. */
import { GatewayError } from '../../errors.ts';
import type { Clock, Logger } from '../../ports.ts';
import { ClockedBackOff, isDue } from '../due.ts';
import { NodeBusyError } from '../rpc.ts';

/** What can be asked. `name` holds no credentials. */
export interface Party {
  readonly name: string;
  /** Rejects what is under way and what is to come. */
  close(): void;
}

/** How a node is doing, for status and metrics. */
export interface MemberStatus {
  readonly name: string;
  /** `failing`: its last answer was none. `disagrees`: it answers, otherwise than the quorum. */
  readonly state: 'ok' | 'failing' | 'rate-limited' | 'disagrees';
  /** Outages, not questions: what fails together counts once. */
  readonly failures: number;
  /** The last failure, kept after it is over. */
  readonly lastError?: { readonly message: string; readonly at: number };
  readonly disagreements: number;
  readonly lastDisagreement?: { readonly about: string; readonly at: number };
}

/** `ready` to be asked; `resting`: asked only when the others do not suffice; `barred`: asked not to be asked. */
export type Standing = 'ready' | 'resting' | 'barred';

/** Long for a node that is well, short for who waits: most answer within a tenth of it. */
export const LATE_MS = 1_000;

export interface MemberParts {
  readonly clock: Clock;
  readonly logger?: Logger;
  /** After so long without an answer the others are not kept waiting. */
  readonly lateMs: number;
}

/** The first rest after a failure; a look at the chain is due about as often. */
const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 60_000;
/** A node that wants to be left alone for longer is asked all the same: nobody means more than an hour. */
const LONGEST_BAR_MS = 3_600_000;
/** A node one block behind or ahead says otherwise about what moves, in good faith; so often in a row it does not. */
const GOOD_FAITH_ANSWERS = 3;

export class Member<N extends Party> {
  readonly node: N;
  readonly #parts: MemberParts;
  readonly #backoff = new ClockedBackOff(FIRST_REST_MS, LONGEST_REST_MS);
  readonly #otherwise = new Map<string, number>();
  readonly #disagreeing = new Set<string>();
  #late = 0;
  #outages = 0;
  #failing = false;
  #closed = false;
  #barredAt = 0;
  #barredMs = 0;
  #lastError: MemberStatus['lastError'];
  #disagreements = 0;
  #lastDisagreement: MemberStatus['lastDisagreement'];

  constructor(node: N, parts: MemberParts) {
    this.node = node;
    this.#parts = parts;
  }

  get standing(): Standing {
    const now = this.#parts.clock.now();
    if (this.#barredFor(now) > 0) return 'barred';
    return this.#late > 0 || this.#backoff.remaining(now) > 0 ? 'resting' : 'ready';
  }

  /** What keeps a barred node from being asked. */
  get bar(): string {
    return `the node at ${this.node.name} wants to be left alone for another ${Math.ceil(this.#barredFor(this.#parts.clock.now()) / 1000)} s`;
  }

  status(): MemberStatus {
    const trouble = this.#barredMs > 0 ? 'rate-limited' : 'failing';
    return {
      name: this.node.name,
      state: this.#failing ? trouble : this.#disagreeing.size > 0 ? 'disagrees' : 'ok',
      failures: this.#outages,
      ...(this.#lastError && { lastError: this.#lastError }),
      disagreements: this.#disagreements,
      ...(this.#lastDisagreement && { lastDisagreement: this.#lastDisagreement }),
    };
  }

  /** Asks, and takes note of how it went. `onLate` is called once when the answer is late. */
  async ask<T>(question: (node: N) => Promise<T>, onLate: () => void): Promise<T> {
    const outages = this.#outages;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#late += 1;
      onLate();
    }, this.#parts.lateMs);
    try {
      const answer = await question(this.node);
      // What was asked before the last failure says nothing about now.
      if (outages === this.#outages) this.#recovered();
      return answer;
    } catch (error) {
      this.#failed(error, outages === this.#outages);
      throw error;
    } finally {
      clearTimeout(timer);
      if (isLate) this.#late -= 1;
    }
  }

  /** The quorum said the same. */
  agreed(about: string): void {
    this.#otherwise.delete(about);
    if (!this.#disagreeing.delete(about)) return;
    this.#parts.logger?.info({ node: this.node.name, about }, 'a node agrees with the others again');
  }

  /** The quorum said otherwise. `moving`: the fact changes with each block, so that a few times are no lie. */
  disagreed(about: string, moving: boolean): void {
    const times = (this.#otherwise.get(about) ?? 0) + 1;
    this.#otherwise.set(about, times);
    if (moving && times < GOOD_FAITH_ANSWERS) return;
    this.#disagreements += 1;
    this.#lastDisagreement = { about, at: this.#parts.clock.now() };
    const level = this.#disagreeing.has(about) ? 'debug' : 'warn';
    this.#disagreeing.add(about);
    this.#parts.logger?.[level](
      { node: this.node.name, about },
      'a node says other than the quorum: its answer does not count',
    );
  }

  close(): void {
    this.#closed = true;
    this.node.close();
  }

  #recovered(): void {
    this.#backoff.reset();
    this.#barredMs = 0;
    if (!this.#failing) return;
    this.#failing = false;
    this.#parts.logger?.info({ node: this.node.name }, 'a node of the chain answers again');
  }

  #failed(error: unknown, isNew: boolean): void {
    if (this.#closed) return;
    const now = this.#parts.clock.now();
    if (error instanceof NodeBusyError) {
      this.#barredAt = now;
      this.#barredMs = Math.min(Math.max(error.retryAfterMs ?? 0, FIRST_REST_MS), LONGEST_BAR_MS);
    }
    if (!isNew) return;
    this.#outages += 1;
    this.#backoff.fail(now);
    if (error instanceof NodeBusyError)
      this.#barredMs = Math.max(this.#barredMs, this.#backoff.remaining(now));
    this.#lastError = { message: reasonOf(error), at: now };
    const level = this.#failing ? 'debug' : 'warn';
    this.#failing = true;
    this.#parts.logger?.[level](
      { node: this.node.name, reason: reasonOf(error) },
      'a node of the chain does not answer: the others are asked without it',
    );
  }

  #barredFor(now: number): number {
    return isDue(this.#barredAt, this.#barredMs, now) ? 0 : this.#barredAt + this.#barredMs - now;
  }
}

/** What went wrong, without what it means for the gateway as a whole. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof GatewayError ? (message.split('; anchoring goes on', 1)[0] ?? message) : message;
}
