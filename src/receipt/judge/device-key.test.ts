import { describe, expect, test } from 'vitest';
import { decodeStatement, type Statement } from '../../statement.ts';
import type { AnswerCode } from '../answer.ts';
import { makeDevice, makeStatement } from '../testing/ledger.ts';
import type { TrustedDeviceKey } from '../trust.ts';
import { type Bounds, judgeDeviceKey } from './device-key.ts';

const DEVICE = makeDevice(1);
const OTHER = makeDevice(2);
const KEY: TrustedDeviceKey = { device: DEVICE.urn, key: DEVICE.signer.publicKey };
/** The moment of each rule; an hour is far enough on either side. */
const T = 1_750_000_000;
const HOUR = 3600;

async function statementOf(issuedAt: number): Promise<Statement> {
  const decoded = decodeStatement(await makeStatement(DEVICE, { issuedAt }));
  if (decoded.kind === 'reject') throw new Error(decoded.detail);
  return decoded.value;
}

const DATED_BEFORE = await statementOf(T - HOUR);
const DATED_AFTER = await statementOf(T + HOUR);
const CLOCK_UNSET = await statementOf(86_400);

function judge(statement: Statement, period: Partial<TrustedDeviceKey>, bounds: Bounds) {
  return judgeDeviceKey(statement, [{ ...KEY, ...period }], bounds)['device-key'];
}

type Row = [string, Statement, Bounds, AnswerCode];

describe('a retired key', () => {
  test.each<Row>([
    ['anchored before', DATED_BEFORE, { notAfter: T - 1 }, 'key-retired-later'],
    ['anchored at that very second', DATED_BEFORE, { notAfter: T }, 'key-retired-later'],
    ['anchored before, by a clock that runs ahead', DATED_AFTER, { notAfter: T - 1 }, 'key-retired-later'],
    ['dated before, anchored after', DATED_BEFORE, { notAfter: T + 1 }, 'retirement-undecided'],
    ['dated before, not anchored', DATED_BEFORE, {}, 'retirement-undecided'],
    ['dated before, but after a later beacon', DATED_BEFORE, { notBefore: T + 1 }, 'key-retired'],
    ['dated after, anchored after', DATED_AFTER, { notAfter: T + HOUR }, 'key-retired'],
    ['dated after, not anchored', DATED_AFTER, {}, 'key-retired'],
  ])('%s', (_, statement, bounds, code) => {
    const judged = judge(statement, { retiredAt: T }, bounds);
    expect(judged.code).toBe(code);
    expect(judged.data).toEqual({ device: DEVICE.urn, retiredAt: T });
  });
});

describe('a revoked key', () => {
  test.each<Row>([
    ['anchored before', DATED_BEFORE, { notAfter: T }, 'key-revoked-later'],
    [
      'dated before, anchored after: the thief writes the date',
      DATED_BEFORE,
      { notAfter: T + 1 },
      'key-revoked',
    ],
    ['after a later beacon', DATED_BEFORE, { notBefore: T + 1 }, 'key-revoked'],
    ['dated before, not anchored', DATED_BEFORE, {}, 'revocation-undecided'],
  ])('%s', (_, statement, bounds, code) => {
    expect(judge(statement, { revokedAt: T }, bounds).code).toBe(code);
  });

  test('that was retired before: both must hold', () => {
    const period = { retiredAt: T - HOUR, revokedAt: T };
    expect(judge(DATED_BEFORE, period, { notAfter: T - HOUR }).code).toBe('key-revoked-later');
    expect(judge(DATED_BEFORE, period, { notAfter: T - 1 }).code).toBe('retirement-undecided');
    expect(judge(DATED_BEFORE, period, { notAfter: T + 1 }).code).toBe('key-revoked');
  });
});

describe('the order of an anchored log', () => {
  const ends = { log: 'clinic.example/log', retiredAtSize: 100, revokedAtSize: 100 };
  const at = (index: number, origin = ends.log): Bounds => ({
    notAfter: T + HOUR,
    place: { origin, index },
  });

  test.each<[string, Statement, Bounds, AnswerCode, AnswerCode]>([
    ['before the end', DATED_BEFORE, at(99), 'key-retired-later', 'key-revoked-later'],
    ['before it, by a clock never set', CLOCK_UNSET, at(99), 'key-retired-later', 'key-revoked-later'],
    ['before it, by a clock that runs ahead', DATED_AFTER, at(99), 'key-retired-later', 'key-revoked-later'],
    ['at the end', DATED_BEFORE, at(100), 'retirement-undecided', 'key-revoked'],
    ['after it, by a clock never set', CLOCK_UNSET, at(101), 'retirement-undecided', 'key-revoked'],
    ['in another log', DATED_BEFORE, at(99, 'other/log'), 'retirement-undecided', 'key-revoked'],
    [
      'before it, but after a later beacon',
      DATED_BEFORE,
      { ...at(99), notBefore: T + 1 },
      'key-retired',
      'key-revoked',
    ],
  ])('%s', (_, statement, bounds, retired, revoked) => {
    expect(judge(statement, { ...ends, retiredAt: T }, bounds).code).toBe(retired);
    expect(judge(statement, { ...ends, revokedAt: T }, bounds).code).toBe(revoked);
  });
});

test('what is said of an end names its time, and what is proven of the statement', () => {
  const said = (period: Partial<TrustedDeviceKey>, bounds: Bounds) =>
    judge(DATED_BEFORE, period, bounds).detail;
  expect([
    said({ revokedAt: T }, { notAfter: T + HOUR }),
    said({ revokedAt: T }, { notBefore: T + HOUR }),
    said({ revokedAt: T }, {}),
    said({ revokedAt: T }, { notAfter: T }),
    said({ retiredAt: T }, { notAfter: T + HOUR }),
    said({ retiredAt: T }, { notBefore: T + HOUR }),
    said({ retiredAt: T }, { notAfter: T }),
  ]).toMatchInlineSnapshot(`
    [
      "the key is revoked as of 2025-06-15T15:06:40Z; that the statement existed is proven only for 2025-06-15T16:06:40Z",
      "the key is revoked as of 2025-06-15T15:06:40Z; the statement was made after 2025-06-15T16:06:40Z",
      "the key is revoked as of 2025-06-15T15:06:40Z; without a final anchor the statement may be later",
      "the statement existed before the key was revoked as of 2025-06-15T15:06:40Z",
      "the key was retired as of 2025-06-15T15:06:40Z; nothing proves that the statement existed by then",
      "the statement was made after the key was retired as of 2025-06-15T15:06:40Z",
      "the statement existed before the key was retired as of 2025-06-15T15:06:40Z",
    ]
  `);
});

describe('a key enrolled at a time', () => {
  test.each<Row>([
    ['dated after', DATED_AFTER, { notAfter: T + 2 * HOUR }, 'key-valid'],
    ['anchored before', DATED_AFTER, { notAfter: T - 1 }, 'key-not-yet-valid'],
    ['dated before', DATED_BEFORE, { notAfter: T + HOUR }, 'enrolment-undecided'],
    ['dated before, but after a later beacon', DATED_BEFORE, { notBefore: T }, 'key-valid'],
    ['by a clock that was never set', CLOCK_UNSET, { notAfter: T + HOUR }, 'key-valid'],
  ])('%s', (_, statement, bounds, code) => {
    expect(judge(statement, { validFrom: T }, bounds).code).toBe(code);
  });
});

describe('whose key', () => {
  const judgeWith = (...keys: TrustedDeviceKey[]) => {
    const judged = judgeDeviceKey(DATED_BEFORE, keys, {});
    return [judged.signature.code, judged['device-key'].code];
  };
  const otherKey = { device: OTHER.urn, key: OTHER.signer.publicKey };

  test('the device is not known', () => {
    expect(judgeWith()).toEqual(['no-key', 'unknown-device']);
    expect(judgeWith(otherKey)).toEqual(['no-key', 'unknown-device']);
  });

  test('the device is known, with another key', () => {
    expect(judgeWith({ ...otherKey, device: DEVICE.urn })).toEqual(['no-key', 'unknown-key']);
  });

  test('the key is another device’s', () => {
    expect(judgeWith({ ...KEY, device: OTHER.urn })).toEqual(['signature-valid', 'wrong-issuer']);
  });

  test('one of several keys of the device, one period of several', () => {
    expect(judgeWith({ ...otherKey, device: DEVICE.urn }, KEY)).toEqual(['signature-valid', 'key-valid']);
    const retired = { ...KEY, retiredAt: T - 2 * HOUR };
    expect(judgeWith(retired, { ...KEY, validFrom: T - 2 * HOUR })).toEqual(['signature-valid', 'key-valid']);
  });
});
