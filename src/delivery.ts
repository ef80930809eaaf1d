/**
 * The body of a delivery: what the gateway seals for a care provider, and the names both sides must agree on.
 *
 * Deterministic CBOR (RFC 8949 section 4.2.1). Unknown labels are refused: a change of the format is a new version.
 * Flags are open text, so that a gateway may learn a new one before its providers do.
 *
 * ```cddl
 * delivery = statements / receipts
 * statements = {
 *   1: 1,                        ; version
 *   2: "statements",
 *   3: tstr,                     ; origin of the gateway's log
 *   4: tstr,                     ; id of the provider
 *   5: batch-id,                 ; equals the webhook-id header
 *   6: "live" / "backfill",      ; backfill: nothing in the batch was fresh when it was made up
 *   7: [* entry],                ; strictly ascending by index
 *   8: [* index],                ; erased entries of this provider in the same range, strictly ascending
 * }
 * entry = [index, received-at: uint, flags: [* flag], patient: tstr / null, "statement" / "device-event", bytes: bstr]
 * receipts = {
 *   1: 1, 2: "receipts", 3: tstr, 4: tstr, 5: batch-id,
 *   6: tstr,                     ; C2SP checkpoint, the signed note as served
 *   7: [+ [index, bstr .size 32]], ; entry hashes, strictly ascending by index
 *   8: [* bstr .size 32],        ; multiproof of these entries in the checkpoint's tree
 *   9: anchor,                   ; where that checkpoint was anchored, final when sent
 * }
 * index = uint .le 9007199254740991
 * received-at = uint             ; milliseconds since the Unix epoch, by the gateway's clock
 * batch-id = tstr .regexp "[A-Za-z0-9_-]{1,64}"
 * flag = tstr .regexp "[a-z0-9-]{1,32}"
 * ```
 */
import { utf8ToBytes } from './bytes.ts';
import { CborError, type CborMap, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { type Anchor, decodeAnchor, encodeAnchor } from './receipt/anchor.ts';
import { ok, type Parsed, reject } from './verdict.ts';

/** Content type of the sealed body as it is posted: HPKE `enc` (32 bytes) followed by the ciphertext. */
export const DELIVERY_MEDIA_TYPE = 'application/vnd.vitalseal.delivery+hpke';

/** The `info` string of HPKE (RFC 9180 section 5.1): binds the key schedule to this protocol and version. */
export const DELIVERY_INFO: Uint8Array = utf8ToBytes('vitalseal delivery v1');

/** The largest body a gateway makes and a provider reads. */
export const DELIVERY_MAX_BYTES = 4 * 1024 * 1024;

/** The largest sealed body: 32 bytes of `enc` before, and 16 bytes of AES-GCM tag behind. */
export const DELIVERY_SEALED_MAX_BYTES: number = DELIVERY_MAX_BYTES + 48;

/** The most entries or receipts in one delivery. */
export const DELIVERY_MAX_ENTRIES = 4096;

/** `live`: at least one entry was fresh when the batch was made up; `backfill`: none was. */
export type DeliveryMode = 'live' | 'backfill';

/** One log entry meant for the provider, with the exact bytes that were signed. */
export interface DeliveredEntry {
  readonly index: number;
  /** Milliseconds since the Unix epoch, by the gateway's clock. */
  readonly receivedAt: number;
  readonly flags: readonly string[];
  /** The pseudonym under which gateway and provider know the patient; absent when the device has none. */
  readonly patient?: string;
  /** A device event is signed by the log's key, a statement by the device's. */
  readonly kind: 'statement' | 'device-event';
  readonly bytes: Uint8Array;
}

interface Envelope {
  /** Origin of the gateway's log, as in its checkpoints. */
  readonly origin: string;
  readonly provider: string;
  /** The batch, the same over all attempts: `webhook-id`. */
  readonly batch: string;
}

export interface StatementsDelivery extends Envelope {
  readonly kind: 'statements';
  readonly mode: DeliveryMode;
  readonly entries: readonly DeliveredEntry[];
  /** Indices of entries whose bytes were erased at the patient's request before they could be delivered. */
  readonly erased: readonly number[];
}

/** A log index and the SHA-256 of the statement that stands there. */
export interface ProvenEntry {
  readonly index: number;
  readonly entry: Uint8Array;
}

export interface ReceiptsDelivery extends Envelope {
  readonly kind: 'receipts';
  /** The log-signed checkpoint that carries size and root, as a C2SP signed note. */
  readonly checkpoint: string;
  readonly entries: readonly ProvenEntry[];
  readonly proof: readonly Uint8Array[];
  readonly anchor: Anchor;
}

export type Delivery = StatementsDelivery | ReceiptsDelivery;

const VERSION = 1;
const BATCH_ID = /^[A-Za-z0-9_-]{1,64}$/;
const FLAG = /^[a-z0-9-]{1,32}$/;
const NAME_MAX_CHARS = 255;
const NOTE_MAX_CHARS = 16 * 1024;

/** Whether `text` may be a batch id: no dot, because the webhook signature joins its parts with dots. */
export function isBatchId(text: string): boolean {
  return BATCH_ID.test(text);
}

/** The associated data of the seal: ties the ciphertext to one batch of one gateway for one provider. */
export function deliveryAad({ origin, provider, batch }: Envelope): Uint8Array {
  return encodeCbor([origin, provider, batch]);
}

/**
 * The body in its only encoding.
 * @throws RangeError naming the field that `decodeDelivery` would refuse.
 */
export function encodeDelivery(delivery: Delivery): Uint8Array {
  const map = delivery.kind === 'statements' ? statementsToCbor(delivery) : receiptsToCbor(delivery);
  const checked = parse(() => readDelivery(map));
  if (checked.kind === 'reject') throw new RangeError(`delivery: ${checked.detail}`);
  const bytes = encodeCbor(map);
  if (bytes.length > DELIVERY_MAX_BYTES) throw new RangeError(`delivery is over ${DELIVERY_MAX_BYTES} bytes`);
  return bytes;
}

/** Reads an opened body: `malformed` or `not-deterministic` unless it is exactly what `encodeDelivery` gives. */
export function decodeDelivery(bytes: Uint8Array): Parsed<Delivery, 'malformed' | 'not-deterministic'> {
  // attacker-controlled
  if (bytes.length > DELIVERY_MAX_BYTES)
    return reject('malformed', `delivery is over ${DELIVERY_MAX_BYTES} bytes`);
  return parse(() => readDelivery(decodeCbor(bytes)));
}

function parse(read: () => Delivery): Parsed<Delivery, 'malformed' | 'not-deterministic'> {
  try {
    return ok(read());
  } catch (error) {
    if (error instanceof CborError) return reject(error.code, error.message);
    if (error instanceof FormatError) return reject('malformed', error.message);
    throw error;
  }
}

function envelopeToCbor({ kind, origin, provider, batch }: Delivery): [number, CborValue][] {
  return [
    [1, VERSION],
    [2, kind],
    [3, origin],
    [4, provider],
    [5, batch],
  ];
}

function statementsToCbor(delivery: StatementsDelivery): CborMap {
  const entries = delivery.entries.map((entry) => [
    entry.index,
    entry.receivedAt,
    entry.flags,
    entry.patient ?? null,
    entry.kind,
    entry.bytes,
  ]);
  return new Map<CborValue, CborValue>([
    ...envelopeToCbor(delivery),
    [6, delivery.mode],
    [7, entries],
    [8, delivery.erased],
  ]);
}

function receiptsToCbor(delivery: ReceiptsDelivery): CborMap {
  return new Map<CborValue, CborValue>([
    ...envelopeToCbor(delivery),
    [6, delivery.checkpoint],
    [7, delivery.entries.map(({ index, entry }) => [index, entry])],
    [8, delivery.proof],
    [9, encodeAnchor(delivery.anchor)],
  ]);
}

class FormatError extends Error {}

function need(condition: boolean, detail: string): asserts condition {
  if (!condition) throw new FormatError(detail);
}

function readDelivery(value: CborValue): Delivery {
  need(value instanceof Map, 'delivery is not a map');
  const map: CborMap = value;
  need(map.get(1) === VERSION, `delivery version is not ${VERSION}`);
  const envelope = {
    origin: readName(map.get(3), 'origin'),
    provider: readName(map.get(4), 'provider'),
    batch: readMatch(map.get(5), BATCH_ID, 'batch'),
  };
  if (map.get(2) === 'statements') return { kind: 'statements', ...envelope, ...readStatements(map) };
  need(map.get(2) === 'receipts', 'delivery kind is unknown');
  return { kind: 'receipts', ...envelope, ...readReceipts(map) };
}

function readStatements(map: CborMap): Pick<StatementsDelivery, 'mode' | 'entries' | 'erased'> {
  need(map.size === 8, 'delivery has an unknown label');
  const mode = map.get(6);
  need(mode === 'live' || mode === 'backfill', 'mode is unknown');
  const entries = readArray(map.get(7), DELIVERY_MAX_ENTRIES, 'entries').map(readEntry);
  const erased = readArray(map.get(8), DELIVERY_MAX_ENTRIES, 'erased').map((index) =>
    readUint(index, 'erased'),
  );
  needAscending(
    entries.map((entry) => entry.index),
    'entries',
  );
  needAscending(erased, 'erased');
  return { mode, entries, erased };
}

function readEntry(value: CborValue): DeliveredEntry {
  need(Array.isArray(value) && value.length === 6, 'entry is not an array of six');
  const [index, receivedAt, flags, patient, kind, bytes] = value as readonly CborValue[];
  need(kind === 'statement' || kind === 'device-event', 'entry kind is unknown');
  need(bytes instanceof Uint8Array && bytes.length > 0, 'entry bytes are missing');
  return {
    index: readUint(index, 'index'),
    receivedAt: readUint(receivedAt, 'received-at'),
    flags: readArray(flags, 32, 'flags').map((flag) => readMatch(flag, FLAG, 'flag')),
    ...(patient === null ? {} : { patient: readName(patient, 'patient') }),
    kind,
    bytes,
  };
}

function readReceipts(map: CborMap): Pick<ReceiptsDelivery, 'checkpoint' | 'entries' | 'proof' | 'anchor'> {
  need(map.size === 9, 'delivery has an unknown label');
  const checkpoint = map.get(6);
  need(typeof checkpoint === 'string' && checkpoint.length <= NOTE_MAX_CHARS, 'checkpoint is not a note');
  const entries = readArray(map.get(7), DELIVERY_MAX_ENTRIES, 'entries').map(readProvenEntry);
  need(entries.length > 0, 'entries are empty');
  needAscending(
    entries.map((entry) => entry.index),
    'entries',
  );
  // A multiproof holds less than one path for each leaf, and no path is longer than 53 hashes (safe integers).
  const proof = readArray(map.get(8), DELIVERY_MAX_ENTRIES * 53, 'proof').map((hash) =>
    readHash(hash, 'proof'),
  );
  const anchor = decodeAnchor(map.get(9) ?? null);
  need(anchor.kind === 'ok', anchor.kind === 'ok' ? '' : anchor.detail);
  return { checkpoint, entries, proof, anchor: anchor.value };
}

function readProvenEntry(value: CborValue): ProvenEntry {
  need(Array.isArray(value) && value.length === 2, 'entry is not an array of two');
  const [index, entry] = value as readonly CborValue[];
  return { index: readUint(index, 'index'), entry: readHash(entry, 'entry') };
}

function readArray(value: CborValue | undefined, limit: number, name: string): readonly CborValue[] {
  need(Array.isArray(value), `${name} is not an array`);
  need(value.length <= limit, `${name} has over ${limit} items`);
  return value as readonly CborValue[];
}

function readUint(value: CborValue | undefined, name: string): number {
  need(
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0,
    `${name} is not an unsigned integer`,
  );
  return value;
}

function readHash(value: CborValue | undefined, name: string): Uint8Array {
  need(value instanceof Uint8Array && value.length === 32, `${name} is not 32 bytes`);
  return value;
}

function readMatch(value: CborValue | undefined, pattern: RegExp, name: string): string {
  need(typeof value === 'string' && pattern.test(value), `${name} is not in its form`);
  return value;
}

/** Origins, ids and pseudonyms: not empty, bounded, nothing that could forge a line of a log or a terminal. */
function readName(value: CborValue | undefined, name: string): string {
  need(
    typeof value === 'string' && value.length > 0 && value.length <= NAME_MAX_CHARS,
    `${name} is not a short text`,
  );
  need(!/\p{C}/u.test(value), `${name} holds a control character`);
  return value;
}

function needAscending(indices: readonly number[], name: string): void {
  const ascending = indices.every((index, at) => at === 0 || index > (indices[at - 1] as number));
  need(ascending, `${name} are not strictly ascending`);
}
