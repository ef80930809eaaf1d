/**
 * The token with which a device shows a gateway who it is when it connects: a CWT (RFC 8392) signed with the device's own key,
 * carried as the MQTT password (docs/protocol.md, "Connecting").
 *
 * It can never pass for a statement, nor a statement for it: both are signed over their protected header, a token's must hold `typ`
 * (RFC 9596) and holds no claims, a statement's must hold claims, content type and number, and may not hold `typ`.
 */
import { base64ToBytes, bytesToBase64 } from './bytes.ts';
import { CborError, type CborMap, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { isLogOrigin } from './checkpoint.ts';
import { ALGORITHM_IDS, type Algorithm, algorithmFromId } from './cose/algorithm.ts';
import { keyId } from './cose/key.ts';
import { decodeSign1, encodeSign1, signatureInput } from './cose/sign1.ts';
import type { Signer } from './signature.ts';
import { CLAIM, describeKey, unknownKey } from './statement/claims.ts';
import { isDeviceUrn } from './statement/device-urn.ts';
import { LABEL } from './statement/header.ts';
import { ok, type Parsed, reject } from './verdict.ts';

/** The `typ` of a token, header parameter 16 of RFC 9596. */
export const CONNECT_TOKEN_TYPE = 'application/vnd.vitalseal.connect-token+cwt';
/** Longest token that is read, in bytes. */
export const CONNECT_TOKEN_MAX_BYTES = 1024;

/**
 * Why the token is fresh. `clock`: the device has one; times in whole seconds since the Unix epoch. `challenge`: it has none, and
 * repeats what the gateway gave it, 8 to 64 bytes.
 */
export type Freshness =
  | { readonly kind: 'clock'; readonly issuedAt: number; readonly expiresAt: number }
  | { readonly kind: 'challenge'; readonly challenge: Uint8Array };

export interface ConnectTokenFields {
  /** The device's URN. */
  readonly device: string;
  /** Origin of the gateway's log: no other gateway takes the token. */
  readonly audience: string;
  /** 8 to 32 bytes, another for each token of the key. */
  readonly cti: Uint8Array;
  readonly freshness: Freshness;
}

/** A decoded token. It owns its bytes. */
export interface ConnectToken extends ConnectTokenFields {
  readonly algorithm: Algorithm;
  /** 8 bytes: the start of the key's thumbprint. */
  readonly kid: Uint8Array;
  /** 64 bytes, not yet verified. */
  readonly signature: Uint8Array;
  /** What `signature` is over. */
  readonly signedBytes: Uint8Array;
}

/** What a gateway expects of a token. */
export interface ConnectTokenRules {
  readonly device: string;
  readonly audience: string;
  /** The gateway's clock, seconds since the Unix epoch. */
  readonly now: number;
  /** How far the device's clock may be off, in seconds. */
  readonly leewaySeconds: number;
  /** The longest a token may be valid, in seconds. */
  readonly maxSeconds: number;
  /** Whether the gateway gave this challenge to this device, and not long ago. */
  readonly isFresh: (challenge: Uint8Array) => boolean;
}

/** What is wrong with a token that is well-formed. */
export type ConnectTokenFault =
  | 'other-device'
  | 'other-gateway'
  | 'not-yet-valid'
  | 'expired'
  | 'too-long-valid'
  | 'stale-challenge';

const TYP = 16;
const CWT = { ...CLAIM, aud: 3, exp: 4, nonce: 10 } as const;
const KNOWN_LABELS: ReadonlySet<CborValue> = new Set<CborValue>([LABEL.alg, LABEL.kid, TYP]);
const KNOWN_CLAIMS: ReadonlySet<CborValue> = new Set<CborValue>([
  CWT.iss,
  CWT.aud,
  CWT.exp,
  CWT.iat,
  CWT.cti,
  CWT.nonce,
]);
const SIGNATURE_BYTES = 64;
const TAG_SIGN1_BYTE = 0xd2;
/** The year 9999, as for every time in this protocol. */
const LATEST_S = 253_402_300_799;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/**
 * Builds a token, has it signed, and gives its bytes.
 *
 * @throws {RangeError} when a field is outside what {@link decodeConnectToken} accepts, before anything is signed, or when the signer
 * does not give 64 bytes.
 */
export async function signConnectToken(fields: ConnectTokenFields, signer: Signer): Promise<Uint8Array> {
  const header = new Map<CborValue, CborValue>([
    [LABEL.alg, ALGORITHM_IDS[signer.publicKey.algorithm]],
    [LABEL.kid, keyId(signer.publicKey)],
    [TYP, CONNECT_TOKEN_TYPE],
  ]);
  const claims = claimsToCbor(fields);
  const checked = claimsFromCbor(claims);
  if (checked.kind === 'reject') throw new RangeError(`fields: ${checked.detail}`);
  const protectedBytes = encodeCbor(header);
  const payload = encodeCbor(claims);
  const signature = await signer.sign(signatureInput(protectedBytes, payload));
  if (signature.length !== SIGNATURE_BYTES) throw new RangeError('signer: a raw signature has 64 bytes');
  return encodeSign1({ protectedBytes, payload, signature });
}

/**
 * Reads a token, as strictly as a statement: `not-deterministic` for CBOR in another encoding, `malformed` for anything else that
 * is wrong with its form. The signature is not checked, nor whether the token is for anyone, or fresh.
 */
export function decodeConnectToken(bytes: Uint8Array): Parsed<ConnectToken> {
  if (bytes.length > CONNECT_TOKEN_MAX_BYTES) return reject('malformed', 'longer than any token');
  const sign1 = decodeSign1(bytes); // attacker-controlled
  if (sign1.kind === 'reject') return sign1;
  const { protectedBytes, protectedHeader, unprotectedHeader, payload, signature } = sign1.value;
  if (unprotectedHeader.size > 0) return reject('malformed', 'unprotected header: not empty');
  if (payload === null) return reject('malformed', 'payload: detached');
  if (signature.length !== SIGNATURE_BYTES) return reject('malformed', 'signature: not 64 bytes');
  const header = headerFromCbor(protectedHeader);
  if (header.kind === 'reject') return header;
  const claims = readClaims(payload);
  if (claims.kind === 'reject') return claims;
  const signedBytes = signatureInput(protectedBytes, payload);
  return ok({ ...header.value, ...claims.value, signature, signedBytes });
}

/** What is wrong with a token by these rules; undefined when nothing is. The signature is for the caller to verify. */
export function findConnectTokenFault(
  token: ConnectToken,
  rules: ConnectTokenRules,
): ConnectTokenFault | undefined {
  if (token.device !== rules.device) return 'other-device';
  if (token.audience !== rules.audience) return 'other-gateway';
  if (token.freshness.kind === 'challenge')
    return rules.isFresh(token.freshness.challenge) ? undefined : 'stale-challenge';
  const { issuedAt, expiresAt } = token.freshness;
  if (expiresAt - issuedAt > rules.maxSeconds) return 'too-long-valid';
  if (issuedAt > rules.now + rules.leewaySeconds) return 'not-yet-valid';
  return expiresAt < rules.now - rules.leewaySeconds ? 'expired' : undefined;
}

/** The token as text, base64url without padding, for MQTT libraries whose passwords are text. */
export function connectTokenToText(token: Uint8Array): string {
  return bytesToBase64(token).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * The bytes of the token in an MQTT password: the token itself, which begins with d2, or its text. Undefined when it is neither.
 */
export function connectTokenFromPassword(password: Uint8Array): Uint8Array | undefined {
  if (password[0] === TAG_SIGN1_BYTE) return Uint8Array.from(password);
  if (password.length > 2 * CONNECT_TOKEN_MAX_BYTES) return undefined;
  const text = String.fromCharCode(...password);
  if (!BASE64URL.test(text) || text.length % 4 === 1) return undefined;
  const padding = '='.repeat((4 - (text.length % 4)) % 4);
  return base64ToBytes(text.replaceAll('-', '+').replaceAll('_', '/') + padding);
}

function headerFromCbor(map: CborMap): Parsed<Pick<ConnectToken, 'algorithm' | 'kid'>> {
  const unknown = unknownKey(map, KNOWN_LABELS);
  if (unknown !== undefined) return reject('malformed', `header: unknown label ${describeKey(unknown)}`);
  if (map.get(TYP) !== CONNECT_TOKEN_TYPE) return reject('malformed', 'typ: not that of a connect token');
  const alg = map.get(LABEL.alg);
  const algorithm = typeof alg === 'number' ? algorithmFromId(alg) : undefined;
  if (algorithm === undefined) return reject('malformed', 'alg: not -19, -8, -9, -7 or -47');
  const kid = map.get(LABEL.kid);
  if (!isBytes(kid, 8, 8)) return reject('malformed', 'kid: not 8 bytes');
  return ok({ algorithm, kid });
}

function claimsToCbor({ device, audience, cti, freshness }: ConnectTokenFields): CborMap {
  const claims = new Map<CborValue, CborValue>([
    [CWT.iss, device],
    [CWT.aud, audience],
    [CWT.cti, cti],
  ]);
  if (freshness.kind === 'challenge') return claims.set(CWT.nonce, freshness.challenge);
  return claims.set(CWT.iat, freshness.issuedAt).set(CWT.exp, freshness.expiresAt);
}

function readClaims(payload: Uint8Array): Parsed<ConnectTokenFields> {
  try {
    const claims = decodeCbor(payload); // attacker-controlled
    return claims instanceof Map ? claimsFromCbor(claims) : reject('malformed', 'claims: not a map');
  } catch (error) {
    if (error instanceof CborError) return reject(error.code, `claims: ${error.message}`);
    throw error;
  }
}

function claimsFromCbor(claims: CborMap): Parsed<ConnectTokenFields> {
  const unknown = unknownKey(claims, KNOWN_CLAIMS);
  if (unknown !== undefined) return reject('malformed', `claims: unknown claim ${describeKey(unknown)}`);
  const device: CborValue | undefined = claims.get(CWT.iss);
  if (typeof device !== 'string' || !isDeviceUrn(device)) return reject('malformed', 'iss: not a device URN');
  const audience: CborValue | undefined = claims.get(CWT.aud);
  if (typeof audience !== 'string' || !isLogOrigin(audience))
    return reject('malformed', 'aud: not the origin of a log');
  const cti: CborValue | undefined = claims.get(CWT.cti);
  if (!isBytes(cti, 8, 32)) return reject('malformed', 'cti: not 8 to 32 bytes');
  const freshness = freshnessFromCbor(claims);
  return freshness.kind === 'reject' ? freshness : ok({ device, audience, cti, freshness: freshness.value });
}

function freshnessFromCbor(claims: CborMap): Parsed<Freshness> {
  const [issuedAt, expiresAt, challenge] = [CWT.iat, CWT.exp, CWT.nonce].map((key) => claims.get(key));
  if (challenge !== undefined) {
    if (issuedAt !== undefined || expiresAt !== undefined)
      return reject('malformed', 'claims: a time beside a challenge');
    if (!isBytes(challenge, 8, 64)) return reject('malformed', 'nonce: not 8 to 64 bytes');
    return ok({ kind: 'challenge', challenge });
  }
  if (!isTime(issuedAt)) return reject('malformed', 'iat: not whole seconds in years 1970 to 9999');
  if (!isTime(expiresAt) || expiresAt <= issuedAt)
    return reject('malformed', 'exp: not whole seconds after iat');
  return ok({ kind: 'clock', issuedAt, expiresAt });
}

function isTime(value: CborValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= LATEST_S;
}

function isBytes(value: CborValue | undefined, least: number, most: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length >= least && value.length <= most;
}
