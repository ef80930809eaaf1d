/**
 * Timestamps of an authority (RFC 3161): the request for one, and what a token says. The authority's signature in the token is not
 * checked here: that takes its chain of certificates, which `openssl ts -verify` follows.
 */
import { equalBytes } from '../bytes.ts';
import { ok, type Parsed, reject } from '../verdict.ts';
import { type DerItem, readDer, readInside, TAG, writeDer, writeInteger, writeOid } from './der.ts';

/** More than any token with a chain of certificates. */
export const TIMESTAMP_MAX_BYTES = 64 * 1024;

/** What a token says. Unverified. */
export interface TimestampToken {
  /** SHA-256 of what was stamped, 32 bytes. */
  readonly digest: Uint8Array;
  /** By the authority's clock; seconds since the Unix epoch, a fraction cut off. */
  readonly time: number;
  /** Whether the token was made under this policy, an object identifier in dotted form. */
  isOfPolicy(dotted: string): boolean;
  /** Of the request, as a DER integer's content; absent when the request had none. */
  readonly nonce?: Uint8Array;
}

/** What is asked for. */
export interface TimestampRequest {
  /** SHA-256, 32 bytes. */
  readonly digest: Uint8Array;
  /** At least 8 random bytes, so that an old answer is none. */
  readonly nonce: Uint8Array;
  /** An object identifier in dotted form. */
  readonly policy?: string;
}

const SHA_256 = writeOid('2.16.840.1.101.3.4.2.1');
const SIGNED_DATA = writeOid('1.2.840.113549.1.7.2');
const TST_INFO = writeOid('1.2.840.113549.1.9.16.1.4');
const VERSION_1 = writeInteger(Uint8Array.of(1));
const TRUE = writeDer(TAG.boolean, Uint8Array.of(0xff));
const TIME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.\d*[1-9])?Z$/;
/** granted, grantedWithMods. */
const GRANTED = new Set([0, 1]);

/** A TimeStampReq, DER, that asks for the authority's certificate as well. */
export function encodeTimestampRequest({ digest, nonce, policy }: TimestampRequest): Uint8Array {
  if (digest.length !== 32) throw new RangeError('digest must be 32 bytes');
  const algorithm = writeDer(TAG.sequence, SHA_256, writeDer(TAG.null));
  const imprint = writeDer(TAG.sequence, algorithm, writeDer(TAG.octetString, digest));
  const policies = policy === undefined ? [] : [writeOid(policy)];
  return writeDer(TAG.sequence, VERSION_1, imprint, ...policies, writeInteger(nonce), TRUE);
}

/**
 * The token in a TimeStampResp, DER, if it answers the request: granted, over the same digest, with the same nonce and policy.
 * `malformed` says what is not so.
 */
export function readTimestampResponse(
  response: Uint8Array,
  request: TimestampRequest,
): Parsed<{ readonly bytes: Uint8Array; readonly token: TimestampToken }> {
  // attacker-controlled
  if (response.length > TIMESTAMP_MAX_BYTES) return reject('oversize', 'the response is too long');
  const [status, contents] = readInside(only(readDer(response)), TAG.sequence) ?? [];
  const [code] = readInside(status, TAG.sequence) ?? [];
  if (code?.tag !== TAG.integer || code.content.length !== 1)
    return reject('malformed', 'the response has no status');
  if (!GRANTED.has(code.content[0] as number))
    return reject('malformed', `the authority refused: status ${code.content[0]}`);
  if (contents === undefined) return reject('malformed', 'the response has no token');
  const bytes = writeDer(contents.tag, contents.content);
  const token = parseTimestampToken(bytes);
  if (token.kind === 'reject') return token;
  const { digest, nonce } = token.value;
  if (!equalBytes(digest, request.digest)) return reject('malformed', 'the token is over another digest');
  const [asked] = readDer(writeInteger(request.nonce)) ?? [];
  if (nonce === undefined || asked === undefined || !equalBytes(nonce, asked.content))
    return reject('malformed', 'the token answers another request: its nonce differs');
  if (request.policy !== undefined && !token.value.isOfPolicy(request.policy))
    return reject('malformed', 'the token was made under another policy');
  return ok({ bytes, token: token.value });
}

/** Reads a TimeStampToken, DER. Nobody's signature is checked. */
export function parseTimestampToken(bytes: Uint8Array): Parsed<TimestampToken> {
  // attacker-controlled
  if (bytes.length > TIMESTAMP_MAX_BYTES) return reject('oversize', 'the token is too long');
  const content = typed(only(readDer(bytes)), SIGNED_DATA);
  const encapsulated = readInside(content, TAG.sequence)?.[2];
  const octets = typed(encapsulated, TST_INFO);
  const info =
    octets?.tag === TAG.octetString ? readInside(only(readDer(octets.content)), TAG.sequence) : undefined;
  if (info === undefined) return reject('malformed', 'not a timestamp token');
  const [version, policy, imprint, serial, time, ...rest] = info;
  const digest = readImprint(imprint);
  const seconds = readTime(time);
  if (!isItem(version, VERSION_1) || policy?.tag !== TAG.oid || serial?.tag !== TAG.integer)
    return reject('malformed', 'the token is not of version 1, with a policy and a serial number');
  if (digest === undefined) return reject('malformed', 'the token is not over a SHA-256 digest');
  if (seconds === undefined) return reject('malformed', 'the time of the token is not in UTC');
  const nonce = rest.find(({ tag }) => tag === TAG.integer)?.content;
  return ok({
    digest,
    time: seconds,
    isOfPolicy: (dotted) => isItem(policy, writeOid(dotted)),
    ...(nonce !== undefined && { nonce }),
  });
}

/** What is inside `[0]` of a sequence that says of what type that is: ContentInfo, EncapsulatedContentInfo. */
function typed(item: DerItem | undefined, type: Uint8Array): DerItem | undefined {
  const [oid, explicit] = readInside(item, TAG.sequence) ?? [];
  return isItem(oid, type) ? only(readInside(explicit, TAG.context0)) : undefined;
}

function readImprint(item: DerItem | undefined): Uint8Array | undefined {
  const [algorithm, digest] = readInside(item, TAG.sequence) ?? [];
  const [oid] = readInside(algorithm, TAG.sequence) ?? [];
  return isItem(oid, SHA_256) && digest?.tag === TAG.octetString && digest.content.length === 32
    ? digest.content
    : undefined;
}

function readTime(item: DerItem | undefined): number | undefined {
  if (item?.tag !== TAG.generalizedTime) return undefined;
  const parts = TIME.exec(String.fromCharCode(...item.content.slice(0, 40)));
  if (parts === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
}

function only(items: DerItem[] | undefined): DerItem | undefined {
  return items?.length === 1 ? items[0] : undefined;
}

function isItem(item: DerItem | undefined, bytes: Uint8Array): boolean {
  return item !== undefined && equalBytes(writeDer(item.tag, item.content), bytes);
}
