import { expect, test } from 'vitest';
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

test('keys that differ in one bit, or in their algorithm alone, are two keys', () => {
  const keys = new ReadyKeys(1000);
  const { bytes } = signerFrom('one', 'ESP256').publicKey;
  const ready = [keys.of({ algorithm: 'ESP256', bytes }), keys.of({ algorithm: 'Ed25519', bytes })];
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const other = Uint8Array.from(bytes);
    other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
    ready.push(keys.of({ algorithm: 'Ed25519', bytes: other }));
  }
  expect(keys.size).toBe(ready.length);
});
