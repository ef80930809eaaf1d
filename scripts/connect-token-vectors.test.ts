/** docs/vectors/connect-tokens.json, judged as docs/protocol.md has it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bytesToHex, equalBytes, hexToBytes, utf8ToBytes } from '../src/bytes.ts';
import { connectTokenFromPassword, decodeConnectToken, findConnectTokenFault } from '../src/connect-token.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { keyId, parsePublicKey } from '../src/cose/key.ts';
import { verifySignature } from '../src/signature.ts';
import { decodeStatement } from '../src/statement.ts';
import {
  type ConnectTokenFile,
  type ConnectTokenVector,
  makeConnectTokenVectors,
} from './vectors/connect-token-vectors.ts';

const file: ConnectTokenFile = JSON.parse(
  readFileSync(new URL('../docs/vectors/connect-tokens.json', import.meta.url), 'utf8'),
);

function judge({ token, device, algorithm, publicKey }: ConnectTokenVector): string {
  const decoded = decodeConnectToken(hexToBytes(token));
  if (decoded.kind === 'reject') return decoded.code;
  const { audience, now, leewaySeconds, maxSeconds, challenge } = file.gateway;
  const isFresh = (bytes: Uint8Array) => bytesToHex(bytes) === challenge;
  const rules = { device, audience, now, leewaySeconds, maxSeconds, isFresh };
  const fault = findConnectTokenFault(decoded.value, rules);
  if (fault !== undefined) return fault;
  const key = parsePublicKey(algorithm as Algorithm, hexToBytes(publicKey));
  if (key.kind === 'reject') throw new Error(key.detail);
  const { kid, signedBytes, signature } = decoded.value;
  if (!equalBytes(kid, keyId(key.value)) || decoded.value.algorithm !== algorithm) return 'unknown-key';
  return verifySignature(key.value.algorithm, key.value.bytes, signedBytes, signature)
    ? 'accept'
    : 'bad-signature';
}

test('docs/vectors/connect-tokens.json is what the generator writes', async () => {
  expect(await makeConnectTokenVectors()).toEqual(file);
});

test.each(file.tokens)('$name: $verdict', (vector) => {
  expect(judge(vector)).toBe(vector.verdict);
  const bytes = hexToBytes(vector.token);
  if (bytes[0] === 0xd2) expect(connectTokenFromPassword(bytes)).toEqual(bytes);
  expect(connectTokenFromPassword(utf8ToBytes(vector.text))).toEqual(bytes);
});

test('no token is a statement', () => {
  for (const { name, token } of file.tokens) {
    if (name !== 'a-statement')
      expect([name, decodeStatement(hexToBytes(token)).kind]).toEqual([name, 'reject']);
  }
});

test('every verdict is there', () => {
  const verdicts = [...new Set(file.tokens.map(({ verdict }) => verdict))].sort();
  expect(verdicts).toEqual([
    'accept',
    'bad-signature',
    'expired',
    'malformed',
    'not-deterministic',
    'not-yet-valid',
    'other-device',
    'other-gateway',
    'stale-challenge',
    'too-long-valid',
    'unknown-key',
  ]);
});
