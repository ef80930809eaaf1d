/** Three libraries, one verdict: on the generated corpus, on published vectors, and on what OpenSSL itself signs. */
import { generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, hexToBytes, utf8ToBytes } from '../../src/bytes.ts';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { parsePublicKey } from '../../src/cose/key.ts';
import { edgeCases } from '../../src/signature/testing/edge-cases.ts';
import { flipped } from '../../src/signature/testing/signature-case.ts';
import { createSigner } from '../../src/signature.ts';
import { NOBLE_BACKEND } from './noble-backend.ts';
import { OPENSSL_BACKEND } from './openssl-backend.ts';
import { parsePublicKeyNatively } from './public-key.ts';
import { agreedVerdict, askAll } from './testing/all-backends.ts';
import { prepareKey } from './verifier.ts';

const VECTORS = new URL('../../../shared/data/vectors/', import.meta.url);
const ALGORITHMS: readonly Algorithm[] = ['Ed25519', 'ESP256', 'ES256K'];
const MESSAGE = utf8ToBytes('sixty beats a minute');

/** What every library says, and the one that the gateway uses. */
function verdicts(
  algorithm: Algorithm,
  key: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Record<string, boolean> {
  const chosen = prepareKey({ algorithm, bytes: key }).verify(message, signature);
  return { ...askAll(algorithm, key, message, signature), chosen };
}

describe('the generated corpus', () => {
  test.each(ALGORITHMS)('%s: every library gives the verdict that the case was made for', (algorithm) => {
    const cases = edgeCases().filter((one) => one.algorithm === algorithm);
    const wrong = cases
      .map((one) => ({
        name: one.name,
        valid: one.valid,
        got: verdicts(algorithm, one.publicKey, one.message, one.signature),
      }))
      .filter(({ valid, got }) => Object.values(got).some((verdict) => verdict !== valid));
    expect(wrong).toEqual([]);
    expect(cases.length).toBeGreaterThan(280);
    expect(cases.filter(({ valid }) => valid).length).toBeGreaterThan(30);
  });

  test.each(ALGORITHMS)('%s: enrolment takes the keys that it should, and no other', (algorithm) => {
    for (const parse of [parsePublicKey, parsePublicKeyNatively]) {
      const wrong = edgeCases().filter(
        (one) =>
          one.algorithm === algorithm && (parse(algorithm, one.publicKey).kind === 'ok') !== one.enrollable,
      );
      expect(wrong.map(({ name }) => name)).toEqual([]);
    }
  });

  test('a key of one algorithm is none of another', () => {
    for (const one of edgeCases().filter(({ valid }) => valid)) {
      for (const other of ALGORITHMS.filter((algorithm) => algorithm !== one.algorithm))
        expect(agreedVerdict(other, one.publicKey, one.message, one.signature)).toBe(false);
    }
  });
});

/**
 * Where the acceptance rule differs from the published result, on purpose. By file and test number; empty for these files: what
 * verifiers may disagree on (keys and R of small or mixed order) Wycheproof leaves out, and the generated corpus holds.
 */
const DIFFERS: Readonly<Record<string, readonly number[]>> = {};

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

describe.skipIf(!existsSync(VECTORS))('published vectors (skipped without ../shared/data)', () => {
  test.each([
    ['ed25519_test.json', 'Ed25519', 151],
    ['ecdsa_secp256r1_sha256_p1363_test.json', 'ESP256', 262],
  ] as const)('Wycheproof %s: the published result, from every library', (name, algorithm, count) => {
    const file: WycheproofFile = JSON.parse(readFileSync(new URL(`wycheproof/${name}`, VECTORS), 'utf8'));
    const wrong: number[] = [];
    let seen = 0;
    for (const { publicKey, tests } of file.testGroups) {
      const key = hexToBytes(publicKey.pk ?? publicKey.uncompressed ?? '');
      expect(parsePublicKey(algorithm, key).kind).toBe('ok');
      for (const { tcId, msg, sig, result } of tests) {
        seen += 1;
        if (agreedVerdict(algorithm, key, hexToBytes(msg), hexToBytes(sig)) !== (result === 'valid'))
          wrong.push(tcId);
      }
    }
    expect(wrong).toEqual(DIFFERS[name] ?? []);
    expect(seen).toBe(count);
  });

  test('COSE working group: Sign and Sign1 over our curves, from every library', () => {
    const names = ['ecdsa-examples/', 'eddsa-examples/'].flatMap((folder) =>
      readdirSync(new URL(`cose/${folder}`, VECTORS)).map((name) => folder + name),
    );
    expect(names).toHaveLength(12);
    const answers = names.map((name) => {
      const example = JSON.parse(readFileSync(new URL(`cose/${name}`, VECTORS), 'utf8'));
      return [name.replace(/^.*\//, ''), coseVerdict(example)];
    });
    // Not listed: Ed448, P-384 and P-521, which no statement may name.
    expect(Object.fromEntries(answers.filter(([, verdict]) => verdict !== undefined))).toEqual({
      'ecdsa-01.json': true,
      'ecdsa-sig-01.json': true,
      'eddsa-01.json': true,
      'eddsa-sig-01.json': true,
      // Published as valid, invalid here on purpose: P-256 with SHA-512 is ES512, and ESP256 is SHA-256 alone (RFC 9864).
      'ecdsa-04.json': false,
      'ecdsa-sig-04.json': false,
    });
  });
});

interface CoseSigner {
  readonly key: Readonly<Record<string, string>>;
}
interface CoseExample {
  readonly input: {
    readonly sign0?: CoseSigner;
    readonly sign?: { readonly signers: readonly CoseSigner[] };
  };
  readonly intermediates: {
    readonly ToBeSign_hex?: string;
    readonly signers?: readonly { readonly ToBeSign_hex: string }[];
  };
  readonly output: { readonly cbor: string };
}

/** The verdict on an example of the COSE working group; undefined when its curve is none of ours. */
function coseVerdict({ input, intermediates, output }: CoseExample): boolean | undefined {
  const [signer = input.sign0] = input.sign?.signers ?? [];
  const signed = (intermediates.ToBeSign_hex ?? intermediates.signers?.[0]?.ToBeSign_hex) as string;
  const { crv = '', x_hex = '', x = '', y = '' } = signer?.key ?? {};
  if (crv !== 'P-256' && crv !== 'Ed25519') return undefined;
  const fromBase64 = (text: string) => Uint8Array.from(Buffer.from(text, 'base64url'));
  const bytes =
    crv === 'Ed25519' ? hexToBytes(x_hex) : concatBytes(Uint8Array.of(4), fromBase64(x), fromBase64(y));
  // The signature is the last item of either message.
  const signature = hexToBytes(output.cbor.toLowerCase()).subarray(-64);
  return agreedVerdict(
    crv === 'Ed25519' ? 'Ed25519' : 'ESP256',
    bytes,
    hexToBytes(signed.toLowerCase()),
    signature,
  );
}

describe.each(ALGORITHMS)('%s', (algorithm) => {
  const signer = createSigner(algorithm, new Uint8Array(32).fill(7));
  const key = signer.publicKey.bytes;

  test('messages of any length, at any place in a larger buffer, shared memory too', async () => {
    for (const length of [0, 1, 63, 64, 65, 100_000]) {
      const around = new Uint8Array(new SharedArrayBuffer(length + 20)).fill(0xee);
      const message = around.subarray(7, 7 + length);
      const signature = await signer.sign(Uint8Array.from(message));
      const inside = concatBytes(Uint8Array.of(1, 2, 3), signature).subarray(3);
      expect(agreedVerdict(algorithm, key, message, inside)).toBe(true);
    }
  });

  test('any flipped bit of signature, key or message is invalid to all', async () => {
    const signature = await signer.sign(MESSAGE);
    for (let bit = 0; bit < 512; bit += 3)
      expect(agreedVerdict(algorithm, key, MESSAGE, flipped(signature, bit))).toBe(false);
    for (let bit = 0; bit < key.length * 8; bit += 5)
      expect(agreedVerdict(algorithm, flipped(key, bit), MESSAGE, signature)).toBe(false);
    for (let bit = 0; bit < MESSAGE.length * 8; bit += 9)
      expect(agreedVerdict(algorithm, key, flipped(MESSAGE, bit), signature)).toBe(false);
  });

  test('bytes of any kind get an answer, and the same from all', () => {
    const anyKey = fc.oneof(fc.constant(key), fc.uint8Array({ maxLength: 70 }));
    fc.assert(
      fc.property(anyKey, fc.uint8Array(), fc.uint8Array({ maxLength: 70 }), (k, message, signature) => {
        expect(agreedVerdict(algorithm, k, message, signature)).toBe(false);
      }),
    );
  });
});

test.each([
  ['ESP256', 'P-256'],
  ['ES256K', 'secp256k1'],
] as const)('%s: what OpenSSL signs with random nonces is valid to all', (algorithm, namedCurve) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  const jwk = publicKey.export({ format: 'jwk' });
  const half = (text = '') => new Uint8Array(Buffer.from(text, 'base64url'));
  const key = concatBytes(Uint8Array.of(4), half(jwk.x), half(jwk.y));
  for (let i = 0; i < 40; i++) {
    const message = utf8ToBytes(`${i}`);
    const signature = nodeSign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    expect(agreedVerdict(algorithm, key, message, signature)).toBe(true);
    expect(agreedVerdict(algorithm, key, MESSAGE, signature)).toBe(false);
  }
});

test('one key, many signatures: nothing of one verification stays for the next', async () => {
  for (const algorithm of ALGORITHMS) {
    const signer = createSigner(algorithm, new Uint8Array(32).fill(9));
    const keys = [
      NOBLE_BACKEND.prepare(algorithm, signer.publicKey.bytes),
      OPENSSL_BACKEND.prepare(algorithm, signer.publicKey.bytes),
      prepareKey(signer.publicKey),
    ];
    for (let i = 0; i < 30; i++) {
      const message = utf8ToBytes(`${i}`);
      const signature = await signer.sign(message);
      for (const key of keys) {
        expect(key.verify(message, flipped(signature, i * 17))).toBe(false);
        expect(key.verify(message, new Uint8Array(i))).toBe(false);
        expect(key.verify(message, signature)).toBe(true);
        expect(key.verify(MESSAGE, signature)).toBe(false);
      }
    }
  }
});
