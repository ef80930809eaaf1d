/** A back-off that grows with every abuse under one name, and is forgotten after good behaviour or a long quiet. */
import type { Clock } from '../ports.ts';

const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;
/** After so long without a new abuse the next one counts as the first. */
const FORGOTTEN_AFTER_MS = 60 * 60_000;
/** Names remembered. An attacker picks names, so the oldest are dropped; no basis yet for the number. */
const CAPACITY = 10_000;

interface Penalty {
  readonly strikes: number;
  readonly until: number;
}

export class PenaltyBox {
  readonly #clock: Clock;
  readonly #penalties = new Map<string, Penalty>();

  /** @param clock must not go back: a wall clock set back an hour would shut everyone out for that hour. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Names remembered. */
  get size(): number {
    return this.#penalties.size;
  }

  /** Notes one abuse and returns for how many milliseconds the name stays shut out. */
  strike(name: string): number {
    const now = this.#clock.now();
    const before = this.#penalties.get(name);
    const isForgotten = before === undefined || now - before.until >= FORGOTTEN_AFTER_MS;
    const strikes = isForgotten ? 1 : before.strikes + 1;
    const backOff = Math.min(FIRST_MS * 2 ** (strikes - 1), LONGEST_MS);
    this.#penalties.delete(name);
    this.#penalties.set(name, { strikes, until: now + backOff });
    if (this.#penalties.size > CAPACITY)
      this.#penalties.delete(this.#penalties.keys().next().value as string);
    return backOff;
  }

  isShutOut(name: string): boolean {
    const penalty = this.#penalties.get(name);
    return penalty !== undefined && this.#clock.now() < penalty.until;
  }

  /** Called when the name did something right. */
  forgive(name: string): void {
    this.#penalties.delete(name);
  }
}
