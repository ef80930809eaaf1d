/**
 * C2SP signed notes, version 1 (c2sp.org/signed-note): a text with the Ed25519 signatures of one or more named keys.
 *
 * Other signature types may stand in a note; they are parsed and, being of unknown keys, ignored.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { base64ToBytes, bytesToBase64, concatBytes, equalBytes, utf8ToBytes } from './bytes.ts';
import { type Signer, verifySignature } from './signature.ts';
import { ok, type Parsed, reject } from './verdict.ts';

/** One signature line of a note. */
export interface NoteSignature {
  /** Key name. */
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  /** Raw signature without the key id; 64 bytes for Ed25519. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** The signed text, with its final newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key a verifier trusts. The name belongs to it: the key id is made from both. */
export interface NoteKey {
  readonly name: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Signature types: the byte of a key id that tells what is signed, and how. */
export const ED25519_TYPE = 0x01;
const KEY_ID_BYTES = 4;
/** The specification wants at least 16 allowed; golang.org/x/mod/sumdb/note allows 100. */
const MAX_SIGNATURES = 100;
/** As in golang.org/x/mod/sumdb/note. In UTF-16 code units. */
const MAX_NOTE_LENGTH = 1_000_000;
const SEPARATOR = '\n\n';
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what the specification forbids
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;

/** Key id of a key: SHA-256(name || 0x0A || signature type || public key), its first 4 bytes. */
export function noteKeyId({ name, publicKey }: NoteKey, type: number = ED25519_TYPE): Uint8Array {
  const input = concatBytes(utf8ToBytes(name), Uint8Array.of(0x0a, type), publicKey);
  return sha256(input).slice(0, KEY_ID_BYTES);
}

/**
 * Signs a text under a key name.
 * @throws RangeError when text or name is not one the specification allows; TypeError when the signer's key is not Ed25519.
 */
export async function signNote(text: string, name: string, signer: Signer): Promise<string> {
  if (!text.endsWith('\n') || !isAllowedText(text)) {
    throw new RangeError('text must be UTF-8 without control characters and end in a newline');
  }
  if (!isKeyName(name)) throw new RangeError('name must be non-empty, without spaces and plus signs');
  if (signer.publicKey.algorithm !== 'Ed25519') throw new TypeError('signer must hold an Ed25519 key');
  const signature = await signer.sign(utf8ToBytes(text));
  const keyId = noteKeyId({ name, publicKey: signer.publicKey.bytes });
  return `${text}\n${formatSignatureLine({ name, keyId, signature })}`;
}

/** A signature as a line of a note, with its newline. */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  return `— ${name} ${bytesToBase64(concatBytes(keyId, signature))}\n`;
}

/** Splits a note into text and signatures, none of which is checked: use nothing of it before `verifyNote`. */
export function parseNote(note: string): Parsed<Note> {
  // attacker-controlled
  if (note.length > MAX_NOTE_LENGTH) return reject('oversize', 'note is longer than 1,000,000 characters');
  if (!isAllowedText(note)) return reject('malformed', 'note holds control characters or lone surrogates');
  const separator = note.lastIndexOf(SEPARATOR);
  if (separator < 0) return reject('malformed', 'note has no blank line before its signatures');
  const block = note.slice(separator + SEPARATOR.length);
  if (!block.endsWith('\n')) return reject('malformed', 'note does not end in a signature line');
  const lines = block.slice(0, -1).split('\n');
  if (lines.length > MAX_SIGNATURES)
    return reject('oversize', `note has more than ${MAX_SIGNATURES} signatures`);
  const signatures: NoteSignature[] = [];
  for (const [index, line] of lines.entries()) {
    const signature = parseSignatureLine(line);
    if (signature === undefined) return reject('malformed', `signature line ${index + 1} has the wrong form`);
    signatures.push(signature);
  }
  return ok({ text: note.slice(0, separator + 1), signatures });
}

/**
 * Opens a note that must be signed by `key`. Signatures of other keys are ignored.
 *
 * `unknown-key`: no signature by this key. `bad-signature`: one that names the key does not verify, even if
 * another does. `malformed`, `oversize`: as `parseNote`.
 */
export function verifyNote(note: string, key: NoteKey): Parsed<Note> {
  const parsed = parseNote(note);
  if (parsed.kind === 'reject') return parsed;
  const own = signaturesOf(parsed.value, key, ED25519_TYPE);
  if (own.length === 0) return reject('unknown-key', 'note carries no signature of the expected key');
  const message = utf8ToBytes(parsed.value.text);
  if (!own.every(({ signature }) => verifySignature('Ed25519', key.publicKey, message, signature))) {
    return reject('bad-signature', 'the signature of the expected key does not verify');
  }
  return parsed;
}

/** The signatures of a note that name this key under this signature type. None is checked. */
export function signaturesOf(note: Note, key: NoteKey, type: number): readonly NoteSignature[] {
  const keyId = noteKeyId(key, type);
  return note.signatures.filter(({ name, keyId: other }) => name === key.name && equalBytes(other, keyId));
}

function parseSignatureLine(line: string): NoteSignature | undefined {
  const [dash, name, encoded, ...rest] = line.split(' ');
  if (dash !== '—' || name === undefined || encoded === undefined || rest.length > 0) return undefined;
  const bytes = base64ToBytes(encoded);
  if (!isKeyName(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES) return undefined;
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

function isAllowedText(text: string): boolean {
  return text.isWellFormed() && !CONTROL.test(text);
}

/** Whether a text can name a key: not empty, without white space, plus signs and control characters. */
export function isKeyName(name: string): boolean {
  return name.length > 0 && isAllowedText(name) && !/[\p{White_Space}+]/u.test(name);
}
