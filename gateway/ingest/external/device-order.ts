/**
 * Puts the statements of a device back in order. A broker deals the messages of a shared subscription out to its members, so with
 * several connections number 7 may be read before number 6 that was sent first: taken like that, the log would flag a gap and
 * the device would be asked for what is already here. A statement that is ahead waits a moment for the ones before it.
 *
 * The numbers are read before any signature is checked. A forged one can spoil this order and nothing else: the log judges by
 * (boot, seq) however statements arrive.
 */
import { decodeStatement } from '../../../src/statement.ts';

/** How long a statement waits for its predecessors. Far above what two sockets of one process lie apart; no basis yet for less. */
const WAIT_MS = 200;
/** Devices remembered; the longest silent is dropped, and its next statement waits once. */
const DEVICES_MAX = 100_000;

interface Line {
  /** The number that needs no wait; undefined for a device not heard of yet. */
  next: number | undefined;
  readonly ahead: Map<number, () => void>;
  timer: NodeJS.Timeout | undefined;
}

export class DeviceOrder {
  readonly #lines = new Map<string, Line>();

  /** Calls `start` when it is this statement's turn: at once, or when its predecessors came, or after a moment. */
  enter(device: string, bytes: Uint8Array, start: () => void): void {
    const decoded = decodeStatement(bytes); // attacker-controlled
    if (decoded.kind !== 'ok') {
      start();
      return;
    }
    const { boot, seq } = decoded.value;
    const line = this.#line(`${device} ${boot}`);
    // Behind, sent again, or a second one for a number that waits: the log will tell.
    if (seq < (line.next ?? 0) || line.ahead.has(seq)) {
      start();
      return;
    }
    line.ahead.set(seq, start);
    if (seq === (line.next ?? 0)) release(line, seq);
    else line.timer ??= setTimeout(() => release(line, Math.min(...line.ahead.keys())), WAIT_MS);
  }

  /** Forgets what waits. */
  close(): void {
    for (const line of this.#lines.values()) clearTimeout(line.timer);
    this.#lines.clear();
  }

  #line(name: string): Line {
    const line = this.#lines.get(name) ?? { next: undefined, ahead: new Map(), timer: undefined };
    this.#lines.delete(name);
    this.#lines.set(name, line);
    if (this.#lines.size > DEVICES_MAX) {
      const [oldest] = this.#lines.keys();
      this.#lines.delete(oldest as string); // what waits in it is released by its own timer
    }
    return line;
  }
}

/** Starts the statement `from` and whatever follows it without a hole; the rest waits on. */
function release(line: Line, from: number): void {
  clearTimeout(line.timer);
  line.timer = undefined;
  let seq = from;
  for (let start = line.ahead.get(seq); start !== undefined; start = line.ahead.get(seq)) {
    line.ahead.delete(seq);
    seq += 1;
    start();
  }
  line.next = seq;
  if (line.ahead.size > 0)
    line.timer = setTimeout(() => release(line, Math.min(...line.ahead.keys())), WAIT_MS);
}
