/**
 * Asks devices to send again what is missing: at once when a gap opens, when a device comes to listen, and again while it goes on
 * sending, at growing intervals. A request may never be heard, and a device may have forgotten what it is asked for.
 */
import type { DeviceOutlet, SequenceRange } from '../ports.ts';

/** The first wait until a device that is heard is asked again, and the longest. */
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 24 * 3_600_000;
/** Gaps asked for at once before a device has rest from them for a while: one that sends every other number opens one with each. */
const PROMPT_MAX = 10;
/** How long it has rest; then, when it is heard, all that is missing is asked for together. */
const REST_MS = 5_000;
/** Ranges in one request: some 2 kB. */
const RANGES_AT_ONCE = 100;
/** Devices remembered. One that falls out is asked again when it comes to listen. */
const CAPACITY = 100_000;

export interface ResendParts {
  readonly outlet: Pick<DeviceOutlet, 'requestResend'>;
  /** The ranges that a device misses, in their order, at most `limit`: the first ones, or those behind one. None of a device that may not send. */
  readonly gaps: (device: string, limit: number, behind?: SequenceRange) => readonly SequenceRange[];
  /** Milliseconds that only ever grow, whatever the gateway's clock does. */
  readonly monotonic: () => number;
}

interface Asked {
  readonly at: number;
  readonly waitMs: number;
  /** Gaps asked for at once since it had rest. */
  readonly prompt: number;
  /** The last range of the last request; the next one goes on behind it, or what cannot be sent would hide the rest for good. */
  readonly behind: SequenceRange | undefined;
}

const NEVER: Asked = { at: Number.NEGATIVE_INFINITY, waitMs: 0, prompt: 0, behind: undefined };

export class ResendRequests {
  readonly #parts: ResendParts;
  /** Devices that miss something, and when they were last asked. */
  readonly #asked = new Map<string, Asked>();

  constructor(parts: ResendParts) {
    this.#parts = parts;
  }

  /** Devices that miss something, as far as is known. */
  get size(): number {
    return this.#asked.size;
  }

  /** Called at start for every device that misses something: it is asked when it is next heard. */
  remember(device: string): void {
    this.#note(device, NEVER);
  }

  /** Called when a gap has opened. */
  onGap(device: string, gap: SequenceRange): void {
    const asked = this.#asked.get(device) ?? NEVER;
    const now = this.#parts.monotonic();
    const prompt = now < asked.at + REST_MS ? asked.prompt : 0;
    if (prompt >= PROMPT_MAX) {
      this.#note(device, { ...asked, waitMs: REST_MS }); // asked for together with the others, once it has had rest
      return;
    }
    this.#note(device, { ...asked, at: now, waitMs: FIRST_WAIT_MS, prompt: prompt + 1 });
    this.#parts.outlet.requestResend(device, [gap]);
  }

  /** Called when a device has come to hear its requests. */
  onListening(device: string): void {
    this.#ask(device, FIRST_WAIT_MS, undefined);
  }

  /** Called when a device may do something that it might not before, or the reverse. */
  onDeviceChanged(device: string): void {
    this.#ask(device, FIRST_WAIT_MS, undefined);
  }

  /** Called with every statement of a device: it is there, so it may be worth asking again. */
  onHeard(device: string): void {
    const asked = this.#asked.get(device);
    if (asked === undefined || this.#parts.monotonic() < asked.at + asked.waitMs) return;
    const waitMs = asked.waitMs < FIRST_WAIT_MS ? FIRST_WAIT_MS : 2 * asked.waitMs;
    this.#ask(device, Math.min(waitMs, LONGEST_WAIT_MS), asked.behind);
  }

  #ask(device: string, waitMs: number, behind: SequenceRange | undefined): void {
    const { gaps, monotonic, outlet } = this.#parts;
    let ranges = gaps(device, RANGES_AT_ONCE, behind);
    if (ranges.length === 0 && behind !== undefined) ranges = gaps(device, RANGES_AT_ONCE);
    if (ranges.length === 0) {
      this.#asked.delete(device);
      return;
    }
    // What fitted into one request is asked for from the beginning the next time.
    const last = ranges.length === RANGES_AT_ONCE ? ranges.at(-1) : undefined;
    this.#note(device, { at: monotonic(), waitMs, prompt: 0, behind: last });
    outlet.requestResend(device, ranges);
  }

  #note(device: string, asked: Asked): void {
    this.#asked.delete(device);
    this.#asked.set(device, asked);
    if (this.#asked.size > CAPACITY) this.#asked.delete(this.#asked.keys().next().value as string);
  }
}
