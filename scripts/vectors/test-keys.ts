/** The fixed keys of the vectors. They are public: nothing real may ever be signed with them. */
import { bytesToHex } from '../../src/bytes.ts';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { encodeCoseKey, keyId, thumbprint } from '../../src/cose/key.ts';
import { createSigner, type Signer } from '../../src/signature.ts';

/** A device of the vectors and its one key. */
export interface TestDevice {
  readonly urn: string;
  readonly algorithm: Algorithm;
  readonly secretKey: Uint8Array;
  readonly signer: Signer;
}

function device(algorithm: Algorithm, urn: string, fill: number): TestDevice {
  const secretKey = new Uint8Array(32).fill(fill);
  return { urn, algorithm, secretKey, signer: createSigner(algorithm, secretKey) };
}

export const DEVICES: Readonly<Record<Algorithm, TestDevice>> = {
  Ed25519: device('Ed25519', 'urn:dev:mac:0024befffe804ff1', 0x11),
  ESP256: device('ESP256', 'urn:dev:ow:10e2073a01080063', 0x22),
  ES256K: device('ES256K', 'urn:dev:os:32473-123456', 0x33),
};

/** A device as it stands in the vector file. */
export function describeDevice({
  urn,
  algorithm,
  secretKey,
  signer,
}: TestDevice): Readonly<Record<string, string>> {
  return {
    device: urn,
    algorithm,
    secretKey: bytesToHex(secretKey),
    publicKey: bytesToHex(signer.publicKey.bytes),
    coseKey: bytesToHex(encodeCoseKey(signer.publicKey)),
    thumbprint: bytesToHex(thumbprint(signer.publicKey)),
    kid: bytesToHex(keyId(signer.publicKey)),
  };
}
