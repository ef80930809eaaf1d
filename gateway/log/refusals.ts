/** Puts what was refused into quarantine, sealed, as much of it as is worth keeping. */
import type { RejectCode } from '../../src/verdict.ts';
import { sha256 } from '../crypto/hash.ts';
import { seal } from '../crypto/vault.ts';
import type { Kept, QuarantineStore } from '../store/quarantine-store.ts';
import type { Keyring } from './keyring.ts';

/** Of a longer message only the beginning is kept, enough to recognise what sent it. */
const QUARANTINED_BYTES_MAX = 64 * 1024;
const RECOGNISED_BYTES = 1024;

/** Bytes that can never become valid, and why. */
export interface Refusal {
  /** As the topic named it. */
  readonly device: string;
  readonly code: RejectCode;
  readonly detail: string;
  /** The device's owner, when the bytes could be tied to one: the patient's key then seals them. */
  readonly owner: number | undefined;
  readonly bytes: Uint8Array;
  readonly receivedAt: number;
}

/** Works within the caller's transaction. */
export class RefusalKeeper {
  readonly #keys: Keyring;
  readonly #quarantine: QuarantineStore;

  constructor(keys: Keyring, quarantine: QuarantineStore) {
    this.#keys = keys;
    this.#quarantine = quarantine;
  }

  keep({ device, code, detail, owner, bytes, receivedAt }: Refusal): Kept {
    const ownKey = owner === undefined ? undefined : this.#keys.keyOf(owner);
    const sealer = owner !== undefined && ownKey !== undefined ? owner : this.#keys.gatewayOwner;
    const key = ownKey ?? this.#keys.keyOf(sealer);
    if (key === undefined) throw new RangeError('the gateway has no key of its own');
    const entry = sha256(bytes);
    return this.#quarantine.add({
      device,
      code,
      detail,
      received_at: receivedAt,
      entry,
      length: bytes.length,
      owner: sealer,
      sealed: seal(key, bytes.subarray(0, bytesKept(code)), entry),
    });
  }
}

/** How much of a refused message is kept. */
function bytesKept(code: RejectCode): number {
  // Anyone can send these under any name: enough to recognise what did.
  if (code === 'unknown-device' || code === 'oversize') return RECOGNISED_BYTES;
  // Its device did sign these: half a statement proves nothing, and cannot be taken in later.
  const isWhole = code === 'equivocation' || code === 'suspended-device';
  return isWhole ? Number.POSITIVE_INFINITY : QUARANTINED_BYTES_MAX;
}
