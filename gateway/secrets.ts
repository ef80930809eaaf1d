/** Secrets are files. Their content never reaches a log line or an error. */
import { readFileSync } from 'node:fs';
import { hexToBytes } from '../src/bytes.ts';
import type { Signer } from '../src/signature.ts';
import { nativeSigner } from './crypto/signer.ts';
import { GatewayError } from './errors.ts';

const SECRET_HEX = /^[0-9a-f]{64}$/;

/** A 32-byte secret from a file of 64 hex digits. Throws GatewayError key-unreadable naming the file and its setting. */
export function readSecret(file: string, setting: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new GatewayError('key-unreadable', `${setting}: cannot read ${file}`, { cause, fatal: true });
  }
  if (!SECRET_HEX.test(text)) {
    throw new GatewayError('key-unreadable', `${setting}: ${file} must hold 64 hex digits`, { fatal: true });
  }
  return hexToBytes(text);
}

/** The Ed25519 signer behind such a file. */
export function readSigner(file: string, setting: string): Signer {
  return nativeSigner(readSecret(file, setting));
}
