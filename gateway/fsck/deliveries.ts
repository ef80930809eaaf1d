/** The deliverer's memory against the log: no cursor and no batch may speak of what is not there. */
import { isBatchId } from '../../src/delivery.ts';
import type { FsckContext } from './context.ts';

interface CursorRow {
  readonly provider: string;
  readonly kind: string;
  readonly next_index: number;
  /** The provider's cursor of statements; null when there is none. */
  readonly statements: number | null;
}

interface BatchRow {
  readonly id: string;
  readonly provider: string;
  readonly kind: 'statements' | 'receipts';
  readonly first_index: number;
  readonly last_index: number;
  readonly anchor: Uint8Array | null;
  readonly buried_at: number | null;
  /** Provider of the entry at `first_index`. */
  readonly first_provider: string | null;
  readonly anchor_size: number | null;
  readonly cursor: number;
}

const CURSORS = `
SELECT c.*, s.next_index AS statements FROM delivery_cursors c
LEFT JOIN delivery_cursors s ON s.provider = c.provider AND s.kind = 'statements'`;

const BATCHES = `
SELECT b.id, b.provider, b.kind, b.first_index, b.last_index, b.anchor, b.buried_at,
  e.provider AS first_provider, a.size AS anchor_size, coalesce(c.next_index, 0) AS "cursor"
FROM deliveries b LEFT JOIN entries e ON e.idx = b.first_index LEFT JOIN anchors a ON a.tx_hash = b.anchor
LEFT JOIN delivery_cursors c ON c.provider = b.provider AND c.kind = b.kind
ORDER BY b.provider, b.kind, b.first_index`;

export async function checkDeliveries(context: FsckContext): Promise<void> {
  checkCursors(context);
  await checkBatches(context);
}

function checkCursors({ db, checked, findings, size }: FsckContext): void {
  for (const row of db.prepare<[], CursorRow>(CURSORS).iterate()) {
    checked.cursors += 1;
    const name = `the cursor of ${row.kind} for ${row.provider} stands at ${row.next_index}`;
    if (row.next_index < 0 || row.next_index > size)
      findings.add('cursor-wrong', `${name}, outside the log of ${size} entries`);
    else if (row.kind === 'receipts' && row.next_index > (row.statements ?? 0))
      findings.add('cursor-wrong', `${name}, past the statements delivered up to ${row.statements ?? 0}`);
  }
}

async function checkBatches({ db, checked, findings, pace, size }: FsckContext): Promise<void> {
  const total = db.prepare<[], number>('SELECT count(*) FROM deliveries').pluck().get() ?? 0;
  pace.begin('deliveries', total);
  let before: BatchRow | undefined;
  for (const row of db.prepare<[], BatchRow>(BATCHES).iterate()) {
    checked.batches += 1;
    await pace.step();
    const problem = problemOf(row, size) ?? overlap(before, row);
    const kind = row.buried_at === null ? 'open batch' : 'dead letter';
    if (problem !== undefined)
      findings.add(
        'batch-wrong',
        `${kind} ${row.id} for ${row.provider} (${row.first_index} to ${row.last_index}) ${problem}`,
      );
    before = row;
  }
}

function problemOf(row: BatchRow, size: number): string | undefined {
  if (!isBatchId(row.id)) return 'has no usable id';
  if (row.last_index >= size) return `reaches past the log of ${size} entries`;
  if (row.first_provider !== row.provider) return 'starts at an entry that is not for this provider';
  if (row.buried_at !== null && row.last_index >= row.cursor)
    return `was given up, but the cursor is still at ${row.cursor}`;
  if (row.kind === 'statements')
    return row.anchor === null ? undefined : 'carries statements and names an anchor';
  if (row.anchor === null || row.anchor_size === null)
    return 'carries receipts of an anchor that is not recorded';
  if (row.last_index >= row.anchor_size)
    return `carries receipts beyond its anchor of size ${row.anchor_size}`;
  return undefined;
}

/** Each entry is in one batch at a time, or a provider would hear of it twice under two ids. */
function overlap(before: BatchRow | undefined, row: BatchRow): string | undefined {
  if (before?.provider !== row.provider || before.kind !== row.kind) return undefined;
  return row.first_index <= before.last_index ? `overlaps batch ${before.id}` : undefined;
}
