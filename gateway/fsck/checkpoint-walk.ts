/** Holds each stored checkpoint against the tree as it grows past its size. */
import { bytesToHex, equalBytes } from '../../src/bytes.ts';
import { parseCheckpoint, verifyCheckpoint } from '../../src/checkpoint.ts';
import type { FsckContext } from './context.ts';
import type { TreeWalk } from './tree-walk.ts';

interface CheckpointRow {
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
}

/** Called in step with the tree: `reached` after each leaf, `finish` after the last. */
export class CheckpointWalk {
  readonly #context: FsckContext;
  readonly #tree: TreeWalk;
  readonly #rows: IterableIterator<CheckpointRow>;
  #next: CheckpointRow | undefined;

  constructor(context: FsckContext, tree: TreeWalk) {
    this.#context = context;
    this.#tree = tree;
    this.#rows = context.db
      .prepare<[], CheckpointRow>('SELECT size, root, note FROM checkpoints ORDER BY size')
      .iterate();
    this.#advance();
  }

  /** Compares the checkpoint of the tree's present size, if there is one. */
  reached(): void {
    while (this.#next !== undefined && this.#next.size <= this.#tree.size) {
      this.#check(this.#next, this.#next.size === this.#tree.size);
      this.#advance();
    }
  }

  /** What is left has no tree under it: the log is shorter, or a lost entry stands before it. */
  finish(): void {
    for (; this.#next !== undefined; this.#advance()) this.#check(this.#next, false);
  }

  /** Lets go of the rows, however the walk ended: an open query would keep the database from closing. */
  close(): void {
    this.#rows.return?.();
  }

  #advance(): void {
    const { done, value } = this.#rows.next();
    this.#next = done === true ? undefined : value;
  }

  #check(row: CheckpointRow, isReached: boolean): void {
    const { findings, checked, size } = this.#context;
    checked.checkpoints += 1;
    this.#checkNote(row);
    if (row.size < 0 || row.size > size) {
      findings.add('checkpoint-beyond-log', `checkpoint ${row.size} lies outside the log of ${size} entries`);
    } else if (isReached && !equalBytes(row.root, this.#tree.root())) {
      findings.add(
        'checkpoint-root-wrong',
        `checkpoint ${row.size} has the root ${bytesToHex(row.root)}, the entries have ${bytesToHex(this.#tree.root())}`,
      );
    }
  }

  #checkNote(row: CheckpointRow): void {
    const { findings, checked, fast, origin, logKey } = this.#context;
    const note = fast
      ? parseCheckpoint(row.note)
      : verifyCheckpoint(row.note, { origin, publicKey: logKey.bytes });
    if (!fast) checked.signatures += 1;
    if (note.kind === 'reject') {
      findings.add('checkpoint-note-bad', `the note of checkpoint ${row.size} is refused: ${note.detail}`);
    } else if (note.value.size !== row.size || !equalBytes(note.value.root, row.root)) {
      findings.add(
        'checkpoint-note-bad',
        `the note of checkpoint ${row.size} speaks of another size or root`,
      );
    }
  }
}
