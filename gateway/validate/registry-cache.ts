/** Enrolled devices with their keys made ready, loaded on demand and dropped when a device event changes them. */
import { bytesToHex } from '../../src/bytes.ts';
import { prepareKey } from '../crypto/verifier.ts';
import type { DeviceKey, EnrolledDevice, Registry } from '../ports.ts';
import type { DeviceKeyRow, RegistryStore } from '../store/registry-store.ts';

/** Devices kept ready. No basis yet but size, about 1 kB each; bench/memory will tell. */
const CAPACITY = 50_000;

export class RegistryCache implements Registry {
  readonly #store: RegistryStore;
  readonly #devices = new Map<string, EnrolledDevice>();

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  find(urn: string): EnrolledDevice | undefined {
    const cached = this.#devices.get(urn);
    if (cached !== undefined) return cached;
    const device = this.#load(urn);
    if (device === undefined) return undefined; // unknown names are not remembered: an attacker picks them
    if (this.#devices.size >= CAPACITY) this.#devices.delete(this.#devices.keys().next().value as string);
    this.#devices.set(urn, device);
    return device;
  }

  /** Called after the commit of anything that changed the device. */
  invalidate(urn: string): void {
    this.#devices.delete(urn);
  }

  #load(urn: string): EnrolledDevice | undefined {
    const row = this.#store.device(urn);
    if (row === undefined) return undefined;
    const keys = new Map(this.#store.keys(row.id).map((key) => [bytesToHex(key.kid), toDeviceKey(key)]));
    return {
      id: row.id,
      urn: row.urn,
      owner: row.owner,
      provider: row.provider,
      status: row.status,
      key: (kid) => keys.get(bytesToHex(kid)),
    };
  }
}

function toDeviceKey(row: DeviceKeyRow): DeviceKey {
  const native = prepareKey(row.key);
  return {
    algorithm: row.key.algorithm,
    retiredAt: row.retiredAt,
    verify: (message, signature) => native.verify(message, signature),
  };
}
