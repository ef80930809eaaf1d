import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex } from './bytes.ts';
import { CborFloat, type CborMap, type CborValue, encodeCbor } from './cbor.ts';
import { encodeCoseKey, keyId } from './cose/key.ts';
import { encodeSign1 } from './cose/sign1.ts';
import {
  DEVICE_EVENTS,
  type DeviceEventStatement,
  decodeLogStatement,
  END_REASONS,
  type Heartbeat,
  isExposed,
  type LogStatement,
  signLogStatement,
} from './log-statement.ts';
import { createSigner, verifySignature } from './signature.ts';
import { decodeStatement } from './statement.ts';

const LOG = createSigner('Ed25519', new Uint8Array(32).fill(9));
const KEY = createSigner('ESP256', new Uint8Array(32).fill(7)).publicKey;
const HEARTBEAT: Heartbeat = {
  kind: 'heartbeat',
  origin: 'clinic.example/log',
  cti: new Uint8Array(16).fill(3),
  time: 1_700_000_000.5,
  beacon: { blockNumber: 19_000_000n, blockHash: new Uint8Array(32).fill(2) },
};
const ENROL: DeviceEventStatement = {
  kind: 'device-event',
  origin: 'clinic.example/log',
  event: 'enrol',
  device: 'urn:dev:mac:0024befffe804ff1',
  key: KEY,
  time: 1_700_000_000,
  cti: new Uint8Array(16).fill(4),
};
const { key: _key, ...KEYLESS } = ENROL;

function decoded(bytes: Uint8Array) {
  const result = decodeLogStatement(bytes);
  if (result.kind === 'reject') throw new Error(result.detail);
  return result.value;
}

function refusal(bytes: Uint8Array): string {
  const result = decodeLogStatement(bytes);
  return result.kind === 'reject' ? `${result.code}: ${result.detail}` : 'ok';
}

const { beacon: _beacon, ...BARE } = HEARTBEAT;
const events = DEVICE_EVENTS.map((event) => {
  const keyed = event === 'enrol' || event === 'add-key' || event === 'retire-key';
  return keyed ? { ...ENROL, event } : { ...KEYLESS, event };
});

const ENDS: DeviceEventStatement[] = [
  { ...ENROL, event: 'retire-key', effective: ENROL.time - 86_400, reason: 'compromised' },
  { ...ENROL, event: 'retire-key', reason: 'superseded' },
  { ...KEYLESS, event: 'revoke', effective: ENROL.time - 0.5 },
  ...END_REASONS.map((reason) => ({ ...KEYLESS, event: 'revoke' as const, reason })),
];

test.each<LogStatement>([HEARTBEAT, BARE, ...events, ...ENDS])(
  'survives signing and decoding: $kind $event',
  async (statement) => {
    const bytes = await signLogStatement(statement, LOG);
    const { bytes: kept, kid, algorithm, signature, signedBytes, ...rest } = decoded(bytes);
    expect(rest).toEqual(statement);
    expect(kept).toEqual(bytes);
    expect([kid, algorithm]).toEqual([keyId(LOG.publicKey), 'Ed25519']);
    expect(verifySignature('Ed25519', LOG.publicKey.bytes, signedBytes, signature)).toBe(true);
  },
);

test('have these bytes', async () => {
  expect(bytesToHex(await signLogStatement(HEARTBEAT, LOG))).toMatchInlineSnapshot(
    `"d2845875a401320378286170706c69636174696f6e2f766e642e766974616c7365616c2e6865617274626561742b63626f7204481d55826ba1bf8dbb0fa40172636c696e69632e6578616d706c652f6c6f67026968656172746265617406fb41d954fc40200000075003030303030303030303030303030303a0582aa101821a0121eac0582002020202020202020202020202020202020202020202020202020202020202025840c9aa80e0d5abfa6cdb76469b8e080118d67ed65823ea86b09d6ef52ce0f29d5c9246a1589e7e8bb8b2578d8255d0f2342f631b012ea56863e28a06f0ae013c0b"`,
  );
  expect(bytesToHex(await signLogStatement(ENROL, LOG))).toMatchInlineSnapshot(
    `"d2845888a4013203782b6170706c69636174696f6e2f766e642e766974616c7365616c2e6465766963652d6576656e742b63626f7204481d55826ba1bf8dbb0fa40172636c696e69632e6578616d706c652f6c6f6702781c75726e3a6465763a6d61633a30303234626566666665383034666631061a6553f100075004040404040404040404040404040404a05856a20165656e726f6c02584ba4010220012158201e18532fd4754c02f3041d9c75ceb33b83ffd81ac7ce4fe882ccb1c98bc5896e225820a46c311c4e2ff40dd96a3653e6e45445d32dfe486eced75c7a90c6a18881c0a35840f9f75dbeadd91d9bce7bdc7b3e0840783c9a8cb46a018126d53a3bf32baa6f10885fbb36035264b66ac0eabdb9f3073f3a2ed2aefb6a51c05b0d2e9e906db500"`,
  );
});

test('a retirement is in good order and a revocation is not, unless the reason says otherwise', () => {
  const exposed = (event: 'retire-key' | 'revoke') =>
    [undefined, ...END_REASONS].filter((reason) => isExposed(event, reason));
  expect(exposed('retire-key')).toEqual(['lost', 'stolen', 'compromised']);
  expect(exposed('revoke')).toEqual([undefined, 'lost', 'stolen', 'compromised']);
});

test('a log statement is no device statement, and the other way round', async () => {
  for (const statement of [HEARTBEAT, ENROL]) {
    expect(decodeStatement(await signLogStatement(statement, LOG)).kind).toBe('reject');
  }
});

describe('signLogStatement refuses', () => {
  test.each<[string, LogStatement, string]>([
    ['an origin with a space', { ...HEARTBEAT, origin: 'a b' }, 'statement: iss: not a log origin'],
    ['an empty origin', { ...HEARTBEAT, origin: '' }, 'statement: iss: not a log origin'],
    ['an origin with a plus', { ...HEARTBEAT, origin: 'a+b' }, 'statement: iss: not a log origin'],
    ['a short cti', { ...HEARTBEAT, cti: new Uint8Array(15) }, 'statement: cti: not 16 bytes'],
    ['no time', { ...HEARTBEAT, time: Number.NaN }, 'statement: iat: not a time in years 1 to 9999'],
    ['a device that is none', { ...ENROL, device: 'alice' }, 'statement: sub: not a device URN'],
    ['an event that is none', { ...ENROL, event: 'destroy' as 'enrol' }, 'statement: event: not a known one'],
    ['an enrolment without a key', KEYLESS, 'statement: key: enrol names a key'],
    [
      'a revocation with a key',
      { ...ENROL, event: 'revoke' },
      'statement: key: revoke concerns no single key',
    ],
    [
      'a revocation announced for later',
      { ...KEYLESS, event: 'revoke', effective: ENROL.time },
      'statement: effective: not before iat; an event is recorded when it has taken effect',
    ],
    [
      'an enrolment from an earlier time',
      { ...ENROL, effective: 1 },
      'statement: effective, reason: enrol ends no trust',
    ],
    [
      'a reason to resume',
      { ...KEYLESS, event: 'resume', reason: 'lost' },
      'statement: effective, reason: resume ends no trust',
    ],
    [
      'an effective time that is none',
      { ...KEYLESS, event: 'revoke', effective: Number.NaN },
      'statement: effective: not a time in years 1 to 9999',
    ],
    [
      'a reason that is none',
      { ...KEYLESS, event: 'revoke', reason: 'mood' as 'lost' },
      'statement: reason: not a known one',
    ],
  ])('%s', async (_name, statement, message) => {
    await expect(signLogStatement(statement, LOG)).rejects.toThrow(new RangeError(message));
  });

  test('a log key that is not Ed25519', async () => {
    const signer = createSigner('ESP256', new Uint8Array(32).fill(9));
    await expect(signLogStatement(HEARTBEAT, signer)).rejects.toThrow(
      'statement: alg: a log signs with Ed25519',
    );
  });
});

describe('decodeLogStatement refuses', () => {
  const CONTENT = 'application/vnd.vitalseal.device-event+cbor';
  const claims = (): Map<CborValue, CborValue> =>
    new Map<CborValue, CborValue>([
      [1, 'log'],
      [2, ENROL.device],
      [6, 1],
      [7, new Uint8Array(16)],
    ]);
  const header = (): Map<CborValue, CborValue> =>
    new Map<CborValue, CborValue>([
      [1, -19],
      [3, CONTENT],
      [4, new Uint8Array(8)],
      [15, claims()],
    ]);
  const payload = (): Map<CborValue, CborValue> =>
    new Map<CborValue, CborValue>([
      [1, 'enrol'],
      [2, encodeCoseKey(KEY)],
    ]);

  function build(parts: {
    header?: CborMap;
    payload?: CborValue;
    unprotected?: CborMap;
    signature?: Uint8Array;
  }) {
    return encodeSign1({
      protectedBytes: encodeCbor(parts.header ?? header()),
      unprotectedHeader: parts.unprotected ?? new Map(),
      payload: encodeCbor(parts.payload ?? payload()),
      signature: parts.signature ?? new Uint8Array(64),
    });
  }
  const withHeader = (label: number, value: CborValue) => build({ header: header().set(label, value) });
  const withClaim = (key: number, value: CborValue) => withHeader(15, claims().set(key, value));

  test('not the template', () => expect(refusal(build({}))).toBe('ok'));

  test.each<[string, Uint8Array]>([
    ['an unprotected header', build({ unprotected: new Map([[33, 1]]) })],
    ['a short signature', build({ signature: new Uint8Array(63) })],
    [
      'a detached payload',
      encodeSign1({ protectedBytes: encodeCbor(header()), payload: null, signature: new Uint8Array(64) }),
    ],
    ['another algorithm', withHeader(1, -9)],
    ['a content type of a device', withHeader(3, 112)],
    ['an unknown content type', withHeader(3, 'application/cbor')],
    ['a long kid', withHeader(4, new Uint8Array(32))],
    ['a sequence number', withHeader(-70001, 1)],
    ['claims that are no map', withHeader(15, [])],
    ['an issuer of bytes', withClaim(1, new Uint8Array(3))],
    ['a subject that is no device', withClaim(2, 'heartbeat')],
    ['a time as text', withClaim(6, 'now')],
    ['an infinite time', withClaim(6, new CborFloat(Number.POSITIVE_INFINITY))],
    ['a long cti', withClaim(7, new Uint8Array(17))],
    ['an expiry', withClaim(4, 1)],
    ['a heartbeat about a device', withHeader(3, 'application/vnd.vitalseal.heartbeat+cbor')],
    ['a payload that is no map', build({ payload: [] })],
    ['an event as a number', build({ payload: payload().set(1, 1) })],
    ['a key that is a map', build({ payload: payload().set(2, new Map()) })],
    [
      'a key off the curve',
      build({
        payload: payload().set(
          2,
          encodeCbor(
            new Map([
              [1, 1],
              [-1, 6],
            ]),
          ),
        ),
      }),
    ],
    ['an unknown payload key', build({ payload: payload().set(5, 1) })],
    ['an effective enrolment', build({ payload: payload().set(3, 0) })],
    ['an effective time as text', build({ payload: payload().set(1, 'retire-key').set(3, 'now') })],
    ['an effective time after iat', build({ payload: payload().set(1, 'retire-key').set(3, 2) })],
    ['a reason as a number', build({ payload: payload().set(1, 'retire-key').set(4, 1) })],
  ])('%s', (_name, bytes) => expect(refusal(bytes)).toMatch(/^malformed: /));

  test('a payload in another encoding', () => {
    const bytes = encodeSign1({
      protectedBytes: encodeCbor(header()),
      payload: Uint8Array.of(0xbf, 0xff),
      signature: new Uint8Array(64),
    });
    expect(refusal(bytes)).toBe('not-deterministic: payload: an indefinite length, at byte 0');
  });

  test('any byte changed, unless it changes what is said', async () => {
    const bytes = await signLogStatement(ENROL, LOG);
    const original = decoded(bytes);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (index, flip) => {
        const changed = Uint8Array.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ flip;
        const result = decodeLogStatement(changed);
        if (result.kind === 'reject') return;
        const { signedBytes, signature } = result.value;
        const same = (a: Uint8Array, b: Uint8Array) => bytesToHex(a) === bytesToHex(b);
        expect(same(signedBytes, original.signedBytes)).toBe(!same(signature, original.signature));
      }),
      { numRuns: 2000 },
    );
  });

  test('bytes of any kind, with one of two codes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(refusal(bytes)).toMatch(/^(malformed|not-deterministic): /);
      }),
    );
  });
});
