/**
 * The time for what is planned. A gateway's clock jumps: a battery gives out, a time server is wrong for an hour. What is planned
 * and done too early cannot be undone, too late it does little harm; so a clock that jumps ahead is believed only after a while.
 */
import type { Clock } from './ports.ts';

/** More than a clock is slewed or a process is held up between two looks. No basis yet. */
const JUMP_MS = 60_000;
/** How long a clock must stay ahead before it is believed. Long enough for a time server to be corrected; no basis yet. */
const SETTLING_MS = 600_000;

export class BelievedTime {
  readonly #clock: Clock;
  readonly #elapsed: () => number;
  /** What the clock said, when, by a count of milliseconds that does not jump. */
  #anchor: { readonly wall: number; readonly elapsed: number };
  #doubtedUntil = Number.NEGATIVE_INFINITY;

  /** @param elapsed milliseconds since any fixed moment of this process */
  constructor(clock: Clock, elapsed: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#elapsed = elapsed;
    this.#anchor = { wall: clock.now(), elapsed: elapsed() };
  }

  /** Milliseconds since the Unix epoch. Call it every few seconds or more often: it notices jumps between calls. */
  now(): number {
    const wall = this.#clock.now();
    const elapsed = this.#elapsed();
    const expected = this.#anchor.wall + (elapsed - this.#anchor.elapsed);
    const isAhead = wall - expected > JUMP_MS;
    if (isAhead && this.#doubtedUntil === Number.NEGATIVE_INFINITY)
      this.#doubtedUntil = elapsed + SETTLING_MS;
    if (isAhead && elapsed < this.#doubtedUntil) return expected;
    // In step, back from a jump, set back, or ahead for so long that it must be right.
    this.#anchor = { wall, elapsed };
    this.#doubtedUntil = Number.NEGATIVE_INFINITY;
    return wall;
  }
}
