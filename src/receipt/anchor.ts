/**
 * An anchor: where on which chain a state of the log was committed.
 *
 * It is a claim until a verifier has compared it with what it read from that chain itself (verify.ts).
 */
import type { CborMap, CborValue } from '../cbor.ts';
import { ok, type Parsed, reject } from '../verdict.ts';
import { type EventProof, eventProofFromCbor, eventProofToCbor } from './event-proof.ts';

export interface Anchor {
  /** EIP-155 chain id, below 2^64. */
  readonly chainId: bigint;
  /** Address of the ReadingLog contract, 20 bytes. */
  readonly contract: Uint8Array;
  /** The log's id in that contract, 32 bytes. */
  readonly logId: Uint8Array;
  /** Number of leaves of the anchored tree. */
  readonly size: number;
  /** RFC 9162 root of the first `size` leaves, 32 bytes. */
  readonly root: Uint8Array;
  readonly transactionHash: Uint8Array;
  readonly blockNumber: bigint;
  readonly blockHash: Uint8Array;
  /** Timestamp of the block, seconds since the Unix epoch. */
  readonly blockTime: number;
  /** Shows the contract's event in that block, so that only the block's hash must be known; absent when the node could not give it, and at first. */
  readonly eventProof?: EventProof;
}

const UINT64_LIMIT = 1n << 64n;

/** Map label and form of each field. CDDL: docs/protocol.md, `anchor`. */
const FIELDS = {
  chainId: { label: 1, form: 'uint64' },
  contract: { label: 2, form: 20 },
  logId: { label: 3, form: 32 },
  size: { label: 4, form: 'safe' },
  root: { label: 5, form: 32 },
  transactionHash: { label: 6, form: 32 },
  blockNumber: { label: 7, form: 'uint64' },
  blockHash: { label: 8, form: 32 },
  blockTime: { label: 9, form: 'safe' },
} as const satisfies Record<
  keyof Omit<Anchor, 'eventProof'>,
  { label: number; form: number | 'uint64' | 'safe' }
>;
const EVENT_PROOF = 10;

/**
 * The anchor as a CBOR map with the labels 1 to 9, in the order of the fields of `Anchor`, and 10 when it has the proof of its event.
 * @throws RangeError naming the field when one is out of its range or has the wrong length.
 */
export function encodeAnchor(anchor: Anchor): CborValue {
  const map = new Map<CborValue, CborValue>();
  for (const [name, { label, form }] of Object.entries(FIELDS)) {
    const value = anchor[name as keyof typeof FIELDS];
    if (!hasForm(value, form)) throw new RangeError(`anchor.${name} is out of range`);
    map.set(label, value);
  }
  if (anchor.eventProof !== undefined) map.set(EVENT_PROOF, eventProofToCbor(anchor.eventProof));
  return map;
}

/** Reads what `encodeAnchor` gives: the nine labels, perhaps the tenth, and no other; or `malformed`. The proof is not checked. */
export function decodeAnchor(value: CborValue): Parsed<Anchor> {
  // attacker-controlled
  if (!(value instanceof Map)) return reject('malformed', 'anchor is not a map');
  const map: CborMap = value;
  const fields: Record<string, CborValue> = {};
  for (const [name, { label, form }] of Object.entries(FIELDS)) {
    const field = map.get(label);
    const normal = form === 'uint64' && typeof field === 'number' ? toBigInt(field) : field;
    if (!hasForm(normal, form)) return reject('malformed', `anchor.${name} is missing or out of range`);
    fields[name] = normal;
  }
  const anchor = fields as unknown as Anchor;
  const hasProof = map.has(EVENT_PROOF);
  if (map.size !== Object.keys(FIELDS).length + (hasProof ? 1 : 0))
    return reject('malformed', 'anchor has an unknown label');
  if (!hasProof) return ok(anchor);
  const eventProof = eventProofFromCbor(map.get(EVENT_PROOF));
  return eventProof.kind === 'reject' ? eventProof : ok({ ...anchor, eventProof: eventProof.value });
}

function toBigInt(value: number): bigint | undefined {
  return Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function hasForm(value: unknown, form: number | 'uint64' | 'safe'): value is CborValue {
  if (form === 'uint64') return typeof value === 'bigint' && value >= 0n && value < UINT64_LIMIT;
  if (form === 'safe') return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  return value instanceof Uint8Array && value.length === form;
}
