/** Decides by itself whether a delivered entry is what the gateway says it is. Nothing is believed unverified. */
import { equalBytes } from '../src/bytes.ts';
import { keyId, type PublicKey } from '../src/cose/key.ts';
import type { DeliveredEntry } from '../src/delivery.ts';
import { type DeviceEventStatement, decodeLogStatement } from '../src/log-statement.ts';
import { verifySignature } from '../src/signature.ts';
import { decodeStatement, hashEntry } from '../src/statement.ts';
import { ok, type Parsed, type RejectCode, reject } from '../src/verdict.ts';
import { findDeviceKey, type PlacedEvent } from './device-history.ts';

/** Whom the clinic trusts, and about what. */
export interface Trust {
  /** Origin of the gateway's log. */
  readonly origin: string;
  /** Ed25519 key of the log, 32 bytes. */
  readonly logKey: Uint8Array;
  /** Keys the clinic pinned by itself, by device URN. */
  readonly pinned: ReadonlyMap<string, readonly PublicKey[]>;
}

/** An entry that passed. */
export interface BelievedEntry extends DeliveredEntry {
  /** SHA-256 of the bytes. */
  readonly entry: Uint8Array;
  readonly device: string;
  /** Present on statements. */
  readonly boot?: number;
  readonly seq?: number;
  /** Present on device events. */
  readonly event?: DeviceEventStatement;
}

/** `index-conflict`: the log's operator gives one place to two entries, or two places to one. */
export type RefusalCode = RejectCode | 'index-conflict';

/** An entry that did not, with the device it speaks of when that could be read. */
export interface RefusedEntry extends DeliveredEntry {
  readonly entry: Uint8Array;
  readonly device?: string;
  readonly code: RefusalCode;
  readonly detail: string;
}

export type Judgement =
  | { readonly kind: 'believed'; readonly entry: BelievedEntry }
  | { readonly kind: 'refused'; readonly entry: RefusedEntry };

/** A device event must be signed by the pinned key of this very log. */
export function judgeEvent(delivered: DeliveredEntry, trust: Trust): Judgement {
  const entry = hashEntry(delivered.bytes);
  const event = verifyEvent(delivered.bytes, trust);
  if (event.kind === 'reject') return refuse(delivered, entry, event);
  return {
    kind: 'believed',
    entry: { ...delivered, entry, device: event.value.device, event: event.value },
  };
}

/**
 * A statement must be signed with a key that was its device's at that place in the log.
 * @param historyOf events of a device believed so far
 */
export function judgeStatement(
  delivered: DeliveredEntry,
  trust: Trust,
  historyOf: (device: string) => readonly PlacedEvent[],
): Judgement {
  const entry = hashEntry(delivered.bytes);
  const decoded = decodeStatement(delivered.bytes);
  if (decoded.kind === 'reject') return refuse(delivered, entry, decoded);
  const { issuer: device, kid, algorithm, signedBytes, signature, boot, seq } = decoded.value;
  const pinned = trust.pinned.get(device) ?? [];
  const key = findDeviceKey(historyOf(device), pinned, { kid, algorithm, index: delivered.index });
  if (key.kind === 'reject') return refuse(delivered, entry, key, device);
  if (!verifySignature(algorithm, key.value.bytes, signedBytes, signature)) {
    return refuse(delivered, entry, reject('bad-signature', 'the device did not sign these bytes'), device);
  }
  return { kind: 'believed', entry: { ...delivered, entry, device, boot, seq } };
}

function verifyEvent(bytes: Uint8Array, { origin, logKey }: Trust): Parsed<DeviceEventStatement> {
  const decoded = decodeLogStatement(bytes);
  if (decoded.kind === 'reject') return decoded;
  const statement = decoded.value;
  if (statement.kind !== 'device-event') return reject('malformed', 'not a device event');
  if (statement.origin !== origin) return reject('wrong-issuer', 'the event is of another log');
  if (!equalBytes(statement.kid, keyId({ algorithm: 'Ed25519', bytes: logKey }))) {
    return reject('unknown-key', 'the event is not signed with the pinned key of the log');
  }
  return verifySignature('Ed25519', logKey, statement.signedBytes, statement.signature)
    ? ok(statement)
    : reject('bad-signature', 'the log did not sign these bytes');
}

function refuse(
  delivered: DeliveredEntry,
  entry: Uint8Array,
  { code, detail }: { readonly code: RejectCode; readonly detail: string },
  device?: string,
): Judgement {
  return {
    kind: 'refused',
    entry: { ...delivered, entry, code, detail, ...(device === undefined ? {} : { device }) },
  };
}
