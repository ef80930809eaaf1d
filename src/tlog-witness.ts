/** The messages of C2SP tlog-witness (c2sp.org/tlog-witness): a log shows a checkpoint to a witness and asks for its cosignature. */
import { base64ToBytes, bytesToBase64 } from './bytes.ts';
import { type Cosignature, verifyCosignature } from './cosignature.ts';
import { isHash } from './merkle/hash.ts';
import { isCount } from './merkle/shape.ts';
import { type NoteKey, parseNote } from './signed-note.ts';
import { ok, type Parsed, reject } from './verdict.ts';

/** Path under the witness's submission prefix. */
export const ADD_CHECKPOINT_PATH = '/add-checkpoint';
/** Content type of a 409 answer, whose body is the size that the witness has cosigned. */
export const TREE_SIZE_MEDIA_TYPE = 'text/x.tlog.size';
/** More than any request and any answer that the specification allows for logs and witnesses with a few keys. */
export const WITNESS_MESSAGE_MAX_BYTES = 64 * 1024;
const MAX_PROOF_LINES = 63;
const SIZE = /^(?:0|[1-9][0-9]{0,15})$/;

/** A request to cosign a checkpoint. */
export interface AddCheckpoint {
  /** Size of the newest checkpoint that the witness has cosigned, as far as the log knows; 0 when none. */
  readonly oldSize: number;
  /** RFC 9162 consistency proof from there to the checkpoint; empty from 0 and for an equal size. */
  readonly proof: readonly Uint8Array[];
  /** The checkpoint, a signed note. */
  readonly note: string;
}

/**
 * The body of an add-checkpoint request.
 * @throws RangeError naming the field that cannot stand in one.
 */
export function encodeAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  if (!isCount(oldSize)) throw new RangeError('oldSize must be a safe integer from 0');
  if (proof.length > MAX_PROOF_LINES || !proof.every(isHash))
    throw new RangeError(`proof must be at most ${MAX_PROOF_LINES} hashes of 32 bytes`);
  const lines = [`old ${oldSize}`, ...proof.map((hash) => bytesToBase64(hash)), ''];
  return `${lines.join('\n')}\n${note}`;
}

/** Reads such a body. The checkpoint in it is text still: see `verifyCheckpoint`. `malformed` says which line. */
export function parseAddCheckpoint(body: string): Parsed<AddCheckpoint> {
  // attacker-controlled
  if (body.length > WITNESS_MESSAGE_MAX_BYTES) return reject('oversize', 'the request is too long');
  const end = body.indexOf('\n\n');
  if (end < 0) return reject('malformed', 'there is no empty line before the checkpoint');
  const [first = '', ...hashes] = body.slice(0, end).split('\n');
  const oldSize = first.startsWith('old ') ? parseTreeSize(first.slice('old '.length)) : undefined;
  if (oldSize === undefined) return reject('malformed', 'line 1: not the word old and a size');
  if (hashes.length > MAX_PROOF_LINES)
    return reject('oversize', `more than ${MAX_PROOF_LINES} lines of proof`);
  const proof: Uint8Array[] = [];
  for (const [at, line] of hashes.entries()) {
    const hash = base64ToBytes(line);
    if (!isHash(hash)) return reject('malformed', `line ${at + 2}: not a hash of 32 bytes in base64`);
    proof.push(hash);
  }
  return ok({ oldSize, proof, note: body.slice(end + 2) });
}

/** A tree size as the protocol writes it, without its newline. `undefined` when the text is none below 2^53. */
export function parseTreeSize(text: string): number | undefined {
  const size = Number(text);
  return SIZE.test(text) && isCount(size) ? size : undefined;
}

/**
 * The cosignature in what a witness answered with 200: signature lines, to be read as if they stood under the checkpoint.
 * Codes as `verifyCosignature`; `malformed` also when the answer is not lines of signatures.
 */
export function readCosignatures(note: string, answer: string, witness: NoteKey): Parsed<Cosignature> {
  // attacker-controlled
  const cosigned = parseNote(`${note}${answer}`);
  if (cosigned.kind === 'reject') return cosigned;
  const own = parseNote(note);
  // An empty line in the answer would make another text of the checkpoint, which the witness then signs.
  if (own.kind === 'reject' || own.value.text !== cosigned.value.text)
    return reject('malformed', 'the answer is not lines of signatures');
  return verifyCosignature(`${note}${answer}`, witness);
}
