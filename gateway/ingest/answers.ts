/** What the gateway publishes to a device: CBOR maps of docs/protocol.md, "Topics". */
import { type CborValue, encodeCbor } from '../../src/cbor.ts';
import { decodeStatement } from '../../src/statement.ts';
import { sha256 } from '../crypto/hash.ts';
import type { SequenceRange, Verdict } from '../ports.ts';

/** Enough of a SHA-256 to tell a device its own statement from another under the same number. */
const ENTRY_BYTES = 8;

/**
 * The acknowledgement of one statement. A refused one is decoded again to say which number it had, if it can be told; since whoever
 * is refused may have borrowed that number, the bytes are named too.
 */
export function encodeAck(verdict: Verdict, bytes: Uint8Array): Uint8Array {
  const fields = new Map<CborValue, CborValue>([['verdict', verdict.kind]]);
  const number = verdict.kind === 'accept' ? verdict : numberOf(bytes);
  if (number !== undefined) fields.set('seq', number.seq).set('boot', number.boot);
  if (verdict.kind !== 'accept') fields.set('code', verdict.code);
  else if (verdict.flags.length > 0) fields.set('flags', [...verdict.flags]);
  if (verdict.kind !== 'reject') fields.set('index', verdict.index);
  else fields.set('entry', sha256(bytes).subarray(0, ENTRY_BYTES));
  return encodeCbor(fields);
}

/** A request to send ranges again: {resend: [[boot, from, to], ...]}, inclusive. */
export function encodeRequest(ranges: readonly SequenceRange[]): Uint8Array {
  return encodeCbor(new Map([['resend', ranges.map((range) => [range.boot, range.from, range.to])]]));
}

/** A challenge for a connect token. */
export function encodeChallenge(challenge: Uint8Array): Uint8Array {
  return encodeCbor(challenge);
}

function numberOf(bytes: Uint8Array): { seq: number; boot: number } | undefined {
  const decoded = decodeStatement(bytes);
  return decoded.kind === 'ok' ? decoded.value : undefined;
}
