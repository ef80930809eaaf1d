/**
 * The registry as the log tells it: device events replayed in order. Grows with the number of devices, not of entries:
 * about a kilobyte each.
 */
import { bytesToHex, equalBytes } from '../../src/bytes.ts';
import { keyId, type PublicKey } from '../../src/cose/key.ts';
import type { DeviceEventStatement } from '../../src/log-statement.ts';
import type { DeviceStatus } from '../ports.ts';

export interface LoggedKey {
  readonly key: PublicKey;
  retired: boolean;
}

export interface LoggedDevice {
  status: DeviceStatus;
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
  apply(event: DeviceEventStatement): string | undefined {
    const known = this.#devices.get(event.device);
    const device = known ?? { status: 'active', keys: new Map() };
    this.#devices.set(event.device, device);
    const problem = impossible(event, known);
    switch (event.event) {
      case 'enrol':
      case 'add-key':
        if (event.key !== undefined)
          device.keys.set(bytesToHex(keyId(event.key)), { key: event.key, retired: false });
        break;
      case 'retire-key':
        this.#retire(device, event.key);
        break;
      default:
        device.status = STATUS_AFTER[event.event];
    }
    return problem;
  }

  #retire(device: LoggedDevice, key: PublicKey | undefined): void {
    const logged = key && device.keys.get(bytesToHex(keyId(key)));
    if (logged !== undefined) logged.retired = true;
  }
}

const STATUS_AFTER = { suspend: 'suspended', resume: 'active', revoke: 'revoked' } as const;

/**
 * A device is enrolled once and first, and revoked for good; a key is added once and retired once. `resume` is not
 * held against `suspend`: a device is suspended at once for equivocation and the event follows.
 */
function impossible(
  { event, key }: DeviceEventStatement,
  device: LoggedDevice | undefined,
): string | undefined {
  if (event === 'enrol') return device === undefined ? undefined : 'it is enrolled already';
  if (device === undefined) return 'it is not enrolled yet';
  if (device.status === 'revoked') return 'it has been revoked';
  if (key === undefined) return undefined;
  const logged = device.keys.get(bytesToHex(keyId(key)));
  if (event === 'add-key') return logged === undefined ? undefined : 'it has this key already';
  const isInUse = logged !== undefined && !logged.retired && equalBytes(logged.key.bytes, key.bytes);
  return isInUse ? undefined : 'it has no such key in use';
}
