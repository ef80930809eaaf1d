/**
 * The COSE Receipt (RFC 9942): a COSE_Sign1 by the log over the root of its tree, which is detached, with the
 * proof that leads to the root beside the signature.
 *
 * What kind of proof it holds is for receipt.ts (one statement) and pack.ts (many) to say. Everything in the
 * unprotected header can be changed by whoever holds the file: the proof is checked by the root it leads to,
 * the anchors by what the verifier reads from the chain.
 *
 * ```cddl
 * receipt<proof-type, proof> = #6.18([
 *   protected: bstr .cbor {
 *     1: -19 / -8,                  ; alg, Ed25519
 *     4: bstr .size 8,              ; kid, start of the thumbprint of the log's key
 *     15: { 1: tstr, 2: tstr },     ; iss: origin of the log, sub
 *     395: 1,                       ; RFC9162_SHA256
 *   },
 *   unprotected: {
 *     396: { proof-type => [bstr .cbor proof] },
 *     ? -70010: [+ anchor],         ; see anchor.ts
 *     ? -70012: timestamp,          ; see timestamp.ts
 *   },
 *   payload: nil,                   ; signed: the root, 32 bytes
 *   signature: bstr .size 64,
 * ])
 * ```
 */
import { CborError, type CborMap, type CborValue, decodeCbor, encodeCbor } from '../cbor.ts';
import { isLogOrigin } from '../checkpoint.ts';
import { ALGORITHM_IDS, algorithmFromId } from '../cose/algorithm.ts';
import { keyId, type PublicKey } from '../cose/key.ts';
import { decodeSign1, encodeSign1, type Sign1, signatureInput } from '../cose/sign1.ts';
import { isHash } from '../merkle/hash.ts';
import { type Signer, verifySignature } from '../signature.ts';
import { ok, type Parsed, reject } from '../verdict.ts';
import { type Anchor, decodeAnchor, encodeAnchor } from './anchor.ts';
import { decodeTimestamp, encodeTimestamp, type ReceiptTimestamp } from './timestamp.ts';

/** What every receipt says besides its proof. Unverified. */
export interface ReceiptEnvelope {
  /** Origin of the log that issued it. */
  readonly origin: string;
  readonly subject: string;
  /** 8 bytes, key id of the log's key. */
  readonly kid: Uint8Array;
  readonly anchors: readonly Anchor[];
  readonly timestamp?: ReceiptTimestamp;
  readonly protectedBytes: Uint8Array;
  readonly signature: Uint8Array;
}

const LABEL = {
  alg: 1,
  kid: 4,
  claims: 15,
  structure: 395,
  proofs: 396,
  anchors: -70010,
  timestamp: -70012,
} as const;
const CLAIM = { iss: 1, sub: 2 } as const;
const RFC9162_SHA256 = 1;
const KID_BYTES = 8;
const SIGNATURE_BYTES = 64;
const MAX_SUBJECT_LENGTH = 256;

/**
 * Signs a root and puts the proof beside it.
 * @throws RangeError or TypeError naming the field that cannot stand in a receipt.
 */
export async function signEnvelope(
  fields: {
    readonly origin: string;
    readonly subject: string;
    readonly root: Uint8Array;
    readonly proofType: number;
    readonly proof: CborValue;
  },
  signer: Signer,
): Promise<Uint8Array> {
  const { origin, subject, root, proofType, proof } = fields;
  if (signer.publicKey.algorithm !== 'Ed25519') throw new TypeError('signer must hold an Ed25519 key');
  if (!isLogOrigin(origin)) throw new RangeError('origin must be printable ASCII without space and plus');
  if (!isSubject(subject)) throw new RangeError('subject must be 1 to 256 characters of well-formed text');
  if (!isHash(root)) throw new RangeError('root must be 32 bytes');
  const protectedBytes = encodeCbor(
    new Map<CborValue, CborValue>([
      [LABEL.alg, ALGORITHM_IDS.Ed25519],
      [LABEL.kid, keyId(signer.publicKey)],
      [
        LABEL.claims,
        new Map<CborValue, CborValue>([
          [CLAIM.iss, origin],
          [CLAIM.sub, subject],
        ]),
      ],
      [LABEL.structure, RFC9162_SHA256],
    ]),
  );
  const signature = await signer.sign(signatureInput(protectedBytes, root));
  const proofs = new Map<CborValue, CborValue>([[proofType, [encodeCbor(proof)]]]);
  const unprotectedHeader = new Map<CborValue, CborValue>([[LABEL.proofs, proofs]]);
  return encodeSign1({ protectedBytes, unprotectedHeader, payload: null, signature });
}

/**
 * The receipt with these anchors in place of those it had. None removes them.
 * @throws RangeError when `bytes` is no COSE_Sign1 or an anchor is out of range.
 */
export function withAnchors(bytes: Uint8Array, anchors: readonly Anchor[]): Uint8Array {
  const sign1 = decodeSign1(bytes);
  if (sign1.kind === 'reject') throw new RangeError(`receipt: ${sign1.detail}`);
  const unprotectedHeader = new Map(sign1.value.unprotectedHeader);
  unprotectedHeader.delete(LABEL.anchors);
  if (anchors.length > 0) unprotectedHeader.set(LABEL.anchors, anchors.map(encodeAnchor));
  return encodeSign1({ ...sign1.value, unprotectedHeader });
}

/**
 * The receipt with this timestamp in place of the one it had.
 * @throws RangeError when `bytes` is no COSE_Sign1.
 */
export function withTimestamp(bytes: Uint8Array, timestamp: ReceiptTimestamp): Uint8Array {
  const sign1 = decodeSign1(bytes);
  if (sign1.kind === 'reject') throw new RangeError(`receipt: ${sign1.detail}`);
  const unprotectedHeader = new Map(sign1.value.unprotectedHeader);
  unprotectedHeader.set(LABEL.timestamp, encodeTimestamp(timestamp));
  return encodeSign1({ ...sign1.value, unprotectedHeader });
}

/** Reads a receipt that holds exactly one proof, of the given type. Its signature is not checked. */
export function decodeEnvelope(
  bytes: Uint8Array,
  proofType: number,
): Parsed<{ readonly envelope: ReceiptEnvelope; readonly proof: CborValue }> {
  const sign1 = decodeSign1(bytes); // attacker-controlled
  if (sign1.kind === 'reject') return reject(sign1.code, `receipt: ${sign1.detail}`);
  const { protectedHeader, unprotectedHeader, payload, signature, protectedBytes }: Sign1 = sign1.value;
  if (payload !== null) return reject('malformed', 'receipt: the payload is not detached');
  if (signature.length !== SIGNATURE_BYTES) return reject('malformed', 'receipt: signature: not 64 bytes');
  const issuer = readProtected(protectedHeader);
  if (issuer.kind === 'reject') return issuer;
  const anchors = readAnchors(unprotectedHeader.get(LABEL.anchors));
  if (anchors.kind === 'reject') return anchors;
  const stamped = unprotectedHeader.get(LABEL.timestamp);
  const timestamp = stamped === undefined ? undefined : decodeTimestamp(stamped);
  if (timestamp?.kind === 'reject') return timestamp;
  const optional = [LABEL.anchors, LABEL.timestamp].filter((label) => unprotectedHeader.has(label));
  if (unprotectedHeader.size !== 1 + optional.length) {
    return reject('malformed', 'receipt: unknown label in the unprotected header');
  }
  const proof = readProof(unprotectedHeader.get(LABEL.proofs), proofType);
  if (proof.kind === 'reject') return proof;
  const envelope = {
    ...issuer.value,
    anchors: anchors.value,
    ...(timestamp && { timestamp: timestamp.value }),
    protectedBytes,
    signature,
  };
  return ok({ envelope, proof: proof.value });
}

/** Whether the log's key signed this root in this receipt. */
export function isRootSigned(envelope: ReceiptEnvelope, root: Uint8Array, key: PublicKey): boolean {
  const message = signatureInput(envelope.protectedBytes, root);
  return verifySignature(key.algorithm, key.bytes, message, envelope.signature);
}

function readProtected(header: CborMap): Parsed<Pick<ReceiptEnvelope, 'origin' | 'subject' | 'kid'>> {
  if (header.size !== 4)
    return reject('malformed', 'receipt: protected header: not alg, kid, claims and 395');
  const alg = header.get(LABEL.alg);
  if (typeof alg !== 'number' || algorithmFromId(alg) !== 'Ed25519') {
    return reject('malformed', 'receipt: alg: a log signs with Ed25519');
  }
  const kid = header.get(LABEL.kid);
  if (!(kid instanceof Uint8Array) || kid.length !== KID_BYTES) {
    return reject('malformed', 'receipt: kid: not 8 bytes');
  }
  if (header.get(LABEL.structure) !== RFC9162_SHA256) {
    return reject('malformed', 'receipt: 395: not RFC9162_SHA256');
  }
  const claims = header.get(LABEL.claims);
  if (!(claims instanceof Map) || claims.size !== 2) {
    return reject('malformed', 'receipt: CWT claims: not exactly iss and sub');
  }
  const origin: CborValue | undefined = claims.get(CLAIM.iss);
  const subject: CborValue | undefined = claims.get(CLAIM.sub);
  if (typeof origin !== 'string' || !isLogOrigin(origin)) {
    return reject('malformed', 'receipt: iss: not a log origin');
  }
  if (!isSubject(subject)) return reject('malformed', 'receipt: sub: not 1 to 256 characters');
  return ok({ origin, subject, kid });
}

function readAnchors(value: CborValue | undefined): Parsed<Anchor[]> {
  if (value === undefined) return ok([]);
  if (!Array.isArray(value) || value.length === 0) {
    return reject('malformed', 'receipt: anchors: not a list of at least one');
  }
  const anchors: Anchor[] = [];
  for (const item of value as readonly CborValue[]) {
    const anchor = decodeAnchor(item);
    if (anchor.kind === 'reject') return anchor;
    anchors.push(anchor.value);
  }
  return ok(anchors);
}

function readProof(value: CborValue | undefined, proofType: number): Parsed<CborValue> {
  const list: CborValue | undefined =
    value instanceof Map && value.size === 1 ? value.get(proofType) : undefined;
  const bytes: CborValue | undefined = Array.isArray(list) && list.length === 1 ? list[0] : undefined;
  if (!(bytes instanceof Uint8Array)) {
    return reject('malformed', `receipt: 396: not exactly one proof of type ${proofType}`);
  }
  try {
    return ok(decodeCbor(bytes)); // attacker-controlled
  } catch (error) {
    if (error instanceof CborError) return reject(error.code, `receipt: proof: ${error.message}`);
    throw error;
  }
}

function isSubject(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= MAX_SUBJECT_LENGTH &&
    value.isWellFormed()
  );
}
