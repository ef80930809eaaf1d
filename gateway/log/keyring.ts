/** The owners' data keys, unwrapped on demand and kept for the ones in use. */
import { Vault } from '../crypto/vault.ts';
import type { RegistryStore } from '../store/registry-store.ts';

/** Owners whose keys stay in memory. No basis yet but size: 32 bytes each and the map's overhead. */
const CAPACITY = 100_000;
/** The name of the owner that is the gateway itself: heartbeats, and bytes that belong to no known patient. */
const GATEWAY_OWNER = '';

export class Keyring {
  readonly #vault: Vault;
  readonly #registry: RegistryStore;
  readonly #keys = new Map<number, Uint8Array | undefined>();
  /** The owner id of the gateway itself. */
  readonly gatewayOwner: number;

  constructor(masterKey: Uint8Array, registry: RegistryStore) {
    this.#vault = new Vault(masterKey);
    this.#registry = registry;
    this.gatewayOwner = this.ownerNamed(GATEWAY_OWNER);
    this.keyOf(this.gatewayOwner); // a wrong master key shows here, at start
  }

  /** The id of the owner with this name, made with a fresh key when new. Call inside a transaction when it may be new. */
  ownerNamed(name: string): number {
    const existing = this.#registry.owner(name);
    if (existing !== undefined) return existing.id;
    return this.#registry.addOwner(name, this.#vault.createKey(name).wrapped);
  }

  /** The data key of an owner; undefined once erased. */
  keyOf(owner: number): Uint8Array | undefined {
    if (this.#keys.has(owner)) return this.#keys.get(owner);
    const row = this.#registry.ownerById(owner);
    if (row === undefined) throw new RangeError(`owner ${owner} does not exist`);
    const key = row.wrapped === null ? undefined : this.#vault.unwrapKey(row.wrapped, row.name);
    if (this.#keys.size >= CAPACITY) this.#keys.clear();
    this.#keys.set(owner, key);
    return key;
  }

  /** Forgets keys read in a transaction that was rolled back. */
  forget(): void {
    this.#keys.clear();
  }
}
