/** All vectors, written out as they stand in docs/vectors/statements.json. */
import { bytesToHex } from '../../src/bytes.ts';
import { thumbprint } from '../../src/cose/key.ts';
import { decodeSign1, signatureInput } from '../../src/cose/sign1.ts';
import { hashEntry } from '../../src/statement.ts';
import { badContentDrafts } from './bad-content.ts';
import { badEncodingDrafts } from './bad-encoding.ts';
import { badSignatureDrafts } from './bad-signature.ts';
import type { Draft, Expected } from './draft.ts';
import { goodDrafts } from './good.ts';
import { DEVICES, describeDevice } from './test-keys.ts';

/** One vector. Bytes are lower-case hexadecimal. */
export interface StatementVector {
  readonly name: string;
  readonly description: string;
  readonly algorithm: string;
  /** The device whose key is known, and the topic the statement arrives on. */
  readonly device: string;
  readonly topic: string;
  readonly publicKey: string;
  readonly thumbprint: string;
  readonly statement: string;
  readonly verdict: Expected;
  /** SHA-256 of the statement: its log entry, and the prev of the next. */
  readonly entry: string;
  /** What is signed; null when the bytes are no COSE_Sign1 with an attached payload. */
  readonly sigStructure: string | null;
}

export interface VectorFile {
  readonly about: string;
  readonly devices: readonly Readonly<Record<string, string>>[];
  readonly statements: readonly StatementVector[];
}

const ABOUT =
  'Statements for testing firmware and verifiers (docs/protocol.md). The secret keys are public: never use them. ' +
  'Each verdict is that of a verifier that knows the one public key of the device and the topic, and nothing else.';

/** The whole file. The same on every machine: keys are fixed and signatures deterministic. */
export async function makeVectors(): Promise<VectorFile> {
  const drafts = [
    ...(await goodDrafts()),
    ...badEncodingDrafts(),
    ...badContentDrafts(),
    ...badSignatureDrafts(),
  ];
  return {
    about: ABOUT,
    devices: Object.values(DEVICES).map(describeDevice),
    statements: drafts.map(writeOut),
  };
}

function writeOut({ name, description, device, topicDevice, bytes, expected }: Draft): StatementVector {
  const { publicKey } = device.signer;
  return {
    name,
    description,
    algorithm: device.algorithm,
    device: device.urn,
    topic: `wearables/${topicDevice ?? device.urn}/statements`,
    publicKey: bytesToHex(publicKey.bytes),
    thumbprint: bytesToHex(thumbprint(publicKey)),
    statement: bytesToHex(bytes),
    verdict: expected,
    entry: bytesToHex(hashEntry(bytes)),
    sigStructure: sigStructure(bytes),
  };
}

function sigStructure(bytes: Uint8Array): string | null {
  const sign1 = decodeSign1(bytes);
  if (sign1.kind === 'reject' || sign1.value.payload === null) return null;
  return bytesToHex(signatureInput(sign1.value.protectedBytes, sign1.value.payload));
}
