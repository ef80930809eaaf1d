/**
 * A pack: many statements with one proof, one signature of the log and one set of anchors.
 *
 * ```cddl
 * pack = {
 *   1: [+ bstr .cbor statement],    ; the exact bytes, in the order of the leaf indices
 *   2: bstr .cbor receipt<-70011, multiproof>,   ; see envelope.ts
 * }
 * multiproof = [
 *   tree-size: uint,
 *   leaf-indices: [+ uint],         ; one for each statement, strictly ascending
 *   nodes: [* bstr .size 32],       ; in the order of merkle/multiproof.ts
 * ]
 * ```
 *
 * -70011 is from the private-use range of the registry of proof types that RFC 9942 sets up, which
 * has none for several leaves.
 */
import { CborError, type CborValue, decodeCbor, encodeCbor } from '../cbor.ts';
import { isHash } from '../merkle/hash.ts';
import { assertCount, isCount } from '../merkle/shape.ts';
import type { Signer } from '../signature.ts';
import { decodeStatement, type Statement } from '../statement.ts';
import { ok, type Parsed, reject } from '../verdict.ts';
import type { Anchor } from './anchor.ts';
import { decodeEnvelope, type ReceiptEnvelope, signEnvelope, withAnchors } from './envelope.ts';

/** Media type of a `*.receipt-pack.cbor` file. */
export const PACK_MEDIA_TYPE = 'application/vnd.vitalseal.receipt-pack+cbor';

/** What a log puts into the receipt of a pack. */
export interface PackReceiptFields {
  readonly origin: string;
  readonly subject: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** Strictly ascending, one for each statement. */
  readonly indices: readonly number[];
  /** `proveMany` of these indices in the tree of `size` leaves. */
  readonly proof: readonly Uint8Array[];
}

/** A decoded receipt for several statements. Nothing in it is verified. */
export interface PackReceipt extends ReceiptEnvelope {
  readonly size: number;
  readonly indices: readonly number[];
  readonly proof: readonly Uint8Array[];
}

/** A decoded pack. Nothing in it is verified. `statements[i]` claims to be leaf `receipt.indices[i]`. */
export interface Pack {
  readonly statements: readonly Statement[];
  readonly receipt: PackReceipt;
}

const MULTIPROOF = -70011;
const FIELD = { statements: 1, receipt: 2 } as const;

/**
 * The receipt of a pack, without anchors, signed with the log's Ed25519 key.
 * @throws RangeError or TypeError naming the field that cannot stand in one.
 */
export async function signPackReceipt(fields: PackReceiptFields, signer: Signer): Promise<Uint8Array> {
  const { origin, subject, size, root, indices, proof } = fields;
  assertCount('size', size, 1, Number.MAX_SAFE_INTEGER);
  if (!areIndices(indices, size)) throw new RangeError('indices must be ascending, below size, at least one');
  if (!proof.every(isHash)) throw new RangeError('proof must be hashes of 32 bytes');
  const multiproof: CborValue = [size, [...indices], [...proof]];
  return signEnvelope({ origin, subject, root, proofType: MULTIPROOF, proof: multiproof }, signer);
}

/**
 * The pack file. `statements` are exact bytes in the order of the receipt's indices.
 * @throws RangeError when something of it would not be read again by `decodePack`.
 */
export function encodePack(
  statements: readonly Uint8Array[],
  receipt: Uint8Array,
  anchors: readonly Anchor[],
): Uint8Array {
  const bytes = encodeCbor(
    new Map<CborValue, CborValue>([
      [FIELD.statements, [...statements]],
      [FIELD.receipt, withAnchors(receipt, anchors)],
    ]),
  );
  const checked = decodePack(bytes);
  if (checked.kind === 'reject') throw new RangeError(`pack: ${checked.detail}`);
  return bytes;
}

/** Reads a pack: every statement and the receipt well-formed, as many indices as statements. */
export function decodePack(bytes: Uint8Array): Parsed<Pack> {
  const fields = readFields(bytes);
  if (fields.kind === 'reject') return fields;
  const receipt = decodePackReceipt(fields.value.receipt);
  if (receipt.kind === 'reject') return receipt;
  if (receipt.value.indices.length !== fields.value.statements.length) {
    return reject('malformed', 'pack: not one leaf index for each statement');
  }
  const statements: Statement[] = [];
  for (const [position, item] of fields.value.statements.entries()) {
    if (!(item instanceof Uint8Array)) return reject('malformed', `statement ${position}: not a byte string`);
    const statement = decodeStatement(item);
    if (statement.kind === 'reject')
      return reject(statement.code, `statement ${position}: ${statement.detail}`);
    statements.push(statement.value);
  }
  return ok({ statements, receipt: receipt.value });
}

/** Reads the receipt of a pack by itself, for those who hold the statements already. */
export function decodePackReceipt(bytes: Uint8Array): Parsed<PackReceipt> {
  const decoded = decodeEnvelope(bytes, MULTIPROOF);
  if (decoded.kind === 'reject') return decoded;
  if (decoded.value.envelope.timestamp !== undefined)
    return reject('malformed', 'receipt: a timestamp is of one statement, and stands in no pack');
  const multiproof: CborValue = decoded.value.proof;
  if (!Array.isArray(multiproof) || multiproof.length !== 3) {
    return reject('malformed', 'receipt: multiproof: not [size, indices, nodes]');
  }
  const [size, indices, proof] = multiproof as readonly CborValue[];
  if (!isCount(size) || !areIndices(indices, size)) {
    return reject('malformed', 'receipt: multiproof: the indices are not ascending and below the size');
  }
  if (!Array.isArray(proof) || !proof.every(isHash)) {
    return reject('malformed', 'receipt: multiproof: the nodes are not hashes of 32 bytes');
  }
  return ok({ ...decoded.value.envelope, size, indices, proof: proof as readonly Uint8Array[] });
}

function readFields(
  bytes: Uint8Array,
): Parsed<{ readonly statements: readonly CborValue[]; readonly receipt: Uint8Array }> {
  let value: CborValue;
  try {
    value = decodeCbor(bytes); // attacker-controlled
  } catch (error) {
    if (error instanceof CborError) return reject(error.code, `pack: ${error.message}`);
    throw error;
  }
  if (!(value instanceof Map) || value.size !== 2)
    return reject('malformed', 'pack: not a map of two fields');
  const statements: CborValue | undefined = value.get(FIELD.statements);
  const receipt: CborValue | undefined = value.get(FIELD.receipt);
  if (!Array.isArray(statements)) return reject('malformed', 'pack: no list of statements');
  if (!(receipt instanceof Uint8Array)) return reject('malformed', 'pack: no receipt');
  return ok({ statements: statements as readonly CborValue[], receipt });
}

function areIndices(value: unknown, size: number): value is readonly number[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every(
    (index, at) => isCount(index) && index < size && (at === 0 || index > (value[at - 1] as number)),
  );
}
