/** The witness's own key: a file of 64 hex digits, readable by its owner alone. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bytesToHex, hexToBytes } from '../src/bytes.ts';
import { COSIGNATURE_TYPE } from '../src/cosignature.ts';
import { createSigner, type Signer } from '../src/signature.ts';
import { formatVerifierKey } from '../src/verifier-key.ts';

const SECRET_BYTES = 32;
const SECRET_HEX = /^[0-9a-f]{64}$/;

/** A new secret as text, from the system's randomness. */
export function generateSecret(): string {
  return bytesToHex(Uint8Array.from(randomBytes(SECRET_BYTES)));
}

/** The Ed25519 signer of a secret as text; `undefined` when it is none. White space around it is allowed. */
export function signerFromSecret(text: string): Signer | undefined {
  const hex = text.trim();
  return SECRET_HEX.test(hex) ? createSigner('Ed25519', hexToBytes(hex)) : undefined;
}

/** The signer in a file; `undefined` when there is none. */
export function readSignerFile(file: string): Signer | undefined {
  try {
    return signerFromSecret(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** What logs and verifiers must be given to know this witness. */
export function witnessKey(name: string, signer: Signer): string {
  return formatVerifierKey({ name, publicKey: signer.publicKey.bytes }, COSIGNATURE_TYPE);
}
