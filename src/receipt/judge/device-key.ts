/** Whose key signed the statement, and whether it was good then. */
import { bytesToHex, equalBytes } from '../../bytes.ts';
import { keyId } from '../../cose/key.ts';
import { verifySignature } from '../../signature.ts';
import type { Statement } from '../../statement.ts';
import { type Answer, type AnswerCode, answer } from '../answer.ts';
import type { TrustedDeviceKey } from '../trust.ts';

/** Proven bounds on when the statement was signed, seconds since the Unix epoch. */
export interface Bounds {
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** Where the statement provably stands in a log whose history is anchored. */
  readonly place?: { readonly origin: string; readonly index: number };
}

/**
 * 2020-01-01T00:00:00Z. Device clocks that were never set, or were lost, count from 1970 or 2000; no device of this
 * protocol was at work before, so an earlier `iat` is read as no clock.
 */
const CLOCK_UNSET_BEFORE_S = 1_577_836_800;

/**
 * Answers `signature` and `device-key`.
 *
 * The signature is checked with the key the statement names by kid: the device's own when the verifier has it,
 * else another device's, which then is `wrong-issuer`.
 */
export function judgeDeviceKey(
  statement: Statement,
  keys: readonly TrustedDeviceKey[],
  bounds: Bounds,
): { readonly signature: Answer<'signature'>; readonly 'device-key': Answer<'device-key'> } {
  const isNamed = ({ key }: TrustedDeviceKey) =>
    key.algorithm === statement.algorithm && equalBytes(keyId(key), statement.kid);
  const own = keys.filter((key) => key.device === statement.issuer && isNamed(key));
  const candidates = own.length > 0 ? own : keys.filter(isNamed);
  const signers = candidates.filter(({ key }) =>
    verifySignature(key.algorithm, key.bytes, statement.signedBytes, statement.signature),
  );
  return {
    signature: judgeSignature(statement.kid, candidates.length, signers.length),
    // When the signature is wrong, the question is about the key it names.
    'device-key': judgeOwner(statement, keys, signers.length > 0 ? signers : candidates, bounds),
  };
}

function judgeSignature(kid: Uint8Array, candidates: number, signers: number): Answer<'signature'> {
  const name = bytesToHex(kid);
  if (candidates === 0)
    return answer('signature', 'no-key', `no key ${name} to check the signature with`, { kid });
  if (signers === 0) {
    return answer('signature', 'bad-signature', `key ${name} did not sign these bytes`, { kid });
  }
  return answer('signature', 'signature-valid', `signed with key ${name}`, { kid });
}

function judgeOwner(
  statement: Statement,
  keys: readonly TrustedDeviceKey[],
  candidates: readonly TrustedDeviceKey[],
  bounds: Bounds,
): Answer<'device-key'> {
  const device = statement.issuer;
  const own = candidates.filter((candidate) => candidate.device === device);
  if (own.length === 0) {
    const [other] = candidates;
    if (other !== undefined) {
      return answer('device-key', 'wrong-issuer', `the key is that of ${other.device}, not of ${device}`, {
        device,
      });
    }
    const isKnown = keys.some((key) => key.device === device);
    if (isKnown) return answer('device-key', 'unknown-key', `${device} has no such key`, { device });
    return answer('device-key', 'unknown-device', `${device} is not known to this verifier`, { device });
  }
  const judged = own.map((key) => judgePeriod(statement, key, bounds));
  const best =
    judged.find(({ verdict }) => verdict === 'yes') ?? judged.find(({ verdict }) => verdict === 'unknown');
  return best ?? (judged[0] as Answer<'device-key'>);
}

/**
 * Whether the key was good when the statement was signed.
 *
 * That moment is known only by its bounds: a final anchor proves that the statement existed by its block's time, its place in an
 * anchored log that it existed before what stands behind it, a beacon that it was made after. The device's own clock (`iat`) is a
 * claim of whoever holds the key, and no claim at all when it was never set:
 * - after a revocation it counts for nothing, since whoever stole the key writes what time he likes;
 * - after a retirement it can only speak against the statement: one dated after it was not signed before.
 *   A statement dated before, but not proven to have existed by then, stays undecided;
 * - for the enrolment it is believed, because a key does no harm before anybody trusts it.
 */
function judgePeriod(statement: Statement, key: TrustedDeviceKey, bounds: Bounds): Answer<'device-key'> {
  const { code, detail } =
    judgeRevocation(key, bounds) ??
    judgeRetirement(statement, key, bounds) ??
    judgeEnrolment(statement, key, bounds) ??
    whenGood(key);
  const { device, retiredAt, revokedAt } = key;
  return answer('device-key', code, detail, {
    device,
    ...(retiredAt !== undefined && { retiredAt }),
    ...(revokedAt !== undefined && { revokedAt }),
  });
}

interface Judgement {
  readonly code: AnswerCode;
  readonly detail: string;
}

function whenGood({ retiredAt, revokedAt }: TrustedDeviceKey): Judgement {
  if (revokedAt !== undefined)
    return {
      code: 'key-revoked-later',
      detail: `the statement existed before the key was revoked as of ${iso(revokedAt)}`,
    };
  if (retiredAt !== undefined)
    return {
      code: 'key-retired-later',
      detail: `the statement existed before the key was retired as of ${iso(retiredAt)}`,
    };
  return { code: 'key-valid', detail: 'the key was the device’s and in use' };
}

function judgeRevocation(key: TrustedDeviceKey, bounds: Bounds): Judgement | undefined {
  const { revokedAt, revokedAtSize } = key;
  const { notBefore = -Infinity, notAfter = Infinity } = bounds;
  if (revokedAt === undefined) return undefined;
  const since = `the key is revoked as of ${iso(revokedAt)}`;
  if (notBefore > revokedAt)
    return { code: 'key-revoked', detail: `${since}; the statement was made after ${iso(notBefore)}` };
  if (notAfter <= revokedAt || stoodBefore(bounds, key, revokedAtSize)) return undefined;
  if (notAfter === Infinity)
    return {
      code: 'revocation-undecided',
      detail: `${since}; without a final anchor the statement may be later`,
    };
  return {
    code: 'key-revoked',
    detail: `${since}; that the statement existed is proven only for ${iso(notAfter)}`,
  };
}

function judgeRetirement(
  { issuedAt = -Infinity }: Statement,
  key: TrustedDeviceKey,
  bounds: Bounds,
): Judgement | undefined {
  const { retiredAt, retiredAtSize } = key;
  const { notBefore = -Infinity, notAfter = Infinity } = bounds;
  if (retiredAt === undefined) return undefined;
  const isLater = notBefore > retiredAt;
  if (!isLater && (notAfter <= retiredAt || stoodBefore(bounds, key, retiredAtSize))) return undefined;
  if (isLater || issuedAt > retiredAt)
    return {
      code: 'key-retired',
      detail: `the statement was made after the key was retired as of ${iso(retiredAt)}`,
    };
  return {
    code: 'retirement-undecided',
    detail: `the key was retired as of ${iso(retiredAt)}; nothing proves that the statement existed by then`,
  };
}

/** Whether the order of the log puts the statement before the end of the key. */
function stoodBefore({ place }: Bounds, { log }: TrustedDeviceKey, size: number | undefined): boolean {
  return place !== undefined && size !== undefined && place.origin === log && place.index < size;
}

function judgeEnrolment(
  { issuedAt = Infinity }: Statement,
  { validFrom }: TrustedDeviceKey,
  { notBefore = -Infinity, notAfter = Infinity }: Bounds,
): Judgement | undefined {
  if (validFrom === undefined) return undefined;
  if (notAfter < validFrom)
    return { code: 'key-not-yet-valid', detail: 'the statement existed before the key was enrolled' };
  const isDatedBefore = issuedAt < validFrom && issuedAt >= CLOCK_UNSET_BEFORE_S;
  return isDatedBefore && notBefore < validFrom
    ? { code: 'enrolment-undecided', detail: 'the statement is dated before the key was enrolled' }
    : undefined;
}

/** A moment for people. One outside what ECMAScript can write is told in seconds. */
function iso(seconds: number): string {
  const time = new Date(Math.floor(seconds) * 1000);
  return Number.isNaN(time.getTime()) ? `${seconds} s` : time.toISOString().replace('.000Z', 'Z');
}
