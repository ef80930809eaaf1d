/** The generated corpus of signatures and keys, written out as it stands in docs/vectors/signatures.json. */
import { bytesToHex } from '../../src/bytes.ts';
import { edgeCases } from '../../src/signature/testing/edge-cases.ts';
import { keyCases } from '../../src/signature/testing/key-cases.ts';

/** One question to a verifier. Bytes are lower-case hexadecimal. */
export interface SignatureVector {
  readonly name: string;
  readonly algorithm: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
  readonly valid: boolean;
}

/** One question to enrolment. */
export interface KeyVector {
  readonly name: string;
  readonly algorithm: string;
  readonly coseKey: string;
  /** The key as it is used from then on, or null when it is refused. */
  readonly enrolled: string | null;
}

export interface SignatureVectorFile {
  readonly about: string;
  readonly signatures: readonly SignatureVector[];
  readonly keys: readonly KeyVector[];
}

const ABOUT =
  'What verifiers disagree on, with the answer of the acceptance rule (docs/protocol.md, Signatures). signatures: whether ' +
  'the signature is valid for the public key over the message, whether or not the key could be enrolled. keys: the key as ' +
  'enrolled, or null when enrolment refuses it.';

export function makeSignatureVectors(): SignatureVectorFile {
  const signatures = edgeCases().map(({ name, algorithm, publicKey, message, signature, valid }) => ({
    name,
    algorithm,
    publicKey: bytesToHex(publicKey),
    message: bytesToHex(message),
    signature: bytesToHex(signature),
    valid,
  }));
  const keys = keyCases().map(({ name, algorithm, coseKey, enrolled }) => ({
    name,
    algorithm,
    coseKey: bytesToHex(coseKey),
    enrolled: enrolled === undefined ? null : bytesToHex(enrolled),
  }));
  return { about: ABOUT, signatures, keys };
}
