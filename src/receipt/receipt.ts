/**
 * The receipt of one statement (RFC 9942 section 5.2): the envelope with an inclusion proof.
 *
 * ```cddl
 * inclusion-proof = [tree-size: uint, leaf-index: uint, path: [* bstr .size 32]]   ; proof type -1
 * ```
 */
import type { CborValue } from '../cbor.ts';
import { isHash } from '../merkle/hash.ts';
import { assertCount, isCount } from '../merkle/shape.ts';
import type { Signer } from '../signature.ts';
import { ok, type Parsed, reject } from '../verdict.ts';
import { decodeEnvelope, type ReceiptEnvelope, signEnvelope } from './envelope.ts';

/** What a log puts into a receipt. */
export interface ReceiptFields {
  /** Origin of the log. */
  readonly origin: string;
  /** Whom or what the statement is about, for those who sort receipts: the statement's subject or device. */
  readonly subject: string;
  /** Leaves of the tree the path leads to the root of. When anchors are attached, theirs. */
  readonly size: number;
  readonly root: Uint8Array;
  readonly index: number;
  /** Inclusion proof of leaf `index` in the tree of `size` leaves, leaf's sibling first. */
  readonly path: readonly Uint8Array[];
}

/** A decoded receipt. Nothing in it is verified. */
export interface Receipt extends ReceiptEnvelope {
  readonly size: number;
  readonly index: number;
  readonly path: readonly Uint8Array[];
}

const INCLUSION_PROOF = -1;

/**
 * The COSE Receipt, without anchors, signed with the log's Ed25519 key.
 * @throws RangeError or TypeError naming the field that cannot stand in a receipt.
 */
export async function signReceipt(fields: ReceiptFields, signer: Signer): Promise<Uint8Array> {
  const { origin, subject, size, root, index, path } = fields;
  assertCount('size', size, 1, Number.MAX_SAFE_INTEGER);
  assertCount('index', index, 0, size - 1);
  if (!path.every(isHash)) throw new RangeError('path must be hashes of 32 bytes');
  const proof: CborValue = [size, index, [...path]];
  return signEnvelope({ origin, subject, root, proofType: INCLUSION_PROOF, proof }, signer);
}

/** Reads what `signReceipt` and `withAnchors` give. Neither signature nor path is checked. */
export function decodeReceipt(bytes: Uint8Array): Parsed<Receipt> {
  const decoded = decodeEnvelope(bytes, INCLUSION_PROOF);
  if (decoded.kind === 'reject') return decoded;
  const { envelope, proof } = decoded.value;
  if (!Array.isArray(proof) || proof.length !== 3) {
    return reject('malformed', 'receipt: inclusion proof: not [size, index, path]');
  }
  const [size, index, path] = proof as readonly CborValue[];
  if (!isCount(size) || !isCount(index) || index >= size) {
    return reject('malformed', 'receipt: inclusion proof: the index is not below the size');
  }
  if (!Array.isArray(path) || !path.every(isHash)) {
    return reject('malformed', 'receipt: inclusion proof: the path is not hashes of 32 bytes');
  }
  return ok({ ...envelope, size, index, path: path as readonly Uint8Array[] });
}
