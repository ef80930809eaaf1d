/** Statements that a broker has taken and the gateway has not answered yet: each is due again after pauses that double. */
import { numberKey, type StatementNumber } from './state/acknowledgements.ts';

/** Longest pause. A gateway that is away for a night finds few copies of a statement, and one that is back hears soon. */
const LONGEST_PAUSE_MS = 3_600_000;

interface Wait {
  readonly number: StatementNumber;
  readonly timesSent: number;
  /** By a clock that only grows. */
  readonly dueAt: number;
}

export class Unanswered {
  readonly #withinMs: number;
  readonly #waits = new Map<string, Wait>();
  /** How often each was sent that is on its way again. */
  readonly #timesSent = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  /** @param onDue called with each statement that is to be sent again; it is waited for again once it is added */
  constructor(withinMs: number, onDue: (number: StatementNumber) => void) {
    this.#withinMs = withinMs;
    this.#timer = setInterval(() => {
      for (const number of this.#takeDue()) onDue(number);
    }, withinMs / 4);
    this.#timer.unref();
  }

  get size(): number {
    return this.#waits.size;
  }

  add(number: StatementNumber): void {
    const key = numberKey(number);
    const timesSent = (this.#timesSent.get(key) ?? 0) + 1;
    this.#timesSent.delete(key);
    const pause = Math.min(this.#withinMs * 2 ** (timesSent - 1), LONGEST_PAUSE_MS);
    this.#waits.set(key, { number, timesSent, dueAt: performance.now() + pause });
  }

  delete(number: StatementNumber): void {
    this.#waits.delete(numberKey(number));
    this.#timesSent.delete(numberKey(number));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #takeDue(): StatementNumber[] {
    const now = performance.now();
    const due = [...this.#waits].filter(([, { dueAt }]) => dueAt <= now);
    for (const [key, { timesSent }] of due) {
      this.#waits.delete(key);
      this.#timesSent.set(key, timesSent);
    }
    return due.map(([, { number }]) => number);
  }
}
