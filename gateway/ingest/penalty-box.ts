/** A back-off that grows with every abuse from one address under one name, and is forgotten after good behaviour. */
import type { Clock } from '../ports.ts';

const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;
/** Names remembered. An attacker picks names, so the oldest are dropped; no basis yet for the number. */
const CAPACITY = 10_000;

interface Penalty {
  readonly strikes: number;
  readonly until: number;
}

export class PenaltyBox {
  readonly #clock: Clock;
  readonly #penalties = new Map<string, Penalty>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes one abuse and returns for how many milliseconds the name stays shut out. */
  strike(name: string): number {
    const strikes = (this.#penalties.get(name)?.strikes ?? 0) + 1;
    const backOff = Math.min(FIRST_MS * 2 ** (strikes - 1), LONGEST_MS);
    this.#penalties.delete(name);
    this.#penalties.set(name, { strikes, until: this.#clock.now() + backOff });
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
