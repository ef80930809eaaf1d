/** Which key a device may sign with at a place in the log, from what the log's operator stated before that place. */
import { bytesToHex, equalBytes } from '../src/bytes.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { keyId, type PublicKey } from '../src/cose/key.ts';
import type { DeviceEventStatement } from '../src/log-statement.ts';
import { ok, type Parsed, reject } from '../src/verdict.ts';

/** A device event and the log index at which it took effect. */
export interface PlacedEvent extends Pick<DeviceEventStatement, 'event' | 'key'> {
  readonly index: number;
}

/** Who claims to have signed, and where in the log it stands. */
export interface SignatureClaim {
  /** First 8 bytes of the key's thumbprint. */
  readonly kid: Uint8Array;
  readonly algorithm: Algorithm;
  readonly index: number;
}

/** Why no key can be given. The first three may heal when an event that is still on its way arrives. */
export type KeyFault =
  | 'unknown-device'
  | 'unknown-key'
  | 'suspended-device'
  | 'retired-key'
  | 'revoked-device';

/** The faults that a late device event can heal. */
export const HEALING_FAULTS: readonly KeyFault[] = ['unknown-device', 'unknown-key', 'suspended-device'];

/**
 * The key behind a claim, if the device could sign with it at that index.
 * @param events of this device, in any order
 * @param pinned keys the clinic got from elsewhere; when there are any, the log cannot add others
 */
export function findDeviceKey(
  events: readonly PlacedEvent[],
  pinned: readonly PublicKey[],
  { kid, algorithm, index }: SignatureClaim,
): Parsed<PublicKey, KeyFault> {
  const before = events.filter((event) => event.index < index).sort((a, b) => a.index - b.index);
  const keys = new Map<string, { readonly key: PublicKey; retired: boolean }>();
  for (const key of pinned) keys.set(bytesToHex(keyId(key)), { key, retired: false });
  let status: 'unknown' | 'active' | 'suspended' | 'revoked' = pinned.length > 0 ? 'active' : 'unknown';
  for (const { event, key } of before) {
    if (key !== undefined) applyKey(keys, event, key, pinned.length === 0);
    status = nextStatus(status, event);
  }
  if (status === 'unknown') return reject('unknown-device', 'no enrolment of this device has arrived');
  if (status === 'suspended')
    return reject('suspended-device', 'the device was suspended at this point of the log');
  if (status === 'revoked')
    return reject('revoked-device', 'the device was revoked at this point of the log');
  const found = [...keys.values()].find((known) => equalBytes(keyId(known.key), kid));
  if (found === undefined || found.key.algorithm !== algorithm) {
    return reject('unknown-key', 'no statement of the log gives this key to the device');
  }
  return found.retired
    ? reject('retired-key', 'the key was retired at this point of the log')
    : ok(found.key);
}

function applyKey(
  keys: Map<string, { readonly key: PublicKey; retired: boolean }>,
  event: PlacedEvent['event'],
  key: PublicKey,
  mayAdd: boolean,
): void {
  const id = bytesToHex(keyId(key));
  if (event === 'retire-key') {
    const known = keys.get(id);
    if (known !== undefined) known.retired = true;
  } else if (mayAdd) {
    keys.set(id, { key, retired: false });
  }
}

function nextStatus<S extends 'unknown' | 'active' | 'suspended' | 'revoked'>(
  status: S,
  event: PlacedEvent['event'],
): 'unknown' | 'active' | 'suspended' | 'revoked' {
  if (status === 'revoked' || event === 'revoke') return 'revoked';
  if (event === 'suspend') return 'suspended';
  if (event === 'resume') return 'active';
  return status === 'unknown' && event !== 'retire-key' ? 'active' : status;
}
