/** Public keys in the forms device makers have them: COSE_Key, PEM, JWK. */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { decodeCoseKeyNatively, parsePublicKeyNatively } from '../gateway/crypto/public-key.ts';
import { base64ToBytes, hexToBytes } from '../src/bytes.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import type { PublicKey } from '../src/cose/key.ts';
import type { Parsed } from '../src/verdict.ts';
import { UsageError } from './cli.ts';

const CURVES: Readonly<Record<string, Algorithm>> = {
  Ed25519: 'Ed25519',
  'P-256': 'ESP256',
  secp256k1: 'ES256K',
};

/** The public key in a file: PEM (SPKI), JWK, or a COSE_Key as bytes, hex or base64. Throws UsageError naming the file. */
export function readPublicKeyFile(file: string): PublicKey {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UsageError(`cannot read the key file ${file}: ${(error as Error).message}`);
  }
  const content = bytes.toString('utf8').trim();
  if (content.includes('PRIVATE KEY'))
    throw new UsageError(`${file} holds a private key; only the public key leaves a device`);
  const asText = parseText(content);
  const key = asText ?? decodeCoseKeyNatively(Uint8Array.from(bytes));
  if (key.kind === 'ok') return key.value;
  const what = asText === undefined ? 'neither PEM nor JWK; ' : '';
  throw new UsageError(`${file}: ${what}${key.detail}`);
}

/** A COSE_Key in base64 or hex, a PEM or a JWK; undefined when the text is none of these. */
export function parseText(content: string): Parsed<PublicKey> | undefined {
  if (content.startsWith('-----BEGIN') && content.includes('PRIVATE KEY')) return PRIVATE;
  if (content.startsWith('-----BEGIN')) return fromKeyObject(() => createPublicKey(content));
  if (content.startsWith('{')) return fromJwk(content);
  if (/^(?:[0-9a-fA-F]{2})+$/.test(content)) return decodeCoseKeyNatively(hexToBytes(content));
  const base64 = base64ToBytes(content);
  return base64 === undefined || base64.length === 0 ? undefined : decodeCoseKeyNatively(base64);
}

const PRIVATE = {
  kind: 'reject',
  code: 'malformed',
  detail: 'a private key; only the public key leaves a device',
} as const;

function fromJwk(content: string): Parsed<PublicKey> {
  let jwk: JsonWebKey;
  try {
    jwk = JSON.parse(content) as JsonWebKey; // attacker-controlled
  } catch {
    // The parser's message may quote what stands there, and someone may have put a private key there.
    return { kind: 'reject', code: 'malformed', detail: 'no readable public key (not JSON)' };
  }
  return jwk.d === undefined ? fromKeyObject(() => createPublicKey({ key: jwk, format: 'jwk' })) : PRIVATE;
}

function fromKeyObject(read: () => KeyObject): Parsed<PublicKey> {
  try {
    const { crv = '', x = '', y = '' } = read().export({ format: 'jwk' });
    const algorithm = CURVES[crv];
    if (algorithm === undefined)
      return {
        kind: 'reject',
        code: 'malformed',
        detail: `${crv === '' ? 'not an elliptic-curve key' : `the curve is ${crv}`}; it must be Ed25519, P-256 or secp256k1`,
      };
    const coordinates = [x, y].map((text) => Uint8Array.from(Buffer.from(text, 'base64url')));
    const [first = new Uint8Array(), second = new Uint8Array()] = coordinates;
    return parsePublicKeyNatively(
      algorithm,
      algorithm === 'Ed25519' ? first : Uint8Array.from([4, ...first, ...second]),
    );
  } catch (error) {
    return {
      kind: 'reject',
      code: 'malformed',
      detail: `no readable public key (${(error as Error).message})`,
    };
  }
}
