/**
 * Statements that the operator of a log signs with the log's key: heartbeats, and what happened to devices.
 * They are COSE_Sign1 like a device's and enter the same log (docs/protocol.md, "Log statements").
 */
import { CborError, type CborMap, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { isLogOrigin } from './checkpoint.ts';
import { ALGORITHM_IDS, type Algorithm, algorithmFromId } from './cose/algorithm.ts';
import { decodeCoseKey, encodeCoseKey, keyId, type PublicKey } from './cose/key.ts';
import { decodeSign1, encodeSign1, type Sign1, signatureInput } from './cose/sign1.ts';
import type { Signer } from './signature.ts';
import { type Beacon, beaconFromCbor, beaconToCbor } from './statement/beacon.ts';
import { CLAIM, isSubject, timeFromCbor, timeToCbor, unknownKey } from './statement/claims.ts';
import { isDeviceUrn } from './statement/device-urn.ts';
import { LABEL } from './statement/header.ts';
import { ok, type Parsed, reject } from './verdict.ts';

/** What can happen to a device in the eyes of its log. */
export const DEVICE_EVENTS = ['enrol', 'add-key', 'retire-key', 'suspend', 'resume', 'revoke'] as const;
export type DeviceEvent = (typeof DEVICE_EVENTS)[number];

/** Why a key or a device is trusted no more. */
export const END_REASONS = ['superseded', 'decommissioned', 'lost', 'stolen', 'compromised'] as const;
export type EndReason = (typeof END_REASONS)[number];

/**
 * Whether a key may have been in other hands from the moment its trust ended, so that only what provably existed by then stays
 * good. A retirement is in good order and a revocation is not, unless their reason says otherwise.
 */
export function isExposed(event: 'retire-key' | 'revoke', reason: EndReason | undefined): boolean {
  if (reason === undefined) return event === 'revoke';
  return reason === 'lost' || reason === 'stolen' || reason === 'compromised';
}

/** A sign of life that joins every checkpoint, so that a log's growth does not tell how much a person measures. */
export interface Heartbeat {
  readonly kind: 'heartbeat';
  readonly origin: string;
  /** 16 random bytes, which keep the entry from being guessed. */
  readonly cti: Uint8Array;
  /** The gateway's clock, seconds since the Unix epoch. */
  readonly time: number;
  readonly beacon?: Beacon;
}

/** Something that happened to a device. */
export interface DeviceEventStatement {
  readonly kind: 'device-event';
  readonly origin: string;
  readonly event: DeviceEvent;
  /** The device's URN. */
  readonly device: string;
  /** The key concerned: present exactly for `enrol`, `add-key` and `retire-key`. */
  readonly key?: PublicKey;
  /** When the log's operator recorded it and began to act on it, seconds since the Unix epoch. */
  readonly time: number;
  /**
   * Only for `retire-key` and `revoke`, and only when it lies before `time`: from when the key, or every key of the device, is good
   * no more. Seconds since the Unix epoch. Absent: from `time` on.
   */
  readonly effective?: number;
  /** Only for `retire-key` and `revoke`. */
  readonly reason?: EndReason;
  /** 16 random bytes. */
  readonly cti: Uint8Array;
}

export type LogStatement = Heartbeat | DeviceEventStatement;

/** The outside of a decoded log statement; the signature is not yet verified. */
export interface LogStatementEnvelope {
  readonly bytes: Uint8Array;
  readonly kid: Uint8Array;
  readonly algorithm: Algorithm;
  readonly signature: Uint8Array;
  readonly signedBytes: Uint8Array;
}

const CONTENT_TYPES = {
  heartbeat: 'application/vnd.vitalseal.heartbeat+cbor',
  'device-event': 'application/vnd.vitalseal.device-event+cbor',
} as const;
/** The `sub` of a heartbeat. A device event is about the device, whose URN is its `sub`. */
const HEARTBEAT_SUBJECT = 'heartbeat';
const KEYED_EVENTS: ReadonlySet<DeviceEvent> = new Set<DeviceEvent>(['enrol', 'add-key', 'retire-key']);
const ENDING_EVENTS: ReadonlySet<DeviceEvent> = new Set<DeviceEvent>(['retire-key', 'revoke']);

const KNOWN_LABELS: ReadonlySet<CborValue> = new Set<CborValue>([
  LABEL.alg,
  LABEL.contentType,
  LABEL.kid,
  LABEL.claims,
]);
const KNOWN_CLAIMS: ReadonlySet<CborValue> = new Set<CborValue>(Object.values(CLAIM));
/** Keys of the payload maps. */
const HEARTBEAT = { beacon: 1 } as const;
const EVENT = { event: 1, key: 2, effective: 3, reason: 4 } as const;
const KNOWN_EVENT_KEYS: ReadonlySet<CborValue> = new Set<CborValue>(Object.values(EVENT));

/** How the key inside an event is read. */
type KeyReader = (bytes: Uint8Array) => Parsed<PublicKey>;

/**
 * Builds a log statement, has it signed with the log's key, and gives its exact bytes.
 *
 * @throws {RangeError} when a field is outside what {@link decodeLogStatement} accepts or the signer is not Ed25519.
 */
export async function signLogStatement(statement: LogStatement, signer: Signer): Promise<Uint8Array> {
  const header = toHeader(statement, signer.publicKey);
  const payload = encodeCbor(toPayload(statement));
  // A PublicKey has passed parsePublicKey: to look at its point again would take longer than all the rest.
  const checked = read(header, payload, (bytes) =>
    'key' in statement && statement.key !== undefined ? ok(statement.key) : decodeCoseKey(bytes),
  );
  if (checked.kind === 'reject') throw new RangeError(`statement: ${checked.detail}`);
  const protectedBytes = encodeCbor(header);
  const signature = await signer.sign(signatureInput(protectedBytes, payload));
  if (signature.length !== 64) throw new RangeError('signer: a raw signature has 64 bytes');
  return encodeSign1({ protectedBytes, payload, signature });
}

/** Reads a log statement, as strictly as a device's. The signature is not checked. */
export function decodeLogStatement(bytes: Uint8Array): Parsed<LogStatement & LogStatementEnvelope> {
  const sign1 = decodeSign1(bytes);
  if (sign1.kind === 'reject') return sign1;
  const { protectedBytes, protectedHeader, unprotectedHeader, payload, signature }: Sign1 = sign1.value;
  if (unprotectedHeader.size > 0) return reject('malformed', 'unprotected header: not empty');
  if (payload === null) return reject('malformed', 'payload: detached');
  if (signature.length !== 64) return reject('malformed', 'signature: not 64 bytes');
  const content = read(protectedHeader, payload, decodeCoseKey);
  if (content.kind === 'reject') return content;
  const signedBytes = signatureInput(protectedBytes, payload);
  return ok({ ...content.value, signature, signedBytes, bytes: new Uint8Array(bytes) });
}

function toHeader(statement: LogStatement, key: PublicKey): CborMap {
  const claims = new Map<CborValue, CborValue>([
    [CLAIM.iss, statement.origin],
    [CLAIM.sub, statement.kind === 'heartbeat' ? HEARTBEAT_SUBJECT : statement.device],
    [CLAIM.iat, timeToCbor(statement.time)],
    [CLAIM.cti, statement.cti],
  ]);
  return new Map<CborValue, CborValue>([
    [LABEL.alg, ALGORITHM_IDS[key.algorithm]],
    [LABEL.contentType, CONTENT_TYPES[statement.kind]],
    [LABEL.kid, keyId(key)],
    [LABEL.claims, claims],
  ]);
}

function toPayload(statement: LogStatement): CborMap {
  const payload = new Map<CborValue, CborValue>();
  if (statement.kind === 'heartbeat') {
    if (statement.beacon !== undefined) payload.set(HEARTBEAT.beacon, beaconToCbor(statement.beacon));
  } else {
    payload.set(EVENT.event, statement.event);
    if (statement.key !== undefined) payload.set(EVENT.key, encodeCoseKey(statement.key));
    if (statement.effective !== undefined) payload.set(EVENT.effective, timeToCbor(statement.effective));
    if (statement.reason !== undefined) payload.set(EVENT.reason, statement.reason);
  }
  return payload;
}

function read(
  header: CborMap,
  payload: Uint8Array,
  readKey: KeyReader,
): Parsed<LogStatement & Pick<LogStatementEnvelope, 'algorithm' | 'kid'>> {
  if (unknownKey(header, KNOWN_LABELS) !== undefined) return reject('malformed', 'header: unknown label');
  const alg = header.get(LABEL.alg);
  const algorithm = typeof alg === 'number' ? algorithmFromId(alg) : undefined;
  if (algorithm !== 'Ed25519') return reject('malformed', 'alg: a log signs with Ed25519');
  const kid = header.get(LABEL.kid);
  if (!(kid instanceof Uint8Array) || kid.length !== 8) return reject('malformed', 'kid: not 8 bytes');
  const claims = readClaims(header.get(LABEL.claims));
  if (claims.kind === 'reject') return claims;
  const content = readPayload(payload);
  if (content.kind === 'reject') return content;
  const { subject, ...common } = claims.value;
  const type = header.get(LABEL.contentType);
  const statement =
    type === CONTENT_TYPES.heartbeat
      ? readHeartbeat(common, subject, content.value)
      : type === CONTENT_TYPES['device-event']
        ? readDeviceEvent(common, subject, content.value, readKey)
        : reject('malformed', 'content type: not that of a log statement');
  return statement.kind === 'reject' ? statement : ok({ ...statement.value, algorithm, kid });
}

interface Common {
  readonly origin: string;
  readonly time: number;
  readonly cti: Uint8Array;
}

function readClaims(claims: CborValue | undefined): Parsed<Common & { readonly subject: string }> {
  if (!(claims instanceof Map)) return reject('malformed', 'CWT claims: not a map');
  if (unknownKey(claims, KNOWN_CLAIMS) !== undefined) return reject('malformed', 'CWT claims: unknown claim');
  const origin: CborValue | undefined = claims.get(CLAIM.iss);
  if (typeof origin !== 'string' || !isLogOrigin(origin)) return reject('malformed', 'iss: not a log origin');
  const subject: CborValue | undefined = claims.get(CLAIM.sub);
  if (!isSubject(subject)) return reject('malformed', 'sub: not 1 to 128 bytes of plain text');
  const time = timeFromCbor(claims.get(CLAIM.iat));
  if (time === undefined) return reject('malformed', 'iat: not a time in years 1 to 9999');
  const cti: CborValue | undefined = claims.get(CLAIM.cti);
  if (!(cti instanceof Uint8Array) || cti.length !== 16) return reject('malformed', 'cti: not 16 bytes');
  return ok({ origin, subject, time, cti });
}

function readPayload(payload: Uint8Array): Parsed<CborMap> {
  try {
    const value = decodeCbor(payload); // attacker-controlled
    return value instanceof Map ? ok(value) : reject('malformed', 'payload: not a map');
  } catch (error) {
    if (error instanceof CborError) return reject(error.code, `payload: ${error.message}`);
    throw error;
  }
}

function readHeartbeat(common: Common, subject: string, payload: CborMap): Parsed<Heartbeat> {
  if (subject !== HEARTBEAT_SUBJECT) return reject('malformed', 'sub: a heartbeat is about "heartbeat"');
  const value = payload.get(HEARTBEAT.beacon);
  if (payload.size !== (value === undefined ? 0 : 1)) return reject('malformed', 'payload: unknown key');
  const beacon = beaconFromCbor(value);
  if (value !== undefined && beacon === undefined) return reject('malformed', 'beacon: not [uint, 32 bytes]');
  return ok({ kind: 'heartbeat', ...common, ...(beacon !== undefined && { beacon }) });
}

function readDeviceEvent(
  common: Common,
  device: string,
  payload: CborMap,
  readKey: KeyReader,
): Parsed<DeviceEventStatement> {
  if (!isDeviceUrn(device)) return reject('malformed', 'sub: not a device URN');
  const event = DEVICE_EVENTS.find((name) => name === payload.get(EVENT.event));
  if (event === undefined) return reject('malformed', 'event: not a known one');
  if (unknownKey(payload, KNOWN_EVENT_KEYS) !== undefined) return reject('malformed', 'payload: unknown key');
  const end = readEnd(event, common.time, payload);
  if (end.kind === 'reject') return end;
  const encodedKey = payload.get(EVENT.key);
  if (!KEYED_EVENTS.has(event)) {
    if (encodedKey !== undefined) return reject('malformed', `key: ${event} concerns no single key`);
    return ok({ kind: 'device-event', ...common, event, device, ...end.value });
  }
  if (!(encodedKey instanceof Uint8Array)) return reject('malformed', `key: ${event} names a key`);
  const key = readKey(encodedKey);
  if (key.kind === 'reject') return key;
  return ok({ kind: 'device-event', ...common, event, device, key: key.value, ...end.value });
}

/** From when and why trust ends, as far as the event says so. */
function readEnd(
  event: DeviceEvent,
  time: number,
  payload: CborMap,
): Parsed<Pick<DeviceEventStatement, 'effective' | 'reason'>> {
  const given = { effective: payload.get(EVENT.effective), reason: payload.get(EVENT.reason) };
  if (given.effective === undefined && given.reason === undefined) return ok({});
  if (!ENDING_EVENTS.has(event)) return reject('malformed', `effective, reason: ${event} ends no trust`);
  const effective = timeFromCbor(given.effective);
  if (given.effective !== undefined && effective === undefined)
    return reject('malformed', 'effective: not a time in years 1 to 9999');
  if (effective !== undefined && effective >= time)
    return reject('malformed', 'effective: not before iat; an event is recorded when it has taken effect');
  const reason = END_REASONS.find((name) => name === given.reason);
  if (given.reason !== undefined && reason === undefined)
    return reject('malformed', 'reason: not a known one');
  return ok({ ...(effective !== undefined && { effective }), ...(reason !== undefined && { reason }) });
}
