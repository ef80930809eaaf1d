/**
 * Notices devices that have fallen silent: nothing was accepted of them for longer than their cadence allows. A reading that does
 * not come is the one loss that nothing in the log can show.
 *
 * Silence is measured on a clock that only ever grows: a jump of the gateway's clock makes nobody silent and nobody heard.
 */
import type { ExpectedDevice, Logger, SilentDevices } from '../ports.ts';

/** How often everyone is looked at, as a share of the shortest cadence there is; and at least and at most. */
const LOOKS_PER_CADENCE = 4;
const LOOK_AT_LEAST_MS = 1_000;
const LOOK_AT_MOST_MS = 60_000;

export interface SilenceParts {
  /** Every active device with a cadence. */
  readonly expected: () => Iterable<ExpectedDevice>;
  /** One of them; undefined when it is not active any more or has no cadence. */
  readonly expectedOne: (device: string) => ExpectedDevice | undefined;
  /** The gateway's clock, milliseconds. */
  readonly now: () => number;
  /** Milliseconds that only ever grow. */
  readonly monotonic: () => number;
  readonly logger: Logger;
}

interface Watched {
  lastHeard: number;
  readonly cadenceMs: number;
  isSilent: boolean;
}

export class SilenceWatch implements SilentDevices {
  readonly #parts: SilenceParts;
  /** `lastHeard` by the growing clock. */
  readonly #devices = new Map<string, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #silent = 0;

  constructor(parts: SilenceParts) {
    this.#parts = parts;
    const offset = parts.monotonic() - parts.now();
    for (const { device, lastHeard, cadenceMs } of parts.expected())
      this.#devices.set(device, { lastHeard: lastHeard + offset, cadenceMs, isSilent: false });
  }

  /** Devices that are silent. */
  get silent(): number {
    return this.#silent;
  }

  /** Milliseconds since the last statement of a device that is silent; undefined of any other. */
  silentFor(device: string): number | undefined {
    const watched = this.#devices.get(device);
    return watched?.isSilent === true ? this.#parts.monotonic() - watched.lastHeard : undefined;
  }

  start(): void {
    this.look();
    let shortest = LOOK_AT_MOST_MS * LOOKS_PER_CADENCE;
    for (const { cadenceMs } of this.#devices.values()) shortest = Math.min(shortest, cadenceMs);
    const everyMs = Math.min(Math.max(shortest / LOOKS_PER_CADENCE, LOOK_AT_LEAST_MS), LOOK_AT_MOST_MS);
    this.#timer = setInterval(() => this.look(), everyMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Called with every accepted statement. */
  onHeard(device: string): void {
    const watched = this.#devices.get(device);
    if (watched === undefined) return;
    watched.lastHeard = this.#parts.monotonic();
    if (!watched.isSilent) return;
    watched.isSilent = false;
    this.#silent -= 1;
    this.#parts.logger.info({ device }, 'device is heard again');
  }

  /** Called when a device was enrolled or changed: it starts afresh, or is expected no more. */
  onDeviceChanged(device: string): void {
    const before = this.#devices.get(device);
    if (before?.isSilent === true) this.#silent -= 1;
    this.#devices.delete(device);
    const expected = this.#parts.expectedOne(device);
    if (expected === undefined) return;
    const lastHeard = before?.lastHeard ?? this.#parts.monotonic();
    this.#devices.set(device, { lastHeard, cadenceMs: expected.cadenceMs, isSilent: false });
  }

  /** Looks at everyone. */
  look(): void {
    const now = this.#parts.monotonic();
    for (const [device, watched] of this.#devices) {
      if (watched.isSilent || now - watched.lastHeard <= watched.cadenceMs) continue;
      watched.isSilent = true;
      this.#silent += 1;
      const silentForSeconds = Math.round((now - watched.lastHeard) / 1000);
      const cadenceSeconds = watched.cadenceMs / 1000;
      this.#parts.logger.warn(
        { device, silentForSeconds, cadenceSeconds },
        'device is silent past its cadence',
      );
    }
  }
}
