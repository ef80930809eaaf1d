/**
 * Cosignatures of witnesses (c2sp.org/tlog-cosignature, cosignature/v1, Ed25519): at this time, the largest consistent tree
 * that the witness has seen of this log is the one of this checkpoint.
 */
import { concatBytes, utf8ToBytes } from './bytes.ts';
import { isCount } from './merkle/shape.ts';
import { type Signer, verifySignature } from './signature.ts';
import {
  formatSignatureLine,
  isKeyName,
  type NoteKey,
  noteKeyId,
  parseNote,
  signaturesOf,
} from './signed-note.ts';
import { ok, type Parsed, reject } from './verdict.ts';

/** Signature type of a cosignature key. */
export const COSIGNATURE_TYPE = 0x04;
const TIMESTAMP_BYTES = 8;
const SIGNATURE_BYTES = 64;

/** A cosignature whose signature has been verified. */
export interface Cosignature {
  /** Key name of the witness. */
  readonly witness: string;
  /** When the witness signed, by its own clock; seconds since the Unix epoch. */
  readonly time: number;
  /** The signature line, with its newline, as it stands in the checkpoint. */
  readonly line: string;
}

/**
 * Cosigns a checkpoint that the witness has verified against all it has cosigned before. Gives the signature line.
 * @param note the checkpoint, a signed note
 * @param name key name of the witness; its key must sign for no other name
 * @param time seconds since the Unix epoch
 * @throws RangeError when an argument is none; TypeError when the signer's key is not Ed25519.
 */
export async function signCosignature(
  note: string,
  { name, time }: { readonly name: string; readonly time: number },
  signer: Signer,
): Promise<string> {
  if (signer.publicKey.algorithm !== 'Ed25519') throw new TypeError('signer must hold an Ed25519 key');
  if (!isKeyName(name)) throw new RangeError('name must be non-empty, without spaces and plus signs');
  if (!isCount(time)) throw new RangeError('time must be whole seconds from 0');
  const parsed = parseNote(note);
  if (parsed.kind === 'reject') throw new RangeError(`note: ${parsed.detail}`);
  const signature = await signer.sign(signedMessage(parsed.value.text, time));
  const keyId = noteKeyId({ name, publicKey: signer.publicKey.bytes }, COSIGNATURE_TYPE);
  return formatSignatureLine({ name, keyId, signature: concatBytes(encodeTime(time), signature) });
}

/**
 * The cosignature of a witness in a checkpoint. Signatures of other keys are ignored; of several by this key, the newest counts.
 *
 * `unknown-key`: there is none. `bad-signature`: one that names the key does not verify, even if another does. `malformed`: one
 * that is not a time and an Ed25519 signature. `oversize`, `malformed`: as `parseNote`.
 */
export function verifyCosignature(note: string, witness: NoteKey): Parsed<Cosignature> {
  const parsed = parseNote(note); // attacker-controlled
  if (parsed.kind === 'reject') return parsed;
  let newest: Cosignature | undefined;
  for (const own of signaturesOf(parsed.value, witness, COSIGNATURE_TYPE)) {
    const time = own.signature.length === TIMESTAMP_BYTES + SIGNATURE_BYTES ? decodeTime(own.signature) : -1;
    if (!isCount(time)) return reject('malformed', 'the cosignature is not a time and an Ed25519 signature');
    const message = signedMessage(parsed.value.text, time);
    const signature = own.signature.slice(TIMESTAMP_BYTES);
    if (!verifySignature('Ed25519', witness.publicKey, message, signature))
      return reject('bad-signature', 'the cosignature of the expected key does not verify');
    if (newest === undefined || time > newest.time)
      newest = { witness: witness.name, time, line: formatSignatureLine(own) };
  }
  if (newest === undefined) return reject('unknown-key', 'there is no cosignature of the expected key');
  return ok(newest);
}

/** What is signed: two lines, then the text of the checkpoint with its final newline. */
function signedMessage(text: string, time: number): Uint8Array {
  return utf8ToBytes(`cosignature/v1\ntime ${time}\n${text}`);
}

/** Big-endian uint64. */
function encodeTime(time: number): Uint8Array {
  const bytes = new Uint8Array(TIMESTAMP_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(time));
  return bytes;
}

/** May be beyond what is a count. */
function decodeTime(signature: Uint8Array): number {
  return Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0));
}
