import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { expect, test } from 'vitest';
import { type PublicKey, parsePublicKey } from '../../src/cose/key.ts';
import { ALGORITHMS, signerFrom } from '../testing/wearable.ts';
import { ReadyKeys } from './ready-keys.ts';

const message = Uint8Array.of(1, 2, 3);

test('a key is made ready once, whatever memory it is read from', () => {
  const keys = new ReadyKeys(10);
  const { publicKey } = signerFrom('one');
  const first = keys.of(publicKey);
  const elsewhere = new Uint8Array(100);
  elsewhere.set(publicKey.bytes, 7);
  expect(keys.of({ algorithm: 'Ed25519', bytes: elsewhere.subarray(7, 39) })).toBe(first);
  expect(keys.size).toBe(1);
});

test('the memory that a key was read from may be used for something else', async () => {
  const keys = new ReadyKeys(10);
  const signer = signerFrom('one');
  const bytes = Uint8Array.from(signer.publicKey.bytes);
  keys.of({ algorithm: 'Ed25519', bytes });
  bytes.fill(0);
  expect(keys.of(signer.publicKey).verify(message, await signer.sign(message))).toBe(true);
});

test('past its capacity it keeps no more, and what went is made again and verifies', async () => {
  const keys = new ReadyKeys(5);
  const signers = ALGORITHMS.flatMap((algorithm) =>
    Array.from({ length: 4 }, (_, at) => signerFrom(`${at}`, algorithm)),
  );
  for (const round of [1, 2]) {
    for (const [at, signer] of signers.entries()) {
      const key = keys.of(signer.publicKey);
      expect(key.verify(message, await signer.sign(message)), `${at} in round ${round}`).toBe(true);
      const other = signers[(at + 1) % signers.length];
      expect(key.verify(message, (await other?.sign(message)) ?? message)).toBe(false);
      expect(keys.size).toBeLessThanOrEqual(5);
    }
  }
  expect(keys.size).toBe(5);
});

test('the key made first goes first', () => {
  const keys = new ReadyKeys(2);
  const [a, b, c] = ['a', 'b', 'c'].map((word) => signerFrom(word).publicKey);
  if (a === undefined || b === undefined || c === undefined) throw new Error('three words');
  const [readyA, readyB] = [keys.of(a), keys.of(b)];
  keys.of(c);
  expect(keys.of(b)).toBe(readyB);
  expect(keys.of(a)).not.toBe(readyA);
});

/** The other key of the same x (of the same y, for Ed25519): as alike as two keys can be. */
function mirrored({ algorithm, bytes }: PublicKey): PublicKey {
  const other = Uint8Array.from(bytes);
  if (algorithm === 'Ed25519')
    other[31] = (other[31] as number) ^ 0x80; // the sign of x
  else {
    const { Point } = algorithm === 'ESP256' ? p256 : secp256k1;
    other.set(Point.fromBytes(bytes).negate().toBytes(false));
  }
  return { algorithm, bytes: other };
}

test.each(ALGORITHMS)('%s: a key and the one that mirrors it are two keys', async (algorithm) => {
  const keys = new ReadyKeys(10);
  const signer = signerFrom('one', algorithm);
  const signature = await signer.sign(message);
  const other = mirrored(signer.publicKey);
  expect(parsePublicKey(algorithm, other.bytes)).toMatchObject({ kind: 'ok' });
  for (const [key, isValid] of [
    [other, false],
    [signer.publicKey, true],
    [other, false],
  ] as const)
    expect(keys.of(key).verify(message, signature)).toBe(isValid);
});
