/** Enrolled devices with their keys made ready, loaded on demand and dropped when a device event changes them. */
import { bytesToHex } from '../../src/bytes.ts';
import { type NativeKey, prepareKey } from '../crypto/verifier.ts';
import type { DeviceKey, EnrolledDevice, Registry } from '../ports.ts';
import type { DeviceKeyRow } from '../store/device-key-store.ts';
import type { RegistryStore } from '../store/registry-store.ts';
import { packKeys } from './packed-keys.ts';

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

  refresh(urn: string): EnrolledDevice | undefined {
    this.#devices.delete(urn);
    return this.find(urn);
  }

  /** Called after the commit of anything that changed the device. */
  invalidate(urn: string): void {
    this.#devices.delete(urn);
  }

  #load(urn: string): EnrolledDevice | undefined {
    const row = this.#store.device(urn);
    if (row === undefined) return undefined;
    const rows = this.#store.keys.of(row.id);
    const keys = new Map(rows.map((key) => [bytesToHex(key.kid), toDeviceKey(key)]));
    return {
      id: row.id,
      urn: row.urn,
      owner: row.owner,
      provider: row.provider,
      status: row.status,
      key: (kid) => keys.get(bytesToHex(kid)),
      packedKeys: packKeys(rows.map(({ kid, key, retiredAt }) => ({ ...key, kid, retiredAt }))),
    };
  }
}

function toDeviceKey({ key, retiredAt }: DeviceKeyRow): DeviceKey {
  let native: NativeKey | undefined;
  return {
    algorithm: key.algorithm,
    retiredAt,
    verify: (message, signature) => {
      native ??= prepareKey(key); // most are never used on this thread
      return native.verify(message, signature);
    },
  };
}
