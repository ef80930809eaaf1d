/**
 * The file a person keeps (`*.receipt.cbor`): a transparent statement (RFC 9943), which is the device's statement with
 * its receipt in the unprotected header.
 *
 * A device signs and the log hashes the statement with that header empty. Encoding is deterministic, so taking the
 * header out gives back the exact bytes that were logged.
 */
import type { CborValue } from '../cbor.ts';
import { decodeSign1, encodeSign1 } from '../cose/sign1.ts';
import { decodeStatement, type Statement } from '../statement.ts';
import { ok, type Parsed, reject } from '../verdict.ts';
import type { Anchor } from './anchor.ts';
import { withAnchors } from './envelope.ts';
import { decodeReceipt, type Receipt } from './receipt.ts';

/** Media type of a `*.receipt.cbor` file. */
export const RECEIPT_MEDIA_TYPE = 'application/vnd.vitalseal.receipt+cbor';

/** A decoded file. Nothing in it is verified. */
export interface TransparentStatement {
  /** `statement.bytes` are the bytes that were logged, without the receipt. */
  readonly statement: Statement;
  readonly receipt: Receipt;
}

const RECEIPTS = 394;

/**
 * Puts a receipt, with these anchors in place of those it had, on the statement it is for.
 * @throws RangeError when the bytes are no statement or no receipt of one statement, or an anchor is out of range.
 */
export function attachReceipt(
  statementBytes: Uint8Array,
  receipt: Uint8Array,
  anchors: readonly Anchor[],
): Uint8Array {
  const statement = decodeStatement(statementBytes);
  if (statement.kind === 'reject') throw new RangeError(`statementBytes: ${statement.detail}`);
  const anchored = withAnchors(receipt, anchors);
  const checked = decodeReceipt(anchored);
  if (checked.kind === 'reject') throw new RangeError(`receipt: ${checked.detail}`);
  const sign1 = decodeSign1(statementBytes);
  if (sign1.kind === 'reject') throw new RangeError(`statementBytes: ${sign1.detail}`);
  const unprotectedHeader = new Map<CborValue, CborValue>([[RECEIPTS, [anchored]]]);
  return encodeSign1({ ...sign1.value, unprotectedHeader });
}

/** Reads a file: exactly one receipt, and nothing else in the unprotected header. */
export function decodeTransparentStatement(bytes: Uint8Array): Parsed<TransparentStatement> {
  const sign1 = decodeSign1(bytes); // attacker-controlled
  if (sign1.kind === 'reject') return sign1;
  const { protectedBytes, unprotectedHeader, payload, signature } = sign1.value;
  const list = unprotectedHeader.size === 1 ? unprotectedHeader.get(RECEIPTS) : undefined;
  const receiptBytes: CborValue | undefined = Array.isArray(list) && list.length === 1 ? list[0] : undefined;
  if (!(receiptBytes instanceof Uint8Array)) {
    return reject('malformed', 'unprotected header: not exactly one receipt under 394');
  }
  const statement = decodeStatement(encodeSign1({ protectedBytes, payload, signature }));
  if (statement.kind === 'reject') return reject(statement.code, `statement: ${statement.detail}`);
  const receipt = decodeReceipt(receiptBytes);
  if (receipt.kind === 'reject') return receipt;
  return ok({ statement: statement.value, receipt: receipt.value });
}
