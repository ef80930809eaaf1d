/** A clock that stands still until a test moves it. */
import type { Clock } from '../ports.ts';

/** 2026-01-02T03:04:05.678Z: after every date the gateway compares clocks with. */
export const TEST_NOW_MS = 1_767_323_045_678;

export class SetClock implements Clock {
  #now: number;

  constructor(now = TEST_NOW_MS) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }

  set(now: number): void {
    this.#now = now;
  }
}

/** The machine's clock, where what a test speaks to has that one. */
export class RealClock extends SetClock {
  override now(): number {
    return Date.now();
  }
}
