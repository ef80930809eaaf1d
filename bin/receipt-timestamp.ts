/** The timestamp in a receipt, for people and for `openssl ts -verify`. */
import { writeFileSync } from 'node:fs';
import { hashLeaf } from '../src/merkle/hash.ts';
import { readTimestamp } from '../src/receipt/timestamp.ts';
import { decodeTransparentStatement } from '../src/receipt/transparent-statement.ts';
import { hashEntry } from '../src/statement.ts';
import { formatTime } from './describe-interval.ts';

/** What a receipt says of its timestamp, in lines; none when it has none. @param out writes it to `out`.checkpoint and `out`.tst */
export function describeTimestamp(receiptBytes: Uint8Array, out: string | undefined): string[] {
  const decoded = decodeTransparentStatement(receiptBytes);
  if (decoded.kind === 'reject' || decoded.value.receipt.timestamp === undefined) return [];
  const { statement, receipt } = decoded.value;
  const { timestamp, origin, index } = receipt;
  if (timestamp === undefined) return [];
  const read = readTimestamp(timestamp, { origin, index, leafHash: hashLeaf(hashEntry(statement.bytes)) });
  if (read.kind === 'reject') return [`claims a timestamp whose parts do not fit: ${read.detail}`];
  const { size, time } = read.value;
  const lines = [
    `claims a timestamp: log size ${size}, ${formatTime(time)}; its parts fit each other and this statement, the signatures of log and authority were not looked at`,
  ];
  if (out === undefined) return lines;
  writeFileSync(`${out}.checkpoint`, timestamp.note);
  writeFileSync(`${out}.tst`, timestamp.token);
  return [
    ...lines,
    `wrote ${out}.checkpoint and ${out}.tst; with the authority's root certificate in ca.pem:`,
    `  openssl ts -verify -data ${out}.checkpoint -in ${out}.tst -token_in -CAfile ca.pem`,
    'and to see the time it names:',
    `  openssl ts -reply -in ${out}.tst -token_in -text`,
  ];
}
