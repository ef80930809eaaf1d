import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hexToBytes } from '../../src/bytes.ts';
import { decodeCoseKey, encodeCoseKey, parsePublicKey } from '../../src/cose/key.ts';
import { createSigner } from '../../src/signature.ts';
import { decodeCoseKeyNatively, parsePublicKeyNatively } from './public-key.ts';

const { Point } = ed25519;
const ALGORITHMS = ['Ed25519', 'ESP256', 'ES256K'] as const;
/** The eight points whose order divides the cofactor, and non-canonical ways to write such points. */
const SMALL_ORDER = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
].map(hexToBytes);

test('points of small order, and points not reduced: refused by both', () => {
  for (const bytes of SMALL_ORDER) {
    expect(parsePublicKeyNatively('Ed25519', bytes)).toEqual(parsePublicKey('Ed25519', bytes));
    expect(parsePublicKeyNatively('Ed25519', bytes).kind).toBe('reject');
  }
});

test('points of mixed order: refused by both', () => {
  const torsion = Point.fromBytes(SMALL_ORDER[4] as Uint8Array, true);
  for (let scalar = 1n; scalar <= 20n; scalar++) {
    const bytes = Point.BASE.multiply(scalar).add(torsion).toBytes();
    expect(parsePublicKey('Ed25519', bytes).kind).toBe('reject');
    expect(parsePublicKeyNatively('Ed25519', bytes).kind).toBe('reject');
  }
});

test('whatever bytes: native code says what the reference says', () => {
  fc.assert(
    fc.property(fc.constantFrom(...ALGORITHMS), fc.uint8Array({ maxLength: 70 }), (algorithm, bytes) => {
      expect(parsePublicKeyNatively(algorithm, bytes)).toEqual(parsePublicKey(algorithm, bytes));
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      expect(parsePublicKeyNatively('Ed25519', bytes)).toEqual(parsePublicKey('Ed25519', bytes));
    }),
    { numRuns: 400 },
  );
});

test.each(ALGORITHMS)(
  'a good %s key is taken, as a copy; one with a changed bit as the reference has it',
  (name) => {
    const key = createSigner(name, new Uint8Array(32).fill(9)).publicKey;
    const encoded = encodeCoseKey(key);
    expect(decodeCoseKeyNatively(encoded)).toEqual({ kind: 'ok', value: key });
    for (let bit = 0; bit < 8 * encoded.length; bit += 5) {
      const changed = Uint8Array.from(encoded);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(decodeCoseKeyNatively(changed)).toEqual(decodeCoseKey(changed));
    }
    const bytes = Uint8Array.from(key.bytes);
    const parsed = parsePublicKeyNatively(name, bytes);
    bytes.fill(0);
    expect(parsed).toEqual({ kind: 'ok', value: key });
  },
);
