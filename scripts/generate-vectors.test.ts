import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesToHex, equalBytes, hexToBytes } from '../src/bytes.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { decodeCoseKey, keyId, parsePublicKey } from '../src/cose/key.ts';
import { inspectPayload } from '../src/payload.ts';
import { createSigner, verifySignature } from '../src/signature.ts';
import { decodeStatement, hashEntry } from '../src/statement.ts';
import { makeVectors, type StatementVector, type VectorFile } from './vectors/statement-vectors.ts';

const file: VectorFile = JSON.parse(
  readFileSync(new URL('../docs/vectors/statements.json', import.meta.url), 'utf8'),
);

/** The verdict as docs/protocol.md has it: form, topic, key, signature, payload, in this order. */
function judge({ statement, topic, device, algorithm, publicKey }: StatementVector): string {
  const decoded = decodeStatement(hexToBytes(statement));
  if (decoded.kind === 'reject') return decoded.code;
  const { issuer, kid, signedBytes, signature, contentType, payload } = decoded.value;
  if (topic !== `wearables/${issuer}/statements` || issuer !== device) return 'wrong-issuer';
  const key = parsePublicKey(algorithm as Algorithm, hexToBytes(publicKey));
  if (key.kind === 'reject') throw new Error(key.detail);
  if (!equalBytes(kid, keyId(key.value)) || decoded.value.algorithm !== algorithm) return 'unknown-key';
  if (!verifySignature(key.value.algorithm, key.value.bytes, signedBytes, signature)) return 'bad-signature';
  const inspected = inspectPayload(contentType, payload);
  return inspected.kind === 'reject' ? inspected.code : 'accept';
}

test('docs/vectors/statements.json is what the generator writes', async () => {
  expect(await makeVectors()).toEqual(file);
});

test('names are unique, and every verdict that bytes and key can earn is there, for every algorithm', () => {
  const names = file.statements.map((vector) => vector.name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(100);
  const verdicts = new Set(file.statements.map((vector) => vector.verdict));
  expect([...verdicts].sort()).toEqual([
    'accept',
    'bad-signature',
    'malformed',
    'not-deterministic',
    'unknown-key',
    'wrong-issuer',
  ]);
  for (const { algorithm } of file.devices) {
    const ofAlgorithm = file.statements.filter((vector) => vector.algorithm === algorithm);
    expect(ofAlgorithm.some(({ verdict }) => verdict === 'accept')).toBe(true);
    expect(ofAlgorithm.some(({ verdict }) => verdict === 'bad-signature')).toBe(true);
  }
});

test.each(file.statements)('$name: $verdict', (vector) => {
  expect(judge(vector)).toBe(vector.verdict);
  expect(bytesToHex(hashEntry(hexToBytes(vector.statement)))).toBe(vector.entry);
  const decoded = decodeStatement(hexToBytes(vector.statement));
  if (decoded.kind === 'ok') expect(bytesToHex(decoded.value.signedBytes)).toBe(vector.sigStructure);
});

describe('devices', () => {
  test.each(file.devices)('$algorithm: key, COSE_Key, thumbprint and kid belong together', (device) => {
    const signer = createSigner(device['algorithm'] as Algorithm, hexToBytes(device['secretKey'] ?? ''));
    expect(bytesToHex(signer.publicKey.bytes)).toBe(device['publicKey']);
    expect(decodeCoseKey(hexToBytes(device['coseKey'] ?? ''))).toEqual({
      kind: 'ok',
      value: signer.publicKey,
    });
    expect(device['thumbprint']?.slice(0, 16)).toBe(device['kid']);
    expect(bytesToHex(keyId(signer.publicKey))).toBe(device['kid']);
  });
});
