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
 * That moment is known only by its bounds: a final anchor proves that the statement existed by its block's time,
 * a beacon that it was made after. The device's own clock (`iat`) is a claim of whoever holds the key:
 * - after a revocation it counts for nothing, since whoever stole the key writes what time he likes;
 * - after a retirement it can only speak against the statement: one dated after it was not signed before.
 *   A statement dated before, but not proven to have existed by then, stays undecided;
 * - for the enrolment it is believed, because a key does no harm before anybody trusts it.
 */
function judgePeriod(statement: Statement, key: TrustedDeviceKey, bounds: Bounds): Answer<'device-key'> {
  const code =
    judgeRevocation(key, bounds) ??
    judgeRetirement(statement, key, bounds) ??
    judgeEnrolment(statement, key, bounds);
  const { device, retiredAt, revokedAt } = key;
  return answer('device-key', code ?? whenGood(key), DETAILS[code ?? whenGood(key)], {
    device,
    ...(retiredAt !== undefined && { retiredAt }),
    ...(revokedAt !== undefined && { revokedAt }),
  });
}

const DETAILS = {
  'key-valid': 'the key was the device’s and in use',
  'key-retired-later': 'the statement existed before the key was retired',
  'key-revoked-later': 'the statement existed before the key was revoked',
  'key-revoked': 'nothing proves that the statement existed before the key was revoked',
  'revocation-undecided': 'the key was revoked, and without a final anchor the statement may be later',
  'key-retired': 'the statement was made after the key was retired',
  'retirement-undecided':
    'the key was retired; the statement is dated before, but no anchor proves that it existed by then',
  'key-not-yet-valid': 'the statement existed before the key was enrolled',
  'enrolment-undecided': 'the statement is dated before the key was enrolled',
} as const satisfies Partial<Record<AnswerCode, string>>;
type PeriodCode = keyof typeof DETAILS;

function whenGood({ retiredAt, revokedAt }: TrustedDeviceKey): PeriodCode {
  if (revokedAt !== undefined) return 'key-revoked-later';
  return retiredAt !== undefined ? 'key-retired-later' : 'key-valid';
}

function judgeRevocation({ revokedAt }: TrustedDeviceKey, bounds: Bounds): PeriodCode | undefined {
  const { notBefore = -Infinity, notAfter } = bounds;
  if (revokedAt === undefined) return undefined;
  if (notBefore > revokedAt || (notAfter !== undefined && notAfter > revokedAt)) return 'key-revoked';
  return notAfter === undefined ? 'revocation-undecided' : undefined;
}

function judgeRetirement(
  { issuedAt = -Infinity }: Statement,
  { retiredAt }: TrustedDeviceKey,
  { notBefore = -Infinity, notAfter = Infinity }: Bounds,
): PeriodCode | undefined {
  if (retiredAt === undefined || notAfter <= retiredAt) return undefined;
  return notBefore > retiredAt || issuedAt > retiredAt ? 'key-retired' : 'retirement-undecided';
}

function judgeEnrolment(
  { issuedAt = Infinity }: Statement,
  { validFrom }: TrustedDeviceKey,
  { notBefore = -Infinity, notAfter = Infinity }: Bounds,
): PeriodCode | undefined {
  if (validFrom === undefined) return undefined;
  if (notAfter < validFrom) return 'key-not-yet-valid';
  const isDatedBefore = issuedAt < validFrom && issuedAt >= CLOCK_UNSET_BEFORE_S;
  return isDatedBefore && notBefore < validFrom ? 'enrolment-undecided' : undefined;
}
