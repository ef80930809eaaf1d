/** Keys and signatures by the openssl command line, which shares no code with this project. */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { runProgram } from './command.ts';

const KEY_ARGUMENTS: Readonly<Record<Algorithm, readonly string[]>> = {
  Ed25519: ['-algorithm', 'ed25519'],
  ESP256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  ES256K: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
};

export interface OpensslKey {
  /** PEM, SPKI. */
  readonly publicFile: string;
  /** PEM, PKCS #8. */
  readonly privateFile: string;
  /** The 32 bytes inside. */
  readonly secretKey: Uint8Array;
}

/** Makes a key pair in `base.private.pem` and `base.public.pem`. */
export async function makeOpensslKey(algorithm: Algorithm, base: string): Promise<OpensslKey> {
  const [privateFile, publicFile] = [`${base}.private.pem`, `${base}.public.pem`];
  await openssl('genpkey', ...KEY_ARGUMENTS[algorithm], '-out', privateFile);
  await openssl('pkey', '-in', privateFile, '-pubout', '-out', publicFile);
  const { d = '' } = createPrivateKey(readFileSync(privateFile)).export({ format: 'jwk' });
  return { privateFile, publicFile, secretKey: Uint8Array.from(Buffer.from(d, 'base64url')) };
}

/** Runs `openssl` and throws when it fails. */
export async function openssl(...args: readonly string[]): Promise<void> {
  const { code, err } = await runProgram('openssl', args);
  if (code !== 0) throw new Error(`openssl ${args[0]} ended with ${code}: ${err}`);
}
