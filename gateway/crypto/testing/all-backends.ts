/** Every library asked the same. */
import type { Algorithm } from '../../../src/cose/algorithm.ts';
import { verifySignature } from '../../../src/signature.ts';
import { OPENSSL_BACKEND } from '../openssl-backend.ts';
import type { SignatureBackend } from '../signature-backend.ts';
import { loadSodiumBackend } from '../sodium-backend.ts';

/** libsodium, which a machine that runs the tests must have. */
export async function requireSodium(): Promise<SignatureBackend<'Ed25519'>> {
  const sodium = await loadSodiumBackend();
  if (sodium instanceof Error) throw sodium;
  return sodium;
}

const SODIUM = await requireSodium();

/** What each library says, by its name; noble by the way that receipts are verified. */
export function askAll(
  algorithm: Algorithm,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Readonly<Record<string, boolean>> {
  return {
    noble: verifySignature(algorithm, publicKey, message, signature),
    openssl: OPENSSL_BACKEND.verify(algorithm, publicKey, message, signature),
    ...(algorithm === 'Ed25519' && { libsodium: SODIUM.verify(algorithm, publicKey, message, signature) }),
  };
}

/** The one verdict of all. An error that shows the input when there are two. */
export function agreedVerdict(
  algorithm: Algorithm,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const all = askAll(algorithm, publicKey, message, signature);
  const [first, ...others] = Object.values(all) as [boolean, ...boolean[]];
  if (others.some((verdict) => verdict !== first)) {
    const [k, m, s] = [publicKey, message, signature].map((bytes) => Buffer.from(bytes).toString('hex'));
    throw new Error(`${algorithm}: ${JSON.stringify(all)}: key ${k} message ${m} signature ${s}`);
  }
  return first;
}
