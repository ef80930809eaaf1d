import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSigner } from '../../src/signature.ts';
import { nativeSigner } from './signer.ts';

test('signs as the reference does, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ maxLength: 600 }),
      async (seed, message) => {
        const [native, reference] = [nativeSigner(seed), createSigner('Ed25519', seed)];
        expect(native.publicKey).toEqual(reference.publicKey);
        expect(await native.sign(message)).toEqual(await reference.sign(message));
      },
    ),
    { numRuns: 40 },
  );
});

test('a message that is a window of a larger buffer is signed alone', async () => {
  const seed = new Uint8Array(32).fill(5);
  const whole = Uint8Array.from({ length: 64 }, (_, at) => at);
  const window = whole.subarray(16, 48);
  expect(await nativeSigner(seed).sign(window)).toEqual(
    await createSigner('Ed25519', seed).sign(Uint8Array.from(window)),
  );
});

test('the seed may be wiped afterwards', async () => {
  const seed = new Uint8Array(32).fill(5);
  const signer = nativeSigner(seed);
  const before = await signer.sign(seed);
  seed.fill(0);
  expect(await signer.sign(new Uint8Array(32).fill(5))).toEqual(before);
});

test('a seed of another length is misuse', () => {
  expect(() => nativeSigner(new Uint8Array(31))).toThrow(RangeError);
});
