/**
 * A second clock in a receipt: a checkpoint of the log that covers the statement, stamped by an authority (RFC 3161), with the
 * path to it. It is of a checkpoint of its own, so it needs no anchor and waits for none.
 *
 * ```cddl
 * timestamp = {
 *   1: tstr,              ; the checkpoint, a C2SP signed note, as it was stamped
 *   2: bstr,              ; TimeStampToken (RFC 3161), DER, over the SHA-256 of these bytes
 *   3: [* hash],          ; inclusion proof of the statement in the tree of this checkpoint
 * }
 * ```
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { equalBytes, utf8ToBytes } from '../bytes.ts';
import type { CborMap, CborValue } from '../cbor.ts';
import { parseCheckpoint } from '../checkpoint.ts';
import { isHash } from '../merkle/hash.ts';
import { verifyInclusion } from '../merkle/verify.ts';
import { parseTimestampToken, TIMESTAMP_MAX_BYTES } from '../timestamp/rfc3161.ts';
import { ok, type Parsed, reject } from '../verdict.ts';

export interface ReceiptTimestamp {
  /** The checkpoint that was stamped. */
  readonly note: string;
  /** TimeStampToken, DER. */
  readonly token: Uint8Array;
  /** Inclusion proof of the statement in the tree of that checkpoint, leaf's sibling first. */
  readonly path: readonly Uint8Array[];
}

const FIELD = { note: 1, token: 2, path: 3 } as const;
const MAX_PATH = 54;

export function encodeTimestamp({ note, token, path }: ReceiptTimestamp): CborValue {
  return new Map<CborValue, CborValue>([
    [FIELD.note, note],
    [FIELD.token, token],
    [FIELD.path, [...path]],
  ]);
}

/** Reads what `encodeTimestamp` writes. Nothing in it is checked but its form. */
export function decodeTimestamp(value: CborValue): Parsed<ReceiptTimestamp> {
  // attacker-controlled
  const map: CborMap = value instanceof Map && value.size === 3 ? value : new Map();
  const [note, token, path] = [map.get(FIELD.note), map.get(FIELD.token), map.get(FIELD.path)];
  if (typeof note !== 'string' || !(token instanceof Uint8Array) || token.length > TIMESTAMP_MAX_BYTES)
    return reject('malformed', 'receipt: timestamp: not a checkpoint, a token and a path');
  if (!Array.isArray(path) || path.length > MAX_PATH || !path.every(isHash))
    return reject('malformed', 'receipt: timestamp: the path is not hashes of 32 bytes');
  return ok({ note, token, path: path as readonly Uint8Array[] });
}

/** Why the parts of a timestamp do not fit, as answers to `timestamp` say it. */
export type TimestampFault =
  | 'timestamp-unreadable'
  | 'timestamp-of-another-log'
  | 'timestamp-of-another-leaf'
  | 'timestamp-of-other-bytes';

/**
 * Whether a timestamp belongs to a leaf of a log: its token is over the bytes of its checkpoint, and the path leads there. Gives the
 * time it names. Who signed the checkpoint is not asked here, since the root commits to the leaf; whether the authority signed the token is
 * for its certificates to show.
 */
export function readTimestamp(
  { note, token, path }: ReceiptTimestamp,
  leaf: { readonly origin: string; readonly index: number; readonly leafHash: Uint8Array },
): Parsed<{ readonly size: number; readonly time: number }, TimestampFault> {
  const checkpoint = parseCheckpoint(note);
  if (checkpoint.kind === 'reject')
    return reject('timestamp-unreadable', `the stamped checkpoint is none: ${checkpoint.detail}`);
  const { origin, size, root } = checkpoint.value;
  if (origin !== leaf.origin)
    return reject('timestamp-of-another-log', 'the stamped checkpoint is of another log');
  if (!verifyInclusion({ leafHash: leaf.leafHash, index: leaf.index, size, path, root }))
    return reject(
      'timestamp-of-another-leaf',
      'its path does not lead from the statement to the stamped checkpoint',
    );
  const parsed = parseTimestampToken(token);
  if (parsed.kind === 'reject') return reject('timestamp-unreadable', parsed.detail);
  if (!equalBytes(parsed.value.digest, sha256(utf8ToBytes(note))))
    return reject('timestamp-of-other-bytes', 'the token is over other bytes than the checkpoint');
  return ok({ size, time: parsed.value.time });
}
