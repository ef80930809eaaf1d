/** The provider's own key pair, and the text forms in which keys are handed around. */
import { generateKeyPairSync } from 'node:crypto';
import { base64ToBytes, bytesToBase64 } from '../src/bytes.ts';

/** An X25519 key pair (RFC 7748): deliveries are sealed to the public half. 32 bytes each. */
export interface ProviderKeys {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** A new key pair from the system's randomness. */
export function generateProviderKeys(): ProviderKeys {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const { d = '' } = privateKey.export({ format: 'jwk' });
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return { privateKey: fromBase64Url(d), publicKey: fromBase64Url(x) };
}

/** A 32-byte key as text: standard base64. */
export function formatKey(key: Uint8Array): string {
  return bytesToBase64(key);
}

/** The 32 bytes of a key in base64, or `undefined`. White space around it, as in a file, is allowed. */
export function parseKey(text: string): Uint8Array | undefined {
  const bytes = base64ToBytes(text.trim());
  return bytes?.length === 32 ? bytes : undefined;
}

function fromBase64Url(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64url'));
}
