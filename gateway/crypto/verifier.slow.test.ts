import { createHash, generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, hexToBytes, utf8ToBytes } from '../../src/bytes.ts';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { createSigner, verifySignature } from '../../src/signature.ts';
import { prepareKey } from './verifier.ts';

const WYCHEPROOF = new URL('../../../shared/data/vectors/wycheproof/', import.meta.url);
const ALGORITHMS: readonly Algorithm[] = ['Ed25519', 'ESP256', 'ES256K'];
const ECDSA = { ESP256: p256, ES256K: secp256k1 } as const;
const MESSAGE = utf8ToBytes('sixty beats a minute');

interface WycheproofFile {
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk?: string; readonly uncompressed?: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: 'valid' | 'invalid' | 'acceptable';
    }[];
  }[];
}

/** What native code says, once it is the same as what the reference says. */
function agreed(algorithm: Algorithm, key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const native = prepareKey({ algorithm, bytes: key }).verify(message, signature);
  const reference = verifySignature(algorithm, key, message, signature);
  if (native !== reference) {
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    throw new Error(
      `${algorithm}: native ${native}, reference ${reference}: key ${hex(key)} message ${hex(message)} signature ${hex(signature)}`,
    );
  }
  return native;
}

const big = (value: bigint): Uint8Array => hexToBytes(value.toString(16).padStart(64, '0'));
const little = (value: bigint): Uint8Array => big(value).reverse();
const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const fromLittle = (bytes: Uint8Array): bigint => number(Uint8Array.from(bytes).reverse());
const keyOf = (algorithm: Algorithm) => createSigner(algorithm, new Uint8Array(32).fill(7));

describe.skipIf(!existsSync(WYCHEPROOF))('Wycheproof (skipped without ../shared/data)', () => {
  test.each([
    ['ed25519_test.json', 'Ed25519', 151],
    ['ecdsa_secp256r1_sha256_p1363_test.json', 'ESP256', 262],
  ] as const)(
    '%s: the published result, from native code and from the reference',
    (name, algorithm, count) => {
      const file: WycheproofFile = JSON.parse(readFileSync(new URL(name, WYCHEPROOF), 'utf8'));
      const wrong: number[] = [];
      let seen = 0;
      for (const { publicKey, tests } of file.testGroups) {
        const key = hexToBytes(publicKey.pk ?? publicKey.uncompressed ?? '');
        for (const { tcId, msg, sig, result } of tests) {
          seen += 1;
          if (agreed(algorithm, key, hexToBytes(msg), hexToBytes(sig)) !== (result === 'valid'))
            wrong.push(tcId);
        }
      }
      expect(wrong).toEqual([]);
      expect(seen).toBe(count);
    },
  );
});

describe.each(ALGORITHMS)('%s', (algorithm) => {
  test('messages of any length, at any place in a larger buffer', async () => {
    const signer = keyOf(algorithm);
    for (const length of [0, 1, 63, 64, 65, 100_000]) {
      const around = new Uint8Array(length + 20).fill(0xee);
      const message = around.subarray(7, 7 + length);
      const signature = await signer.sign(message);
      const inside = concatBytes(Uint8Array.of(1, 2, 3), signature).subarray(3);
      expect(agreed(algorithm, signer.publicKey.bytes, message, inside)).toBe(true);
    }
  });

  test('any flipped bit of a signature is invalid to both', async () => {
    const signer = keyOf(algorithm);
    const signature = await signer.sign(MESSAGE);
    for (let bit = 0; bit < 512; bit += 3) {
      const flipped = Uint8Array.from(signature);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(agreed(algorithm, signer.publicKey.bytes, MESSAGE, flipped)).toBe(false);
    }
  });

  test('signatures of any other length are invalid to both, not an exception', async () => {
    const signer = keyOf(algorithm);
    const signature = await signer.sign(MESSAGE);
    for (const length of [0, 1, 63, 65, 70, 71, 72, 128]) {
      const other = new Uint8Array(length);
      other.set(signature.subarray(0, Math.min(length, 64)));
      expect(agreed(algorithm, signer.publicKey.bytes, MESSAGE, other)).toBe(false);
    }
  });

  test('mutated signatures and random ones get the same answer from both', async () => {
    const signer = keyOf(algorithm);
    const signature = await signer.sign(MESSAGE);
    const mutated = fc.array(fc.tuple(fc.nat(63), fc.nat(255)), { maxLength: 4 }).map((changes) => {
      const copy = Uint8Array.from(signature);
      for (const [at, value] of changes) copy[at] = value;
      return copy;
    });
    const half = fc.constantFrom(
      new Uint8Array(32),
      new Uint8Array(32).fill(0xff),
      signature.subarray(0, 32),
    );
    const glued = fc.tuple(half, half).map(([r, s]) => concatBytes(r, s));
    fc.assert(
      fc.property(fc.oneof(mutated, glued, fc.uint8Array({ minLength: 64, maxLength: 64 })), (candidate) => {
        agreed(algorithm, signer.publicKey.bytes, MESSAGE, candidate);
      }),
      { numRuns: 100 },
    );
  });
});

describe.each(['ESP256', 'ES256K'] as const)('%s', (algorithm) => {
  const { Point } = ECDSA[algorithm];
  const n = Point.Fn.ORDER;

  test('a high s is valid to both; r and s outside [1, n - 1] to none', async () => {
    const signer = keyOf(algorithm);
    const key = signer.publicKey.bytes;
    const signature = await signer.sign(MESSAGE);
    const [r, s] = [signature.subarray(0, 32), number(signature.subarray(32))];
    expect(agreed(algorithm, key, MESSAGE, concatBytes(r, big(n - s)))).toBe(true);
    for (const bad of [0n, n, n + 1n, 2n ** 256n - 1n]) {
      expect(agreed(algorithm, key, MESSAGE, concatBytes(r, big(bad)))).toBe(false);
      expect(agreed(algorithm, key, MESSAGE, concatBytes(big(bad), big(s)))).toBe(false);
    }
    if (s + n < 2n ** 256n) expect(agreed(algorithm, key, MESSAGE, concatBytes(r, big(s + n)))).toBe(false);
  });

  test('r reduced or not: a point whose x lies above n', async () => {
    // r = x mod n: with x chosen small, both r and r + n would name it to a careless verifier.
    const signer = keyOf(algorithm);
    for (let r = 1n; r < 40n; r++) {
      agreed(algorithm, signer.publicKey.bytes, MESSAGE, concatBytes(big(r), big(r)));
      agreed(algorithm, signer.publicKey.bytes, MESSAGE, concatBytes(big(n - r), big(r)));
    }
  });

  test('DER is valid to none', () => {
    const der = ECDSA[algorithm].sign(MESSAGE, new Uint8Array(32).fill(7), { format: 'der' });
    const key = keyOf(algorithm).publicKey.bytes;
    expect(agreed(algorithm, key, MESSAGE, der)).toBe(false);
    expect(agreed(algorithm, key, MESSAGE, der.subarray(0, 64))).toBe(false);
  });

  test('what OpenSSL signs is valid to both', () => {
    const namedCurve = algorithm === 'ESP256' ? 'P-256' : 'secp256k1';
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    const jwk = publicKey.export({ format: 'jwk' });
    const half = (text = '') => new Uint8Array(Buffer.from(text, 'base64url'));
    const key = concatBytes(Uint8Array.of(4), half(jwk.x), half(jwk.y));
    for (let i = 0; i < 20; i++) {
      const message = utf8ToBytes(`${i}`);
      const signature = nodeSign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      expect(agreed(algorithm, key, message, signature)).toBe(true);
      expect(agreed(algorithm, key, MESSAGE, signature)).toBe(false);
    }
  });

  test('u1 G + u2 Q at infinity is invalid to both', () => {
    const e = Point.Fn.create(number(createHash('sha256').update(MESSAGE).digest()));
    const secret = Point.Fn.neg(Point.Fn.mul(e, Point.Fn.inv(5n)));
    const key = Point.BASE.multiply(secret).toBytes(false);
    expect(agreed(algorithm, key, MESSAGE, concatBytes(big(5n), big(9n)))).toBe(false);
  });
});

describe('Ed25519 at its edges', () => {
  const { Point } = ed25519;
  const L = Point.Fn.ORDER;
  const T8 = Point.fromBytes(hexToBytes('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
  const torsion = (j: number) => (j % 8 === 0 ? Point.ZERO : T8.multiplyUnsafe(BigInt(j % 8)));
  const challenge = (r: Uint8Array, a: Uint8Array) =>
    fromLittle(
      createHash('sha512')
        .update(concatBytes(r, a, MESSAGE))
        .digest(),
    ) % L;
  /** The encodings of small-order points that are not canonical: y + p, or the sign of x = 0 set. */
  const sloppy = [
    little(Point.Fp.ORDER),
    little(Point.Fp.ORDER + 1n),
    little(Point.Fp.ORDER - 1n + (1n << 255n)),
    little(1n + (1n << 255n)),
    little(Point.Fp.ORDER + (1n << 255n)),
    little(Point.Fp.ORDER + 1n + (1n << 255n)),
  ];

  test('S at or above L', async () => {
    const signer = keyOf('Ed25519');
    const signature = await signer.sign(MESSAGE);
    const s = fromLittle(signature.subarray(32));
    for (const value of [s + L, L, L + 1n, 2n ** 256n - 1n, 2n ** 255n]) {
      const other = concatBytes(signature.subarray(0, 32), little(value));
      expect(agreed('Ed25519', signer.publicKey.bytes, MESSAGE, other)).toBe(false);
    }
  });

  test('small-order and sloppy keys, with every small-order and sloppy R', () => {
    const points = [...Array.from({ length: 8 }, (_, j) => torsion(j).toBytes()), ...sloppy];
    for (const a of points) {
      for (const r of points) {
        for (const s of [0n, 1n, L - 1n])
          expect(agreed('Ed25519', a, MESSAGE, concatBytes(r, little(s)))).toBe(false);
      }
      const r = Point.BASE.multiply(5n).toBytes();
      expect(agreed('Ed25519', a, MESSAGE, concatBytes(r, little(5n)))).toBe(false);
    }
  });

  test('small-order, sloppy and torsioned R under a good key, with the S that would satisfy a lenient equation', () => {
    const secret = 12_345n;
    const key = Point.BASE.multiply(secret).toBytes();
    for (const r of [...Array.from({ length: 8 }, (_, j) => torsion(j).toBytes()), ...sloppy]) {
      const s = (challenge(r, key) * secret) % L;
      expect(agreed('Ed25519', key, MESSAGE, concatBytes(r, little(s)))).toBe(false);
    }
    for (let j = 1; j < 8; j++) {
      const r = Point.BASE.multiply(99n).add(torsion(j)).toBytes();
      const s = (99n + challenge(r, key) * secret) % L;
      expect(agreed('Ed25519', key, MESSAGE, concatBytes(r, little(s)))).toBe(false);
    }
  });

  test('mixed-order keys: the cofactorless equation decides, to both', () => {
    const secret = 12_345n;
    let accepted = 0;
    for (let j = 1; j < 8; j++) {
      const key = Point.BASE.multiply(secret).add(torsion(j)).toBytes();
      for (let nonce = 1n; nonce <= 24n; nonce++) {
        const r = Point.BASE.multiply(nonce).toBytes();
        const s = (nonce + challenge(r, key) * secret) % L;
        if (agreed('Ed25519', key, MESSAGE, concatBytes(r, little(s)))) accepted += 1;
      }
    }
    expect(accepted).toBeGreaterThan(0);
  });

  test('a key that is no point at all is valid for nothing', async () => {
    const signature = await keyOf('Ed25519').sign(MESSAGE);
    for (const key of [new Uint8Array(32).fill(2), new Uint8Array(32).fill(0xff), little(2n)])
      expect(agreed('Ed25519', key, MESSAGE, signature)).toBe(false);
  });
});
