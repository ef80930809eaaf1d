/** Quarantine: each refusal still opens, is what it was, and the bounds hold. */
import { bytesToHex, equalBytes } from '../../src/bytes.ts';
import { hashEntry } from '../../src/statement.ts';
import { REJECT_CODES } from '../../src/verdict.ts';
import type { QuarantineLimits, QuarantineRow } from '../store/quarantine-store.ts';
import type { FsckContext } from './context.ts';

/** Of longer bytes only the beginning is kept, unless they are evidence or may still become an entry. */
const KEPT_BYTES_MAX = 64 * 1024;
/** Of what anyone can send under any name, less. */
const RECOGNISED_BYTES_MAX = 1024;
const KEPT_WHOLE: ReadonlySet<string> = new Set(['equivocation', 'suspended-device']);
const KEPT_TO_RECOGNISE: ReadonlySet<string> = new Set(['unknown-device', 'oversize']);
const CODES: ReadonlySet<string> = new Set(REJECT_CODES);

export async function checkQuarantine(context: FsckContext, limits: QuarantineLimits): Promise<void> {
  const { db, pace } = context;
  const total = db.prepare<[], number>('SELECT count(*) FROM quarantine').pluck().get() ?? 0;
  checkLimits(context, limits);
  pace.begin('quarantine', total);
  for (const row of db
    .prepare<[], QuarantineRow & { id: number }>('SELECT * FROM quarantine ORDER BY id')
    .iterate()) {
    checkRow(context, row);
    await pace.step();
  }
}

/** What is held back of suspended devices has room of its own, and outlasts a limit that was lowered. */
function checkLimits({ db, findings }: FsckContext, limits: QuarantineLimits): void {
  const total = db
    .prepare<[], number>("SELECT count(*) FROM quarantine WHERE code <> 'suspended-device'")
    .pluck()
    .get();
  if (total !== undefined && total > limits.total)
    findings.add('quarantine-over-limit', `${total} refusals are kept, the limit is ${limits.total}`);
  const crowded = db.prepare<[number], { device: string; count: number }>(
    `SELECT device, count(*) AS "count" FROM quarantine WHERE code <> 'suspended-device'
     GROUP BY device HAVING count(*) > ?`,
  );
  for (const { device, count } of crowded.iterate(limits.perDevice)) {
    const detail = `${count} refusals of ${printable(device)} are kept, the limit is ${limits.perDevice}`;
    findings.add('quarantine-over-limit', detail);
  }
}

function checkRow({ owners, checked, findings }: FsckContext, row: QuarantineRow & { id: number }): void {
  checked.quarantined += 1;
  const name = `refusal ${row.id} (${printable(row.code)})`;
  if (!CODES.has(row.code)) findings.add('quarantine-unreadable', `${name} has a code that does not exist`);
  const opened = owners.open(row.owner, row.sealed, row.entry);
  if (opened.kind === 'erased') checked.erased += 1;
  if (opened.kind === 'damaged' || opened.kind === 'no-owner')
    findings.add('quarantine-unreadable', `${name} does not open under the key of owner ${row.owner}`);
  if (opened.kind !== 'open') return;
  const kept = bytesKept(row);
  if (opened.bytes.length !== kept)
    findings.add('quarantine-hash-wrong', `${name} keeps ${opened.bytes.length} bytes of ${row.length}`);
  else if (kept === row.length && !equalBytes(hashEntry(opened.bytes), row.entry))
    findings.add('quarantine-hash-wrong', `${name} is not what its hash ${bytesToHex(row.entry)} says`);
}

function bytesKept({ code, length }: QuarantineRow): number {
  if (KEPT_WHOLE.has(code)) return length;
  return Math.min(length, KEPT_TO_RECOGNISE.has(code) ? RECOGNISED_BYTES_MAX : KEPT_BYTES_MAX);
}

/** Device names of refusals come from topics: anybody's text. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, '?').slice(0, 128);
}
