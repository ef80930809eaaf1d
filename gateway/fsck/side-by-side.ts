/** Walks rows that are ordered by (device, boot) in step with another walk of the same order. */

/** The numbering of one device between two losses of its counter. */
export interface Line {
  readonly device: number;
  readonly boot: number;
}

export class SideBySide<Row extends Line> {
  readonly #rows: IterableIterator<Row>;
  #next: Row | undefined;

  constructor(rows: IterableIterator<Row>) {
    this.#rows = rows;
    this.#advance();
  }

  /** Takes the rows of lines before this one. */
  *before(line: Line): Generator<Row> {
    while (this.#next !== undefined && compareLines(this.#next, line) < 0) yield this.#take(this.#next);
  }

  /** Takes the rows of this line. */
  at(line: Line): Row[] {
    const rows: Row[] = [];
    while (this.#next !== undefined && compareLines(this.#next, line) === 0)
      rows.push(this.#take(this.#next));
    return rows;
  }

  /** Takes what is left. */
  *rest(): Generator<Row> {
    while (this.#next !== undefined) yield this.#take(this.#next);
  }

  /** Lets go of the query. */
  close(): void {
    this.#rows.return?.();
  }

  #take(row: Row): Row {
    this.#advance();
    return row;
  }

  #advance(): void {
    const { done, value } = this.#rows.next();
    this.#next = done === true ? undefined : value;
  }
}

function compareLines(a: Line, b: Line): number {
  return a.device - b.device || a.boot - b.boot;
}
