/**
 * Asks devices to send again what is missing: at once when a gap opens, when a device comes to listen, and again while it goes on
 * sending, at growing intervals. A request may never be heard, and a device may have forgotten what it is asked for.
 */
import type { DeviceOutlet, SequenceRange } from '../ports.ts';

/** The first wait until a device that is heard is asked again, and the longest. */
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 24 * 3_600_000;
/** Ranges in one request: some 2 kB. The rest is asked for once these are filled. */
const RANGES_AT_ONCE = 100;
/** Devices remembered. One that falls out is asked again when it comes to listen. */
const CAPACITY = 100_000;

export interface ResendParts {
  readonly outlet: Pick<DeviceOutlet, 'requestResend'>;
  /** The ranges a device misses, at most `limit`. */
  readonly gaps: (device: string, limit: number) => readonly SequenceRange[];
  /** Milliseconds that only ever grow, whatever the gateway's clock does. */
  readonly monotonic: () => number;
}

interface Asked {
  readonly at: number;
  readonly waitMs: number;
}

export class ResendRequests {
  readonly #parts: ResendParts;
  /** Devices that miss something, and when they were last asked. */
  readonly #asked = new Map<string, Asked>();

  constructor(parts: ResendParts) {
    this.#parts = parts;
  }

  /** Called at start for every device that misses something: it is asked when it is next heard. */
  remember(device: string): void {
    this.#note(device, { at: Number.NEGATIVE_INFINITY, waitMs: 0 });
  }

  /** Called when a gap has opened. */
  onGap(device: string, gap: SequenceRange): void {
    this.#note(device, { at: this.#parts.monotonic(), waitMs: FIRST_WAIT_MS });
    this.#parts.outlet.requestResend(device, [gap]);
  }

  /** Called when a device has come to hear its requests. */
  onListening(device: string): void {
    this.#askAll(device, FIRST_WAIT_MS);
  }

  /** Called with every statement of a device: it is there, so it may be worth asking again. */
  onHeard(device: string): void {
    const asked = this.#asked.get(device);
    if (asked === undefined || this.#parts.monotonic() < asked.at + asked.waitMs) return;
    this.#askAll(device, Math.min(Math.max(2 * asked.waitMs, FIRST_WAIT_MS), LONGEST_WAIT_MS));
  }

  #askAll(device: string, waitMs: number): void {
    const ranges = this.#parts.gaps(device, RANGES_AT_ONCE);
    if (ranges.length === 0) {
      this.#asked.delete(device);
      return;
    }
    this.#note(device, { at: this.#parts.monotonic(), waitMs });
    this.#parts.outlet.requestResend(device, ranges);
  }

  #note(device: string, asked: Asked): void {
    this.#asked.delete(device);
    this.#asked.set(device, asked);
    if (this.#asked.size > CAPACITY) this.#asked.delete(this.#asked.keys().next().value as string);
  }
}
