import { describe, expect, expectTypeOf, test } from 'vitest';
import { hexToBytes, utf8ToBytes } from '../../src/bytes.ts';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { createSigner } from '../../src/signature.ts';
import { derSignature } from './der-signature.ts';
import { isUsableEncoding } from './ed25519-encoding.ts';
import { NOBLE_BACKEND } from './noble-backend.ts';
import { OPENSSL_BACKEND } from './openssl-backend.ts';
import { SELF_TEST_CASES } from './self-test-cases.ts';
import type { SignatureBackend } from './signature-backend.ts';
import { findFault } from './signature-self-test.ts';
import { requireSodium } from './testing/all-backends.ts';
import { CHOSEN_BACKENDS, chooseBackend, prepareKey } from './verifier.ts';

const ALGORITHMS: readonly Algorithm[] = ['Ed25519', 'ESP256', 'ES256K'];
const MESSAGE = utf8ToBytes('sixty beats a minute');
const KEY = createSigner('Ed25519', new Uint8Array(32).fill(7)).publicKey.bytes;

const SODIUM = await requireSodium();
const BACKENDS: readonly SignatureBackend[] = [OPENSSL_BACKEND, NOBLE_BACKEND];

describe('the choice', () => {
  test('on this machine: the fastest of each, nothing passed over', () => {
    const names = Object.entries(CHOSEN_BACKENDS).map(([algorithm, { backend }]) => [
      algorithm,
      backend.name,
    ]);
    expect(names).toEqual([
      ['Ed25519', 'libsodium'],
      ['ESP256', 'openssl'],
      ['ES256K', 'openssl'],
    ]);
    expect(Object.values(CHOSEN_BACKENDS).flatMap(({ passedOver }) => passedOver)).toEqual([]);
  });

  test('a library that is not there is passed over, with the reason', () => {
    const missing = { name: 'libsodium', reason: 'No native build was found' } as const;
    const { backend, passedOver } = chooseBackend('Ed25519', [missing, OPENSSL_BACKEND, NOBLE_BACKEND]);
    expect(backend.name).toBe('openssl');
    expect(passedOver).toEqual([missing]);
  });

  test('so is one with another rule, for every way in which it may differ', () => {
    for (const { name, algorithm, valid } of SELF_TEST_CASES) {
      const other = answering(name, () => !valid);
      const { backend, passedOver } = chooseBackend(algorithm, [other, NOBLE_BACKEND]);
      expect(backend.name).toBe('noble');
      expect(passedOver[0]?.reason).toBe(
        `it ${valid ? 'refuses' : 'accepts'} the test signature ${JSON.stringify(name)}`,
      );
    }
  });

  test('and one that throws', () => {
    const broken = answering('ESP256 high s', () => {
      throw new Error('unsupported');
    });
    expect(chooseBackend('ESP256', [broken, NOBLE_BACKEND]).passedOver).toEqual([
      { name: 'openssl', reason: 'it fails on the test signature "ESP256 high s": unsupported' },
    ]);
  });

  test('with none left nothing may be taken in', () => {
    const missing = { name: 'libsodium', reason: 'not built' } as const;
    expect(() => chooseBackend('Ed25519', [missing])).toThrow(
      'no library on this machine verifies Ed25519 by the rule (libsodium: not built)',
    );
  });

  /** OpenSSL but for one answer. */
  function answering(name: string, answer: () => boolean): SignatureBackend {
    const { publicKey, message, signature } = SELF_TEST_CASES.find((one) => one.name === name) ?? {};
    const isAsked = (...parts: Uint8Array[]) =>
      parts.map((bytes) => Buffer.from(bytes).toString('hex')).join() ===
      [publicKey, message, signature].join();
    return {
      ...OPENSSL_BACKEND,
      verify: (algorithm, ...parts) =>
        isAsked(...parts) ? answer() : OPENSSL_BACKEND.verify(algorithm, ...parts),
    };
  }
});

describe('the self-test', () => {
  test.each(ALGORITHMS)('%s: passed by every library, and asks for both answers', (algorithm) => {
    for (const backend of BACKENDS) expect(findFault(algorithm, backend)).toBeUndefined();
    if (algorithm === 'Ed25519') expect(findFault(algorithm, SODIUM)).toBeUndefined();
    const answers = SELF_TEST_CASES.filter((one) => one.algorithm === algorithm).map(({ valid }) => valid);
    expect(answers.filter((valid) => valid).length).toBeGreaterThanOrEqual(2);
    expect(answers.filter((valid) => !valid).length).toBeGreaterThanOrEqual(4);
  });
});

describe('what a library may be asked', () => {
  test('libsodium has Ed25519 alone: another algorithm does not compile, and is refused at run time', () => {
    expectTypeOf(SODIUM.verify).parameter(0).toEqualTypeOf<'Ed25519'>();
    // @ts-expect-error libsodium has no ECDSA
    expect(() => SODIUM.verify('ESP256', KEY, MESSAGE, KEY)).toThrow(
      new TypeError('algorithm: libsodium does Ed25519'),
    );
  });

  test.each(ALGORITHMS)(
    '%s: misuse is a TypeError that names the argument, whatever the key',
    (algorithm) => {
      const not = 'bytes' as unknown as Uint8Array;
      const backends = algorithm === 'Ed25519' ? [...BACKENDS, SODIUM as SignatureBackend] : BACKENDS;
      for (const backend of backends) {
        expect(() => backend.prepare('RS256' as Algorithm, KEY)).toThrow(TypeError);
        expect(() => backend.prepare(algorithm, not)).toThrow('publicKey: expected a Uint8Array');
        const good = createSigner(algorithm, new Uint8Array(32).fill(7)).publicKey.bytes;
        for (const key of [good, new Uint8Array(0), new Uint8Array(good.length).fill(1)]) {
          const prepared = backend.prepare(algorithm, key);
          expect(() => prepared.verify(not, MESSAGE)).toThrow('message: expected a Uint8Array');
          expect(() => prepared.verify(MESSAGE, not)).toThrow('signature: expected a Uint8Array');
        }
      }
    },
  );

  test.each(ALGORITHMS)('%s: a prepared key owns its bytes', async (algorithm) => {
    const signer = createSigner(algorithm, new Uint8Array(32).fill(7));
    const signature = await signer.sign(MESSAGE);
    const backends = algorithm === 'Ed25519' ? [...BACKENDS, SODIUM as SignatureBackend] : BACKENDS;
    for (const backend of backends) {
      const bytes = Uint8Array.from(signer.publicKey.bytes);
      const prepared = backend.prepare(algorithm, bytes);
      bytes.fill(0);
      expect(prepared.verify(MESSAGE, signature)).toBe(true);
    }
    expect(prepareKey(signer.publicKey).verify(MESSAGE, signature)).toBe(true);
  });
});

describe('DER', () => {
  const raw = (r: string, s: string) => hexToBytes(r.padStart(64, '0') + s.padStart(64, '0'));
  test.each([
    ['0', '0', '3006020100020100'],
    ['1', '7f', '300602010102017f'],
    ['80', 'ff', '300802020080020200ff'],
    ['100', '8000', '3009020201000203008000'],
    ['f'.repeat(64), '1', `3026022100${'f'.repeat(64)}020101`],
    ['f'.repeat(64), '8'.repeat(64), `3046022100${'f'.repeat(64)}022100${'8'.repeat(64)}`],
    ['7'.repeat(64), '1'.repeat(62), `30430220${'7'.repeat(64)}021f${'1'.repeat(62)}`],
  ])('r %s, s %s', (r, s, der) => {
    expect(Buffer.from(derSignature(raw(r, s))).toString('hex')).toBe(der);
  });
});

describe('encodings of Ed25519 points', () => {
  test.each([
    ['the base point', '5866666666666666666666666666666666666666666666666666666666666666', true],
    ['the neutral element', `01${'00'.repeat(31)}`, false],
    ['the neutral element with the sign of 0', `01${'00'.repeat(30)}80`, false],
    ['order 2', `ec${'ff'.repeat(30)}7f`, false],
    ['order 4', '00'.repeat(32), false],
    ['order 4, the other', `${'00'.repeat(31)}80`, false],
    ['order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85', false],
    ['order 8, the other', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', false],
    ['y = p', `ed${'ff'.repeat(30)}7f`, false],
    ['y = p + 3', `f0${'ff'.repeat(30)}ff`, false],
    ['y = p - 2', `eb${'ff'.repeat(30)}7f`, true],
    ['y = 2', `02${'00'.repeat(31)}`, true],
    ['nearly p: one byte less', `ed${'ff'.repeat(29)}fe7f`, true],
    ['nearly p: the top byte less', `ed${'ff'.repeat(30)}7e`, true],
  ])('%s', (_name, hex, usable) => expect(isUsableEncoding(hexToBytes(hex))).toBe(usable));
});
