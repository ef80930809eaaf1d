/**
 * The registry as the log tells it: device events replayed in order. Grows with the number of devices, not of entries:
 * about a kilobyte each.
 */
import { bytesToHex, equalBytes } from '../../src/bytes.ts';
import { keyId, type PublicKey } from '../../src/cose/key.ts';
import { type DeviceEventStatement, type EndReason, isExposed } from '../../src/log-statement.ts';
import type { DeviceStatus } from '../ports.ts';

/** The end of the trust in a key or a device, all events about it taken together. */
export interface LoggedEnd {
  /** Seconds since the Unix epoch; to the millisecond only the registry knows it. */
  readonly from: number;
  readonly reason: EndReason | undefined;
  /** Nothing that stands behind this index was in the log by then. */
  readonly index: number;
}

export interface LoggedKey {
  readonly key: PublicKey;
  end?: LoggedEnd;
}

export interface LoggedDevice {
  status: DeviceStatus;
  end?: LoggedEnd;
  /** By key id in hex. */
  readonly keys: Map<string, LoggedKey>;
}

export class DeviceHistory {
  readonly #devices = new Map<string, LoggedDevice>();

  device(urn: string): LoggedDevice | undefined {
    return this.#devices.get(urn);
  }

  /** The key of this id, if it was enrolled before now. */
  key(urn: string, kid: Uint8Array): LoggedKey | undefined {
    return this.#devices.get(urn)?.keys.get(bytesToHex(kid));
  }

  /** Replays one event; gives what is impossible about it, or undefined. An impossible one still takes effect. */
  apply(event: DeviceEventStatement, index: number): string | undefined {
    const known = this.#devices.get(event.device);
    const device: LoggedDevice = known ?? { status: 'active', keys: new Map() };
    this.#devices.set(event.device, device);
    const problem = impossible(event, known);
    switch (event.event) {
      case 'enrol':
      case 'add-key':
        if (event.key !== undefined) device.keys.set(bytesToHex(keyId(event.key)), { key: event.key });
        break;
      case 'retire-key':
        this.#retire(device, event, index);
        break;
      case 'revoke':
        device.status = 'revoked';
        device.end = endAfter(device.end, event, index);
        break;
      default:
        device.status = STATUS_AFTER[event.event];
    }
    return problem;
  }

  #retire(device: LoggedDevice, event: DeviceEventStatement, index: number): void {
    const logged = event.key && device.keys.get(bytesToHex(keyId(event.key)));
    if (logged !== undefined) logged.end = endAfter(logged.end, event, index);
  }
}

/** The earlier of two times, and the graver of two reasons: the later one, unless it takes back that the key was exposed. */
function endAfter(before: LoggedEnd | undefined, event: DeviceEventStatement, index: number): LoggedEnd {
  const from = event.effective ?? event.time;
  if (before === undefined) return { from, reason: event.reason, index };
  const kind = event.event === 'revoke' ? 'revoke' : 'retire-key';
  const isEased = isExposed(kind, before.reason) && !isExposed(kind, event.reason);
  const reason = isEased ? before.reason : event.reason;
  return { from: Math.min(before.from, from), reason, index: before.index };
}

const STATUS_AFTER = { suspend: 'suspended', resume: 'active' } as const;

/**
 * A device is enrolled once and first, and revoked for good; a key is added once and retired once. Both ends may be recorded again
 * when they take more away: from an earlier time, or for a graver reason. `resume` is not held against `suspend`: a device is
 * suspended at once for equivocation and the event follows.
 */
function impossible(event: DeviceEventStatement, device: LoggedDevice | undefined): string | undefined {
  const { key } = event;
  if (event.event === 'enrol') return device === undefined ? undefined : 'it is enrolled already';
  if (device === undefined) return 'it is not enrolled yet';
  if (device.status === 'revoked')
    return event.event === 'revoke' && takesMore(device.end, event) ? undefined : 'it has been revoked';
  if (key === undefined) return undefined;
  const logged = device.keys.get(bytesToHex(keyId(key)));
  if (event.event === 'add-key') return logged === undefined ? undefined : 'it has this key already';
  const isKnown = logged !== undefined && equalBytes(logged.key.bytes, key.bytes);
  const isInUse = isKnown && (logged.end === undefined || takesMore(logged.end, event));
  return isInUse ? undefined : 'it has no such key in use';
}

function takesMore(before: LoggedEnd | undefined, event: DeviceEventStatement): boolean {
  if (before === undefined) return true;
  const kind = event.event === 'revoke' ? 'revoke' : 'retire-key';
  const isGraver = isExposed(kind, event.reason) && !isExposed(kind, before.reason);
  return isGraver || (event.effective ?? event.time) < before.from;
}
