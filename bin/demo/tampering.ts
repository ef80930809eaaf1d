/** Copies of a receipt, each altered in one place, and what a verifier must say to each. */
import { concatBytes } from '../../src/bytes.ts';
import { decodeSign1 } from '../../src/cose/sign1.ts';
import type { Anchor } from '../../src/receipt/anchor.ts';
import type { Question } from '../../src/receipt/answer.ts';
import { attachReceipt, decodeTransparentStatement } from '../../src/receipt/transparent-statement.ts';

export interface TamperedCopy {
  readonly name: string;
  /** What was done, for people. */
  readonly what: string;
  readonly bytes: Uint8Array;
  /** The question that must be answered with no. */
  readonly mustFail: Question;
}

/** The altered copies of a well-formed receipt with one anchor and a path. Throws RangeError for any other file. */
export function tamperedCopies(bytes: Uint8Array): TamperedCopy[] {
  const decoded = decodeTransparentStatement(bytes);
  if (decoded.kind === 'reject') throw new RangeError(`bytes: ${decoded.detail}`);
  const { statement, receipt } = decoded.value;
  const [anchor] = receipt.anchors;
  const [sibling] = receipt.path;
  if (anchor === undefined || sibling === undefined)
    throw new RangeError('bytes: a receipt with an anchor and a path is needed');
  return [
    {
      name: 'statement',
      what: 'one bit of the reading',
      bytes: flipWithin(bytes, statement.payload),
      mustFail: 'signature',
    },
    {
      name: 'path',
      what: 'one bit of the path to the root',
      bytes: flipWithin(bytes, sibling),
      mustFail: 'included',
    },
    {
      name: 'root',
      what: 'one bit of the anchored root',
      bytes: withAnchor(bytes, { ...anchor, root: flipLast(anchor.root) }),
      mustFail: 'anchored',
    },
    {
      name: 'anchor',
      what: 'another block, a year earlier',
      bytes: withAnchor(bytes, { ...anchor, blockTime: anchor.blockTime - 365 * 86_400 }),
      mustFail: 'anchored',
    },
  ];

  function withAnchor(file: Uint8Array, changed: Anchor): Uint8Array {
    return attachReceipt(statement.bytes, receiptBytesOf(file), [changed]);
  }
}

/** The receipt inside the file, as bytes: header 394 of the statement. */
function receiptBytesOf(file: Uint8Array): Uint8Array {
  const sign1 = decodeSign1(file);
  const list = sign1.kind === 'ok' ? sign1.value.unprotectedHeader.get(394) : undefined;
  const [bytes] = Array.isArray(list) ? (list as unknown[]) : [];
  if (!(bytes instanceof Uint8Array)) throw new RangeError('file: has no receipt');
  return bytes;
}

/** The file with the last bit of `part`, wherever it stands in it, turned over. */
function flipWithin(file: Uint8Array, part: Uint8Array): Uint8Array {
  const at = Buffer.from(file).indexOf(part);
  if (at < 0) throw new RangeError('part: does not stand in the file');
  return concatBytes(file.subarray(0, at), flipLast(part), file.subarray(at + part.length));
}

function flipLast(bytes: Uint8Array): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  const last = flipped.length - 1;
  flipped[last] = (flipped[last] as number) ^ 1;
  return flipped;
}
