/** The protected header of a device statement (docs/protocol.md, "Statement"), both ways. */
import type { CborMap, CborValue } from '../cbor.ts';
import { type Algorithm, algorithmFromId } from '../cose/algorithm.ts';
import { ok, type Parsed, reject } from '../verdict.ts';
import { type Beacon, beaconFromCbor, beaconToCbor } from './beacon.ts';
import { CLAIM, describeKey, isSubject, timeFromCbor, timeToCbor, unknownKey } from './claims.ts';
import { isDeviceUrn } from './device-urn.ts';

/** Header labels: those of the IANA COSE registry, and four of our own from its private-use range. */
export const LABEL = {
  alg: 1,
  contentType: 3,
  kid: 4,
  claims: 15,
  seq: -70001,
  prev: -70002,
  beacon: -70003,
  boot: -70004,
} as const;

/** What the protected header says, checked. */
export interface StatementHeader {
  readonly algorithm: Algorithm;
  readonly kid: Uint8Array;
  readonly issuer: string;
  readonly subject: string;
  readonly contentType: number | string;
  readonly issuedAt?: number;
  readonly seq: number;
  readonly prev?: Uint8Array;
  readonly beacon?: Beacon;
  readonly boot: number;
}

const KNOWN_LABELS: ReadonlySet<CborValue> = new Set<CborValue>(Object.values(LABEL));
const KNOWN_CLAIMS: ReadonlySet<CborValue> = new Set<CborValue>([CLAIM.iss, CLAIM.sub, CLAIM.iat]);
/** RFC 9052 section 3.1: a CoAP content format (RFC 7252 section 12.3) or a media type. */
const MAX_CONTENT_FORMAT = 0xffff;
const MEDIA_TYPE = /^[!-.0-~]+\/[ -~]*[!-~]$/;
const MAX_MEDIA_TYPE = 255;

/** The header as CBOR. Which fields may be written is for {@link headerFromCbor} to say. */
export function headerToCbor(
  header: Omit<StatementHeader, 'algorithm'> & { readonly algorithmId: number },
): CborMap {
  const claims = new Map<CborValue, CborValue>([
    [CLAIM.iss, header.issuer],
    [CLAIM.sub, header.subject],
  ]);
  if (header.issuedAt !== undefined) claims.set(CLAIM.iat, timeToCbor(header.issuedAt));
  const map = new Map<CborValue, CborValue>([
    [LABEL.alg, header.algorithmId],
    [LABEL.contentType, header.contentType],
    [LABEL.kid, header.kid],
    [LABEL.claims, claims],
    [LABEL.seq, header.seq],
  ]);
  if (header.prev !== undefined) map.set(LABEL.prev, header.prev);
  if (header.beacon !== undefined) map.set(LABEL.beacon, beaconToCbor(header.beacon));
  if (header.boot !== 0) map.set(LABEL.boot, header.boot);
  return map;
}

/** Reads a header; `malformed` with the parameter at fault for whatever the table does not allow. */
export function headerFromCbor(map: CborMap): Parsed<StatementHeader> {
  const unknown = unknownKey(map, KNOWN_LABELS);
  if (unknown !== undefined) return reject('malformed', `header: unknown label ${describeKey(unknown)}`);
  const alg = map.get(LABEL.alg);
  const algorithm = typeof alg === 'number' ? algorithmFromId(alg) : undefined;
  if (algorithm === undefined) return reject('malformed', 'alg: not -19, -8, -9, -7 or -47');
  const contentType = map.get(LABEL.contentType);
  if (!isContentType(contentType))
    return reject('malformed', 'content type: neither content format nor media type');
  const kid = map.get(LABEL.kid);
  if (!isBytes(kid, 8)) return reject('malformed', 'kid: not 8 bytes');
  const claims = claimsFromCbor(map.get(LABEL.claims));
  if (claims.kind === 'reject') return claims;
  const place = placeFromCbor(map);
  if (place.kind === 'reject') return place;
  return ok({ algorithm, contentType, kid, ...claims.value, ...place.value });
}

function claimsFromCbor(
  claims: CborValue | undefined,
): Parsed<Pick<StatementHeader, 'issuer' | 'subject' | 'issuedAt'>> {
  if (!(claims instanceof Map)) return reject('malformed', 'CWT claims: not a map');
  const unknown = unknownKey(claims, KNOWN_CLAIMS);
  if (unknown !== undefined) return reject('malformed', `CWT claims: unknown claim ${describeKey(unknown)}`);
  const issuer: CborValue | undefined = claims.get(CLAIM.iss);
  if (typeof issuer !== 'string' || !isDeviceUrn(issuer)) return reject('malformed', 'iss: not a device URN');
  const subject: CborValue | undefined = claims.get(CLAIM.sub);
  if (!isSubject(subject)) return reject('malformed', 'sub: not 1 to 128 bytes of plain text');
  if (!claims.has(CLAIM.iat)) return ok({ issuer, subject });
  const issuedAt = timeFromCbor(claims.get(CLAIM.iat));
  if (issuedAt === undefined) return reject('malformed', 'iat: not a time in years 1 to 9999');
  return ok({ issuer, subject, issuedAt });
}

/** Where the statement stands: its place in the device's sequence, and the block it was made after. */
function placeFromCbor(map: CborMap): Parsed<Pick<StatementHeader, 'seq' | 'prev' | 'beacon' | 'boot'>> {
  const seq = map.get(LABEL.seq);
  if (!isCounter(seq)) return reject('malformed', 'seq: not an unsigned integer below 2^53');
  const boot = map.has(LABEL.boot) ? map.get(LABEL.boot) : 0;
  if (!isCounter(boot)) return reject('malformed', 'boot: not an unsigned integer below 2^53');
  const prev = map.get(LABEL.prev);
  if (prev !== undefined && !isBytes(prev, 32)) return reject('malformed', 'prev: not 32 bytes');
  if (seq === 0 && prev !== undefined) return reject('malformed', 'prev: present although seq is 0');
  if (seq !== 0 && prev === undefined) return reject('malformed', 'prev: missing although seq is not 0');
  const beacon = map.has(LABEL.beacon) ? beaconFromCbor(map.get(LABEL.beacon)) : undefined;
  if (map.has(LABEL.beacon) && beacon === undefined)
    return reject('malformed', 'beacon: not [uint, 32 bytes]');
  return ok({ seq, boot, ...(prev !== undefined && { prev }), ...(beacon !== undefined && { beacon }) });
}

function isContentType(value: CborValue | undefined): value is number | string {
  if (typeof value === 'string') return value.length <= MAX_MEDIA_TYPE && MEDIA_TYPE.test(value);
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_CONTENT_FORMAT;
}

function isCounter(value: CborValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isBytes(value: CborValue | undefined, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}
