/** What is being done, for people who wait: one line that changes on a terminal, a line now and then anywhere else. */
import process from 'node:process';
import type { Io } from './cli.ts';

const TERMINAL_EVERY_MS = 100;
const PLAIN_EVERY_MS = 2_000;
const CLEAR = '\r\x1b[K';

export class ProgressLine {
  readonly #io: Io;
  readonly #isTerminal: boolean;
  #last = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(io: Io, isTerminal = process.stderr.isTTY === true) {
    this.#io = io;
    this.#isTerminal = isTerminal;
  }

  /** Shows how far it is, unless the last time was a moment ago. */
  show(text: string): void {
    const now = performance.now();
    if (now - this.#last < (this.#isTerminal ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS)) return;
    this.#last = now;
    if (this.#isTerminal) process.stderr.write(`${CLEAR}${text}`);
    else this.#io.err(text);
    this.#isShown = true;
  }

  /** Takes a line of a terminal away before something else is written there. */
  clear(): void {
    if (this.#isTerminal && this.#isShown) process.stderr.write(CLEAR);
    this.#isShown = false;
  }
}
