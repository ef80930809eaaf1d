/** The index by (device, boot, seq) against the entries it points at: two queries in the same order, walked in step. */
import type { FsckContext } from './context.ts';

interface Numbered {
  readonly device: number;
  readonly boot: number;
  readonly seq: number;
  readonly idx: number;
}

const ORDER = 'ORDER BY device, boot, seq, idx';

/** Reports numbers held twice, entries below the cursor that are not indexed, and rows that point elsewhere. */
export async function checkSequenceIndex(context: FsckContext): Promise<void> {
  const { db, pace, size, findings } = context;
  pace.begin('sequence index', size);
  const cursor = db.prepare<[], number>('SELECT next FROM sequence_index_cursor').pluck().get() ?? 0;
  if (cursor > size)
    findings.add('sequence-wrong', `the index claims entries up to ${cursor}, the log has ${size}`);
  const rows = new IndexRows(context);
  const entries = db
    .prepare<[], Numbered>(`SELECT device, boot, seq, idx FROM entries WHERE seq IS NOT NULL ${ORDER}`)
    .iterate();
  try {
    let before: Numbered | undefined;
    for (const entry of entries) {
      await pace.step();
      if (before !== undefined && compare(before, entry) === 0)
        findings.add(
          'sequence-wrong',
          `${nameOf(entry)} is held twice, at ${before.idx} and at ${entry.idx}`,
        );
      else reportIndexed(context, entry, rows.of(entry), cursor);
      before = entry;
    }
    rows.of(undefined);
  } finally {
    rows.close();
    entries.return?.();
  }
}

function reportIndexed(
  { findings }: FsckContext,
  entry: Numbered,
  row: Numbered | undefined,
  cursor: number,
): void {
  if (row === undefined) {
    if (entry.idx < cursor) findings.add('sequence-wrong', `${nameOf(entry)} at ${entry.idx} is not indexed`);
  } else if (row.idx !== entry.idx) {
    findings.add('sequence-wrong', `${nameOf(entry)} is indexed at ${row.idx}, but lies at ${entry.idx}`);
  }
}

/** The rows of the index in order; those that no entry asks for are reported. */
class IndexRows {
  readonly #context: FsckContext;
  readonly #rows: IterableIterator<Numbered>;
  #next: Numbered | undefined;

  constructor(context: FsckContext) {
    this.#context = context;
    this.#rows = context.db
      .prepare<[], Numbered>(`SELECT device, boot, seq, idx FROM sequence_index ${ORDER}`)
      .iterate();
    this.#advance();
  }

  /** The row of this entry's number, after everything before it; undefined for the end. */
  of(entry: Numbered | undefined): Numbered | undefined {
    while (this.#next !== undefined && (entry === undefined || compare(this.#next, entry) < 0)) {
      const { idx } = this.#next;
      const what = `${nameOf(this.#next)} is indexed at ${idx}, but the log holds no such statement`;
      this.#context.findings.add('sequence-wrong', what);
      this.#advance();
    }
    if (this.#next === undefined || entry === undefined || compare(this.#next, entry) !== 0) return undefined;
    const row = this.#next;
    this.#advance();
    return row;
  }

  close(): void {
    this.#rows.return?.();
  }

  #advance(): void {
    const { done, value } = this.#rows.next();
    this.#next = done === true ? undefined : value;
  }
}

function compare(a: Numbered, b: Numbered): number {
  return a.device - b.device || a.boot - b.boot || a.seq - b.seq;
}

function nameOf({ device, boot, seq }: Numbered): string {
  return `device ${device} boot ${boot} seq ${seq}`;
}
