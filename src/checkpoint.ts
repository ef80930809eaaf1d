/** C2SP checkpoints (c2sp.org/tlog-checkpoint): the signed state of a log, as a signed note. */
import { base64ToBytes, bytesToBase64 } from './bytes.ts';
import { isHash } from './merkle/hash.ts';
import { isCount } from './merkle/shape.ts';
import type { Signer } from './signature.ts';
import { type NoteSignature, parseNote, signNote, verifyNote } from './signed-note.ts';
import { ok, type Parsed, reject } from './verdict.ts';

/** A state of a log: the RFC 9162 root (32 bytes) of its first `size` leaves. */
export interface TreeHead {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** A checkpoint as parsed. Unverified. */
export interface ParsedCheckpoint extends TreeHead {
  /** Opaque lines after the root. We write none. */
  readonly extensions: readonly string[];
  readonly signatures: readonly NoteSignature[];
}

/** Whose checkpoint a verifier expects. */
export interface CheckpointKey {
  readonly origin: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Name in the signature line; the origin unless given, as the specification advises. */
  readonly keyName?: string;
}

/** Printable ASCII without space and plus: an origin that can be a key name as it stands. */
const LOG_ORIGIN = /^[!-*,-~]{1,128}$/;
const SIZE = /^(?:0|[1-9][0-9]{0,15})$/;

/**
 * Whether a text can be the origin of one of our logs: 1 to 128 printable ASCII characters without space and plus.
 * Checkpoints of others may have another; `parseCheckpoint` reads those too.
 */
export function isLogOrigin(text: string): boolean {
  return LOG_ORIGIN.test(text);
}

/**
 * The text of a checkpoint, that which is signed: origin, size and root, a line each.
 * @throws RangeError naming the argument that cannot stand in a checkpoint.
 */
export function formatCheckpoint({ origin, size, root }: TreeHead): string {
  if (origin.length === 0 || origin.includes('\n')) throw new RangeError('origin must be one non-empty line');
  if (!isCount(size)) throw new RangeError(`size must be a safe integer from 0, got ${String(size)}`);
  if (!isHash(root)) throw new RangeError('root must be 32 bytes');
  return `${origin}\n${size}\n${bytesToBase64(root)}\n`;
}

/**
 * A checkpoint signed by the log's Ed25519 key, with the origin as key name.
 * @throws RangeError as `formatCheckpoint`, or when the origin cannot be a key name (spaces, plus, control characters).
 */
export async function signCheckpoint(head: TreeHead, signer: Signer): Promise<string> {
  return signNote(formatCheckpoint(head), head.origin, signer);
}

/** Reads a checkpoint without checking who signed it. `malformed` or `oversize`, with the line that is wrong. */
export function parseCheckpoint(note: string): Parsed<ParsedCheckpoint> {
  // attacker-controlled
  const parsed = parseNote(note);
  if (parsed.kind === 'reject') return parsed;
  const [origin = '', sizeLine = '', rootLine = '', ...extensions] = parsed.value.text
    .slice(0, -1)
    .split('\n');
  if (origin === '') return reject('malformed', 'line 1: the origin is empty');
  const size = Number(sizeLine);
  if (!SIZE.test(sizeLine) || !isCount(size)) {
    return reject('malformed', 'line 2: the size is not a decimal number below 2^53 without leading zeros');
  }
  const root = base64ToBytes(rootLine);
  if (!isHash(root)) return reject('malformed', 'line 3: the root is not 32 bytes in base64');
  if (extensions.includes('')) return reject('malformed', 'an extension line is empty');
  return ok({ origin, size, root, extensions, signatures: parsed.value.signatures });
}

/**
 * Reads a checkpoint that must be of this log and signed by its key; other signatures are ignored.
 *
 * `wrong-issuer`: another origin. `unknown-key`, `bad-signature`: as `verifyNote`. `malformed`, `oversize`: as `parseCheckpoint`.
 */
export function verifyCheckpoint(
  note: string,
  { origin, publicKey, keyName = origin }: CheckpointKey,
): Parsed<{ readonly size: number; readonly root: Uint8Array }> {
  const parsed = parseCheckpoint(note);
  if (parsed.kind === 'reject') return parsed;
  if (parsed.value.origin !== origin) return reject('wrong-issuer', 'checkpoint is of another log');
  const opened = verifyNote(note, { name: keyName, publicKey });
  if (opened.kind === 'reject') return opened;
  return ok({ size: parsed.value.size, root: parsed.value.root });
}
