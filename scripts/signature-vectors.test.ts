/** docs/vectors/signatures.json, read as a stranger would: with the reference, and the names it promises. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseText } from '../bin/key-files.ts';
import { parseDeviceRequest } from '../gateway/log/device-requests.ts';
import { bytesToBase64, bytesToHex, hexToBytes } from '../src/bytes.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { decodeCoseKey } from '../src/cose/key.ts';
import { verifySignature } from '../src/signature.ts';
import type { SignatureVectorFile } from './vectors/signature-vectors.ts';

const file: SignatureVectorFile = JSON.parse(
  readFileSync(new URL('../docs/vectors/signatures.json', import.meta.url), 'utf8'),
);
const ALGORITHMS: readonly Algorithm[] = ['Ed25519', 'ESP256', 'ES256K'];

test('names are unique', () => {
  const names = [...file.signatures, ...file.keys].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test.each(ALGORITHMS)('%s: the reference gives every signature its verdict', (algorithm) => {
  const wrong = file.signatures
    .filter((vector) => vector.algorithm === algorithm)
    .filter(({ publicKey, message, signature, valid }) => {
      const parts = [publicKey, message, signature].map(hexToBytes) as [Uint8Array, Uint8Array, Uint8Array];
      return verifySignature(algorithm, ...parts) !== valid;
    });
  expect(wrong.map(({ name }) => name)).toEqual([]);
});

describe('enrolment', () => {
  const outcome = (read: () => ReturnType<typeof decodeCoseKey> | undefined): string | null => {
    const key = read();
    return key?.kind === 'ok' ? `${key.value.algorithm} ${bytesToHex(key.value.bytes)}` : null;
  };
  const expected = ({ algorithm, enrolled }: (typeof file.keys)[number]): string | null =>
    enrolled === null ? null : `${algorithm} ${enrolled}`;

  test('takes exactly the keys that it should, as COSE_Key and as the file of a device', () => {
    for (const vector of file.keys) {
      const bytes = hexToBytes(vector.coseKey);
      expect(
        outcome(() => decodeCoseKey(bytes)),
        vector.name,
      ).toBe(expected(vector));
      for (const text of [vector.coseKey, bytesToBase64(bytes)])
        expect(
          outcome(() => parseText(text)),
          vector.name,
        ).toBe(expected(vector));
    }
    expect(file.keys.filter(({ enrolled }) => enrolled === null).length).toBeGreaterThan(100);
    expect(file.keys.filter(({ enrolled }) => enrolled !== null).length).toBeGreaterThan(60);
  });

  test('so does the request that becomes a statement of the log; it names the field', () => {
    for (const { name, coseKey, enrolled } of file.keys) {
      const request = JSON.stringify({
        action: 'enrol',
        device: 'urn:dev:mac:0024befffe804ff1',
        patient: 'p-1',
        provider: 'clinic',
        key: bytesToBase64(hexToBytes(coseKey)),
      });
      if (enrolled === null) expect(() => parseDeviceRequest(request), name).toThrow(/^key: /);
      else expect(parseDeviceRequest(request), name).toMatchObject({ action: 'enrol' });
    }
  });

  test('no signature is valid both under a key that is enrolled and under its compressed form', () => {
    const compressed = file.signatures.filter(({ name }) => name.includes(' compressed key'));
    expect(compressed).toHaveLength(4);
    expect(compressed.every(({ valid }) => !valid)).toBe(true);
  });
});
