/**
 * The reference of `src` as a backend: up to thirty times slower than native code (bench/verify), and there
 * wherever JavaScript is.
 */
import { verifySignature } from '../../src/signature.ts';
import { makeBackend, type SignatureBackend } from './signature-backend.ts';

export const NOBLE_BACKEND: SignatureBackend = makeBackend(
  'noble',
  ['Ed25519', 'ESP256', 'ES256K'],
  (algorithm, publicKey) => {
    const key = Uint8Array.from(publicKey);
    return { verify: (message, signature) => verifySignature(algorithm, key, message, signature) };
  },
);
