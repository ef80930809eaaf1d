import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8ToBytes } from './bytes.ts';
import {
  type ConnectTokenFields,
  connectTokenFromPassword,
  connectTokenToText,
  decodeConnectToken,
  signConnectToken,
} from './connect-token.ts';
import type { Algorithm } from './cose/algorithm.ts';
import { createSigner, verifySignature } from './signature.ts';
import { decodeStatement, type StatementFields, signStatement } from './statement.ts';

const SIGNER = createSigner('Ed25519', new Uint8Array(32).fill(7));
const FIELDS: ConnectTokenFields = {
  device: 'urn:dev:mac:0024befffe804ff1',
  audience: 'clinic.example/log',
  cti: new Uint8Array(16).fill(1),
  freshness: { kind: 'clock', issuedAt: 1_760_000_000, expiresAt: 1_760_000_300 },
};
const STATEMENT: StatementFields = {
  issuer: FIELDS.device,
  subject: 'vitals',
  contentType: 112,
  seq: 0,
  payload: new Uint8Array(4),
};

test.each<Algorithm>(['Ed25519', 'ESP256', 'ES256K'])(
  '%s: what is signed is read back and verifies',
  async (algorithm) => {
    const signer = createSigner(algorithm, new Uint8Array(32).fill(7));
    for (const freshness of [
      FIELDS.freshness,
      { kind: 'challenge', challenge: new Uint8Array(40).fill(5) } as const,
    ]) {
      const bytes = await signConnectToken({ ...FIELDS, freshness }, signer);
      const decoded = decodeConnectToken(bytes);
      if (decoded.kind === 'reject') throw new Error(decoded.detail);
      const { signature, signedBytes, kid, algorithm: read, ...fields } = decoded.value;
      expect(fields).toEqual({ ...FIELDS, freshness });
      expect([read, kid.length]).toEqual([algorithm, 8]);
      expect(verifySignature(algorithm, signer.publicKey.bytes, signedBytes, signature)).toBe(true);
    }
  },
);

describe('token and statement are never taken for one another', () => {
  test('neither reads as the other, whatever their fields', async () => {
    const text = fc.constantFrom('vitals', 'ecg', FIELDS.audience, FIELDS.device);
    const contentType = fc.oneof(
      fc.nat(65_535),
      fc.constantFrom('application/vnd.vitalseal.connect-token+cwt', 'application/cwt'),
    );
    await fc.assert(
      fc.asyncProperty(
        text,
        contentType,
        fc.uint8Array({ maxLength: 80 }),
        async (subject, type, payload) => {
          const statement = await signStatement(
            { ...STATEMENT, subject, contentType: type, payload },
            SIGNER,
          );
          expect(decodeConnectToken(statement).kind).toBe('reject');
        },
      ),
      { numRuns: 50 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 8, maxLength: 32 }),
        fc.uint8Array({ minLength: 8, maxLength: 64 }),
        async (cti, challenge) => {
          const freshness = { kind: 'challenge', challenge } as const;
          const token = await signConnectToken({ ...FIELDS, cti, freshness }, SIGNER);
          expect(decodeStatement(token).kind).toBe('reject');
        },
      ),
      { numRuns: 50 },
    );
  });

  test('a signature of one is none of the other, though the payloads be the same bytes', async () => {
    const token = decodeConnectToken(await signConnectToken(FIELDS, SIGNER));
    if (token.kind === 'reject') throw new Error(token.detail);
    const statement = decodeStatement(await signStatement(STATEMENT, SIGNER));
    if (statement.kind === 'reject') throw new Error(statement.detail);
    const { bytes } = SIGNER.publicKey;
    expect(verifySignature('Ed25519', bytes, statement.value.signedBytes, token.value.signature)).toBe(false);
    expect(verifySignature('Ed25519', bytes, token.value.signedBytes, statement.value.signature)).toBe(false);
  });
});

test.each<[string, Partial<ConnectTokenFields>]>([
  ['device', { device: 'alice' }],
  ['audience', { audience: 'has space' }],
  ['cti', { cti: new Uint8Array(7) }],
  ['cti', { cti: new Uint8Array(33) }],
  ['end', { freshness: { kind: 'clock', issuedAt: 5, expiresAt: 5 } }],
  ['fraction', { freshness: { kind: 'clock', issuedAt: 5.5, expiresAt: 6 } }],
  ['beginning', { freshness: { kind: 'clock', issuedAt: -1, expiresAt: 6 } }],
  ['challenge', { freshness: { kind: 'challenge', challenge: new Uint8Array(65) } }],
])('is not made with a bad %s', async (_name, changes) => {
  await expect(signConnectToken({ ...FIELDS, ...changes }, SIGNER)).rejects.toThrow(RangeError);
});

test('any bytes at all are read or refused, and never anything else', async () => {
  const token = await signConnectToken(FIELDS, SIGNER);
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.nat(255), fc.nat(40), (at, value, cut) => {
      const copy = Uint8Array.from(token.subarray(0, token.length - (cut > 30 ? cut - 30 : 0)));
      if (at < copy.length) copy[at] = value;
      expect(['ok', 'reject']).toContain(decodeConnectToken(copy).kind);
    }),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
      connectTokenFromPassword(bytes);
      expect(decodeConnectToken(bytes).kind).toBe('reject');
    }),
  );
});

test('a token of more than a kilobyte is not read', async () => {
  expect(decodeConnectToken(new Uint8Array(1025)).kind).toBe('reject');
});

test('a password is the token or its text, and nothing else', async () => {
  const token = await signConnectToken(FIELDS, SIGNER);
  const text = connectTokenToText(token);
  expect(text).toMatch(/^0[A-Za-z0-9_-]+$/);
  expect(connectTokenFromPassword(utf8ToBytes(text))).toEqual(token);
  expect(connectTokenFromPassword(token)).toEqual(token);
  for (const bad of ['', 'secret!', `${text}=`, `${text}\n`, 'a', text.replace(/.$/, '+')])
    expect(connectTokenFromPassword(utf8ToBytes(bad))).toBeUndefined();
});
