import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex, concatBytes, hexToBytes } from '../bytes.ts';
import { type CborValue, encodeCbor } from '../cbor.ts';
import { createSigner } from '../signature.ts';
import type { Algorithm } from './algorithm.ts';
import { decodeCoseKey, encodeCoseKey, keyId, type PublicKey, parsePublicKey, thumbprint } from './key.ts';

const ALGORITHMS: readonly Algorithm[] = ['Ed25519', 'ESP256', 'ES256K'];
const publicKey = (algorithm: Algorithm, fill = 7): PublicKey =>
  createSigner(algorithm, new Uint8Array(32).fill(fill)).publicKey;

/** The eight points of small order, canonical and not, as they appear on curve25519.js and libsodium's block list. */
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
];

const big = (value: bigint): Uint8Array => hexToBytes(value.toString(16).padStart(64, '0'));
const little = (value: bigint): Uint8Array => big(value).reverse();

describe('parsePublicKey', () => {
  test.each(ALGORITHMS)('%s: takes a good key and copies it', (algorithm) => {
    const { bytes } = publicKey(algorithm);
    const input = Uint8Array.from(bytes);
    const parsed = parsePublicKey(algorithm, input);
    input.fill(0);
    expect(parsed).toEqual({ kind: 'ok', value: { algorithm, bytes } });
  });

  test.each(SMALL_ORDER)('Ed25519: refuses the small-order point %s', (hex) => {
    expect(parsePublicKey('Ed25519', hexToBytes(hex)).kind).toBe('reject');
  });

  test('Ed25519: refuses a point with a torsion component, which is neither small-order nor in the subgroup', () => {
    const torsion = ed25519.Point.fromBytes(hexToBytes(SMALL_ORDER[9] ?? ''));
    const mixed = ed25519.Point.BASE.multiply(5n).add(torsion);
    expect(mixed.isSmallOrder()).toBe(false);
    expect(parsePublicKey('Ed25519', mixed.toBytes()).kind).toBe('reject');
    expect(parsePublicKey('Ed25519', ed25519.Point.BASE.multiply(5n).toBytes()).kind).toBe('ok');
  });

  test('Ed25519: refuses every y at or above the field prime, and points off the curve', () => {
    const p = ed25519.Point.Fp.ORDER;
    for (let offset = 0n; offset < 19n; offset++) {
      expect(parsePublicKey('Ed25519', little(p + offset)).kind).toBe('reject');
    }
    expect(parsePublicKey('Ed25519', little(2n)).kind).toBe('reject');
  });

  test.each<[Algorithm, bigint]>([
    ['ESP256', p256.Point.Fp.ORDER],
    ['ES256K', secp256k1.Point.Fp.ORDER],
  ])('%s: reads both SEC 1 forms to the uncompressed one and refuses every other', (algorithm, p) => {
    const { bytes } = publicKey(algorithm);
    const x = bytes.subarray(1, 33);
    const y = bytes.subarray(33);
    const odd = ((y[31] ?? 0) & 1) === 1;
    const compressed = concatBytes(Uint8Array.of(odd ? 3 : 2), x);
    expect(parsePublicKey(algorithm, compressed)).toEqual({ kind: 'ok', value: { algorithm, bytes } });
    const bad: Record<string, Uint8Array> = {
      'hybrid, right sign': concatBytes(Uint8Array.of(odd ? 7 : 6), x, y),
      'hybrid, wrong sign': concatBytes(Uint8Array.of(odd ? 6 : 7), x, y),
      infinity: Uint8Array.of(0),
      'infinity, padded': new Uint8Array(65),
      'zero coordinates': concatBytes(Uint8Array.of(4), new Uint8Array(64)),
      'off the curve': concatBytes(Uint8Array.of(4), x, big(1n)),
      'x not reduced': concatBytes(Uint8Array.of(4), big(2n ** 256n - 1n), y),
      'x = p': concatBytes(Uint8Array.of(2), big(p)),
      'y = p': concatBytes(Uint8Array.of(4), x, big(p)),
      'no prefix': concatBytes(x, y),
      'one byte more': concatBytes(bytes, Uint8Array.of(0)),
      'one byte less': bytes.subarray(0, 64),
      'uncompressed prefix, compressed length': concatBytes(Uint8Array.of(4), x),
      'compressed prefix, uncompressed length': concatBytes(Uint8Array.of(2), x, y),
      'compressed, no such point': concatBytes(Uint8Array.of(2), big(algorithm === 'ESP256' ? 1n : 5n)),
      nothing: new Uint8Array(0),
    };
    for (const [name, form] of Object.entries(bad)) {
      expect(parsePublicKey(algorithm, form), name).toMatchObject({ kind: 'reject', code: 'malformed' });
    }
  });

  test('a key of the other curve is no key of this one', () => {
    expect(parsePublicKey('ESP256', publicKey('ES256K').bytes).kind).toBe('reject');
    expect(parsePublicKey('ES256K', publicKey('ESP256').bytes).kind).toBe('reject');
    expect(parsePublicKey('Ed25519', publicKey('ESP256').bytes).kind).toBe('reject');
  });

  test('never throws for bytes', () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ minLength: 32, maxLength: 33 }),
      fc.uint8Array({ maxLength: 66 }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...ALGORITHMS), anyBytes, (algorithm, bytes) => {
        expect(['ok', 'reject']).toContain(parsePublicKey(algorithm, bytes).kind);
      }),
    );
  });
});

describe('COSE_Key', () => {
  test.each(ALGORITHMS)('%s: survives its encoding', (algorithm) => {
    const key = publicKey(algorithm);
    expect(decodeCoseKey(encodeCoseKey(key))).toEqual({ kind: 'ok', value: key });
  });

  test('takes kid, alg and a sign bit for y, and gives the same key', () => {
    const key = publicKey('ESP256');
    const odd = ((key.bytes[64] ?? 0) & 1) === 1;
    const members: [CborValue, CborValue][] = [
      [1, 2],
      [2, Uint8Array.of(1)],
      [3, -7],
      [-1, 1],
      [-2, key.bytes.slice(1, 33)],
    ];
    const signBit = encodeCbor(new Map([...members, [-3, odd]]));
    expect(decodeCoseKey(signBit)).toEqual({ kind: 'ok', value: key });
  });

  const ed = publicKey('Ed25519').bytes;
  const ec = publicKey('ESP256').bytes;
  const [x, y] = [ec.slice(1, 33), ec.slice(33)];
  test.each<[string, [CborValue, CborValue][]]>([
    [
      'no key type',
      [
        [-1, 6],
        [-2, ed],
      ],
    ],
    [
      'a curve of another key type',
      [
        [1, 1],
        [-1, 1],
        [-2, x],
      ],
    ],
    [
      'Ed448',
      [
        [1, 1],
        [-1, 7],
        [-2, new Uint8Array(57)],
      ],
    ],
    [
      'P-384',
      [
        [1, 2],
        [-1, 2],
        [-2, new Uint8Array(48)],
        [-3, new Uint8Array(48)],
      ],
    ],
    [
      'X25519',
      [
        [1, 1],
        [-1, 4],
        [-2, ed],
      ],
    ],
    [
      'a symmetric key',
      [
        [1, 4],
        [-1, new Uint8Array(32)],
      ],
    ],
    [
      'a curve as text',
      [
        [1, 1],
        [-1, 'Ed25519'],
        [-2, ed],
      ],
    ],
    [
      'an alg of another curve',
      [
        [1, 1],
        [3, -9],
        [-1, 6],
        [-2, ed],
      ],
    ],
    [
      'an alg as text',
      [
        [1, 1],
        [3, 'EdDSA'],
        [-1, 6],
        [-2, ed],
      ],
    ],
    [
      'y on an OKP key',
      [
        [1, 1],
        [-1, 6],
        [-2, ed],
        [-3, y],
      ],
    ],
    [
      'no y',
      [
        [1, 2],
        [-1, 1],
        [-2, x],
      ],
    ],
    [
      'a short x',
      [
        [1, 2],
        [-1, 1],
        [-2, x.slice(1)],
        [-3, y],
      ],
    ],
    [
      'a long y',
      [
        [1, 2],
        [-1, 1],
        [-2, x],
        [-3, concatBytes(Uint8Array.of(0), y)],
      ],
    ],
    [
      'a private part',
      [
        [1, 1],
        [-1, 6],
        [-2, ed],
        [-4, new Uint8Array(32)],
      ],
    ],
    [
      'an unknown member',
      [
        [1, 1],
        [4, [1]],
        [-1, 6],
        [-2, ed],
      ],
    ],
    [
      'a point off the curve',
      [
        [1, 2],
        [-1, 1],
        [-2, x],
        [-3, x],
      ],
    ],
    [
      'a small-order point',
      [
        [1, 1],
        [-1, 6],
        [-2, new Uint8Array(32)],
      ],
    ],
  ])('refuses %s', (_name, members) => {
    expect(decodeCoseKey(encodeCbor(new Map(members)))).toMatchObject({ kind: 'reject', code: 'malformed' });
  });

  test('refuses what is not a map, not CBOR, or not deterministic', () => {
    expect(decodeCoseKey(Uint8Array.of(0x80))).toMatchObject({ code: 'malformed' });
    expect(decodeCoseKey(new Uint8Array(0))).toMatchObject({ code: 'malformed' });
    const unsorted = concatBytes(hexToBytes('a320060101215820'), ed);
    expect(decodeCoseKey(unsorted)).toMatchObject({ code: 'not-deterministic' });
  });
});

describe('thumbprint', () => {
  test('is that of RFC 9679 section 5.6 for its example key', () => {
    const x = '65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d';
    const y = '1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c';
    const parsed = parsePublicKey('ESP256', hexToBytes(`04${x}${y}`));
    if (parsed.kind === 'reject') throw new Error(parsed.detail);
    expect(bytesToHex(thumbprint(parsed.value))).toBe(
      '496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec',
    );
  });

  test.each(ALGORITHMS)('%s: is the hash of the required members only', (algorithm) => {
    const key = publicKey(algorithm);
    const head = { Ed25519: 'a3010120062158', ESP256: 'a4010220012158', ES256K: 'a4010220082158' }[algorithm];
    const x = algorithm === 'Ed25519' ? key.bytes : key.bytes.subarray(1, 33);
    const rest = algorithm === 'Ed25519' ? [] : [hexToBytes('225820'), key.bytes.subarray(33)];
    const input = concatBytes(hexToBytes(`${head}20`), x, ...rest);
    expect(encodeCoseKey(key)).toEqual(input);
    expect(thumbprint(key)).toEqual(sha256(input));
    expect(keyId(key)).toEqual(thumbprint(key).slice(0, 8));
  });

  test('keys differ, and so do their ids', () => {
    const ids = ALGORITHMS.flatMap((algorithm) =>
      [7, 8].map((fill) => bytesToHex(keyId(publicKey(algorithm, fill)))),
    );
    expect(new Set(ids).size).toBe(6);
  });
});
