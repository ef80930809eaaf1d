/**
 * Verifier keys as operators hand them around (c2sp.org/signed-note, "Verifier keys"): name, key id and key in one text,
 * `<name>+<key id, 8 hex digits>+<base64 of signature type and public key>`.
 */
import { base64ToBytes, bytesToBase64, bytesToHex, concatBytes } from './bytes.ts';
import { parsePublicKey } from './cose/key.ts';
import { isKeyName, type NoteKey, noteKeyId } from './signed-note.ts';
import { ok, type Parsed, reject } from './verdict.ts';

/** `<name>+<id>+<key>`: a name has no plus, base64 may. */
const VERIFIER_KEY = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/;
const MAX_LENGTH = 512;

/**
 * A key as text.
 * @param type signature type, such as ED25519_TYPE of a log or COSIGNATURE_TYPE of a witness
 * @throws RangeError when the name cannot be a key name.
 */
export function formatVerifierKey(key: NoteKey, type: number): string {
  if (!isKeyName(key.name)) throw new RangeError('name must be non-empty, without spaces and plus signs');
  const encoded = bytesToBase64(concatBytes(Uint8Array.of(type), key.publicKey));
  return `${key.name}+${bytesToHex(noteKeyId(key, type))}+${encoded}`;
}

/** Reads a key that must be an Ed25519 key of this signature type. `malformed` says what is wrong with it. */
export function parseVerifierKey(text: string, type: number): Parsed<NoteKey> {
  // attacker-controlled
  const [, name = '', id = '', encoded = ''] =
    text.length > MAX_LENGTH ? [] : (VERIFIER_KEY.exec(text) ?? []);
  const bytes = base64ToBytes(encoded);
  if (!isKeyName(name) || bytes === undefined)
    return reject('malformed', 'not a verifier key: name+id+base64');
  if (bytes[0] !== type)
    return reject('malformed', `the verifier key is of signature type ${bytes[0]}, not ${type}`);
  const parsed = parsePublicKey('Ed25519', bytes.slice(1));
  if (parsed.kind === 'reject')
    return reject('malformed', `the verifier key holds no Ed25519 key: ${parsed.detail}`);
  const key = { name, publicKey: parsed.value.bytes };
  if (bytesToHex(noteKeyId(key, type)) !== id)
    return reject('malformed', 'the id of the verifier key does not belong to its name and key');
  return ok(key);
}
