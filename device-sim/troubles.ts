/** Why nothing of a device gets into the log, for whoever watches a fleet: each reason is told once, and once when it is over. */
import type { FleetEvent } from './fleet.ts';
import type { Answer } from './messages.ts';

/** Refusals that hold for whatever the device sends, in words for people. */
const REFUSALS: Readonly<Record<string, string>> = {
  'unknown-device': 'the gateway does not know the device; enrol it with vitalseal device enrol',
  'revoked-device': 'the device has been revoked',
  'suspended-device': 'the device is suspended; what it sends waits until it is resumed',
  'unknown-key': 'the device signs with a key that is not enrolled for it',
  'retired-key': 'the device signs with a key that has been retired',
};

interface DeviceState {
  /** All since something last got through: a device that is refused is also shut out for a while, and refused again. */
  readonly reasons: Set<string>;
  /** It connects and is refused, so that a connection says nothing. */
  isRefused: boolean;
  /** It has sent something of which it has heard nothing: a connection is no end of its trouble. */
  isWaiting: boolean;
}

export class Troubles {
  readonly #devices = new Map<string, DeviceState>();
  /** For how many devices each reason holds. */
  readonly #holds = new Map<string, number>();
  readonly #counts: Record<string, number> = {};

  /** Why devices had no connection, and how many attempts ended so. */
  get counts(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }

  /** A line when somebody should hear of it at once. */
  hear(event: FleetEvent): string | undefined {
    const { urn } = event;
    const device = this.#device(urn);
    switch (event.kind) {
      case 'trouble':
        this.#counts[event.reason] = (this.#counts[event.reason] ?? 0) + 1;
        return this.#begin(urn, device, event.reason);
      case 'sent':
        device.isWaiting = true;
        return undefined;
      case 'connected':
        return device.isRefused || device.isWaiting ? undefined : this.#end(urn, device);
      case 'acknowledged':
        device.isWaiting = false;
        return device.isRefused ? undefined : this.#end(urn, device);
      case 'answer':
        device.isWaiting = false;
        return this.#answered(urn, device, event);
      default:
        return undefined;
    }
  }

  #device(urn: string): DeviceState {
    const known = this.#devices.get(urn);
    if (known !== undefined) return known;
    const device = { reasons: new Set<string>(), isRefused: false, isWaiting: false };
    this.#devices.set(urn, device);
    return device;
  }

  #answered(urn: string, device: DeviceState, { verdict, code }: Answer): string | undefined {
    if (verdict !== 'reject') return this.#end(urn, device);
    const reason = REFUSALS[code ?? ''];
    if (reason === undefined) return undefined; // of this one statement
    device.isRefused = true;
    return this.#begin(urn, device, reason);
  }

  #begin(urn: string, { reasons, isRefused }: DeviceState, reason: string): string | undefined {
    if (reasons.has(reason)) return undefined;
    reasons.add(reason);
    if (this.#hold(reason, 1) > 1) return undefined;
    return isRefused ? `${urn} sends in vain: ${reason}` : `${urn} sends nothing: ${reason}`;
  }

  /** A reason is over once it holds for no device any more. */
  #end(urn: string, device: DeviceState): string | undefined {
    const over = [...device.reasons].filter((reason) => this.#hold(reason, -1) === 0);
    device.reasons.clear();
    device.isRefused = false;
    return over.length === 0 ? undefined : `${urn} sends again; over: ${over.join('; ')}`;
  }

  #hold(reason: string, change: 1 | -1): number {
    const count = (this.#holds.get(reason) ?? 0) + change;
    this.#holds.set(reason, count);
    return count;
  }
}
