/** What each device sent and left out, as its count and the table of gaps say it, against the numbers that the log holds. */
import type { FsckContext } from './context.ts';
import { type Line, SideBySide } from './side-by-side.ts';

interface GapRow extends Line {
  readonly first: number;
  readonly last: number;
}

/** What the entries say of one device and boot. */
interface Held extends Line {
  next: number;
  readonly gaps: { readonly first: number; readonly last: number }[];
}

const MISSING_SHOWN = 5;

export async function checkSequences(context: FsckContext): Promise<void> {
  const walk = new SequenceWalk(context);
  try {
    await walk.run();
  } finally {
    walk.close();
  }
}

class SequenceWalk {
  readonly #context: FsckContext;
  readonly #gaps: SideBySide<GapRow>;
  /** Statements of each device in the log. */
  readonly #counts = new Map<number, number>();

  constructor(context: FsckContext) {
    const { db } = context;
    this.#context = context;
    this.#gaps = new SideBySide(
      db.prepare<[], GapRow>('SELECT * FROM gaps ORDER BY device, boot, first').iterate(),
    );
  }

  async run(): Promise<void> {
    const { db, pace, size } = this.#context;
    pace.begin('sequences', size);
    const numbers = db
      .prepare<[], Line & { seq: number }>(
        'SELECT device, boot, seq FROM entries WHERE seq IS NOT NULL ORDER BY device, boot, seq',
      )
      .iterate();
    let held: Held | undefined;
    for (const { device, boot, seq } of numbers) {
      await pace.step();
      this.#counts.set(device, (this.#counts.get(device) ?? 0) + 1);
      if (held !== undefined && (held.device !== device || held.boot !== boot)) {
        this.#compare(held);
        held = undefined;
      }
      held ??= { device, boot, next: 0, gaps: [] };
      if (seq > held.next) held.gaps.push({ first: held.next, last: seq - 1 });
      held.next = seq + 1;
    }
    if (held !== undefined) this.#compare(held);
    for (const row of this.#gaps.rest()) this.#strayGap(row);
    await this.#compareCounts();
  }

  close(): void {
    this.#gaps.close();
  }

  /** Each statement was counted in the transaction that appended it: entries cut off the end are missed here, if nowhere else. */
  async #compareCounts(): Promise<void> {
    const { db, pace, findings } = this.#context;
    const devices = db.prepare<[], { id: number; urn: string; statements: number; received: number }>(
      'SELECT id, urn, statements, received FROM devices ORDER BY id',
    );
    for (const { id, urn, statements, received } of devices.iterate()) {
      await pace.step();
      const held = this.#counts.get(id) ?? 0;
      if (held !== statements)
        findings.add(
          'sequence-wrong',
          `${statements} statements of ${urn} were logged, the log holds ${held}`,
        );
      else if (received < statements)
        findings.add(
          'sequence-wrong',
          `${received} messages of ${urn} were received, fewer than its ${statements} statements`,
        );
    }
  }

  #compare(held: Held): void {
    const { checked } = this.#context;
    for (const row of this.#gaps.before(held)) this.#strayGap(row);
    checked.sequences += 1;
    checked.gaps += held.gaps.length;
    this.#compareGaps(held, this.#gaps.at(held));
  }

  #compareGaps(held: Held, rows: readonly GapRow[]): void {
    const recorded = new Set(rows.map(rangeOf));
    const actual = new Set(held.gaps.map(rangeOf));
    const unrecorded = [...actual].filter((range) => !recorded.has(range));
    const wrong = [...recorded].filter((range) => !actual.has(range));
    if (unrecorded.length > 0) this.#report(held, `misses ${shown(unrecorded)}, which is not recorded`);
    if (wrong.length > 0) this.#report(held, `is recorded as missing ${shown(wrong)}, which is not so`);
  }

  #strayGap(row: GapRow): void {
    this.#report(row, `is recorded as missing ${rangeOf(row)}, but the log holds no statement of it`);
  }

  #report({ device, boot }: Line, what: string): void {
    this.#context.findings.add('gap-wrong', `device ${device} boot ${boot} ${what}`);
  }
}

function rangeOf({ first, last }: { readonly first: number; readonly last: number }): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

function shown(ranges: readonly string[]): string {
  const more = ranges.length - MISSING_SHOWN;
  return ranges.slice(0, MISSING_SHOWN).join(', ') + (more > 0 ? ` and ${more} more ranges` : '');
}
