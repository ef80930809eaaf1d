import { join } from 'node:path';
import type { Statement } from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder, type TestFolder } from '../testing/folder.ts';
import { type Db, openDatabase, openReader } from './database.ts';
import { LOG_SCHEMA } from './log-store.ts';
import { type IndexedStatement, SEQUENCE_INDEX_SCHEMA, SequenceIndex } from './sequence-index.ts';

/** So small that a merge begins after a few statements and takes several commits. */
const SIZES = { mergeAt: 6, mergedAtLeast: 2 };
const DEVICES = [1, 2, 3];
const BOOTS = [0, 1];
const SEQS = 12;

interface Held extends IndexedStatement {
  readonly device: number;
}

let folder: TestFolder;
let db: Db;
let reader: Db;
let size: Statement<[], number>;
let insert: Statement;

beforeEach(() => {
  folder = makeFolder();
  open();
});

afterEach(() => {
  reader.close();
  db.close();
  folder.remove();
});

function open(): void {
  const file = join(folder.path, 'gateway.db');
  db = openDatabase(file, [LOG_SCHEMA, SEQUENCE_INDEX_SCHEMA]);
  db.pragma('synchronous = OFF'); // no power fails here
  reader = openReader(file);
  size = db.prepare<[], number>('SELECT coalesce(max(idx) + 1, 0) FROM entries').pluck();
  insert = db.prepare(
    "INSERT INTO entries VALUES (?, zeroblob(32), ?, 1, ?, NULL, ?, ?, 0, '', zeroblob(1))",
  );
}

/** Forgets everything, for the next run of a property. */
function empty(): void {
  db.exec('DELETE FROM entries; DELETE FROM sequence_index; DELETE FROM sequence_index_cursor');
}

function append(device: number | null, boot: number | null, seq: number | null): number {
  const index = size.get() as number;
  insert.run(index, device === null ? 'heartbeat' : 'statement', device, boot, seq);
  return index;
}

const byNumber = (a: IndexedStatement, b: IndexedStatement): number => b.boot - a.boot || b.seq - a.seq;
const plain = ({ boot, seq, index }: IndexedStatement): IndexedStatement => ({ boot, seq, index });

/** Every question to the index against the plainest way to answer it. */
function expectKnows(index: SequenceIndex, held: readonly Held[]): void {
  const answers: unknown[] = [];
  const expected: unknown[] = [];
  for (const device of [...DEVICES, 99]) {
    const own = held.filter((item) => item.device === device).sort(byNumber);
    for (const boot of BOOTS) {
      for (let seq = 0; seq < SEQS; seq++) {
        answers.push(index.find(device, boot, seq));
        expected.push(own.find((other) => other.boot === boot && other.seq === seq)?.index);
      }
      const greatest = own.find((other) => other.boot === boot);
      answers.push(index.greatest(device, boot));
      expected.push(greatest && plain(greatest));
    }
    answers.push(index.greatest(device));
    expected.push(own[0] && plain(own[0]));
    for (const limit of [0, 1, 3, 100]) {
      answers.push(index.newest(device, limit));
      expected.push(own.slice(0, limit).map(plain));
    }
  }
  expect(answers).toEqual(expected);
}

const cursor = (): number =>
  db.prepare<[], number>('SELECT next FROM sequence_index_cursor').pluck().get() ?? 0;

/** What is on disk is never wrong, whenever the process is killed: each row is an entry's, none below the cursor is missing. */
function expectStored(held: readonly Held[]): void {
  const rows = db.prepare<[], Held>('SELECT device, boot, seq, idx AS "index" FROM sequence_index').all();
  const name = ({ device, boot, seq, index }: Held): string => `${device}/${boot}/${seq} at ${index}`;
  const [indexed, logged] = [new Set(rows.map(name)), new Set(held.map(name))];
  const due = held.filter(({ index }) => index < cursor()).map(name);
  expect([...indexed].filter((row) => !logged.has(row))).toEqual([]);
  expect(due.filter((item) => !indexed.has(item))).toEqual([]);
}

interface Step {
  readonly what: 'commit' | 'rollback' | 'restart' | 'read';
  /** Device, boot, seq; device 0 for a heartbeat. A number that is held already is left out. */
  readonly numbers: readonly (readonly [number, number, number])[];
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('commit', 'commit', 'commit', 'commit', 'rollback', 'restart', 'read'),
  numbers: fc.array(fc.tuple(fc.nat(3), fc.nat(1), fc.nat(SEQS - 1)), { maxLength: 5 }),
});

/** The index of the writer and one of a reader on a connection of its own, beside a list of what is committed. */
class Run {
  held: readonly Held[] = [];
  writer = new SequenceIndex(db, SIZES);
  readonly other = new SequenceIndex(reader);
  #sinceRestart = 0;

  take({ what, numbers }: Step): void {
    if (what === 'restart') {
      this.writer = new SequenceIndex(db, SIZES);
      this.#sinceRestart = 0;
    } else if (what === 'read') {
      this.#read();
      expect(this.other.waiting).toBe(this.#unmerged());
    } else this.#transact(numbers, what === 'rollback');
    expectKnows(this.writer, this.held);
    expectStored(this.held);
    expect(this.writer.waiting).toBe(this.#unmerged());
  }

  #read(): void {
    this.other.catchUp();
    expectKnows(this.other, this.held);
  }

  /** What memory must hold, and no more. */
  #unmerged(): number {
    return this.held.filter(({ index }) => index >= cursor()).length;
  }

  #transact(numbers: Step['numbers'], isRolledBack: boolean): void {
    const held = [...this.held];
    db.exec('BEGIN IMMEDIATE');
    for (const [device, boot, seq] of numbers) {
      if (held.some((item) => item.device === device && item.boot === boot && item.seq === seq)) continue;
      if (device === 0) append(null, null, null);
      else {
        const index = append(device, boot, seq);
        this.writer.note(device, boot, seq, index);
        held.push({ device, boot, seq, index });
      }
    }
    this.writer.mergeSome(held.length - this.held.length);
    expectKnows(this.writer, held);
    this.#read(); // what is not committed is nobody else's
    if (isRolledBack) {
      db.exec('ROLLBACK');
      this.writer.reload();
      return;
    }
    db.exec('COMMIT');
    this.#sinceRestart += held.length - this.held.length;
    this.held = held;
    // Merged twice as fast as they come: one merge is over before the next is due, and memory has a bound.
    if (this.#sinceRestart > 3 * SIZES.mergeAt)
      expect(this.#unmerged()).toBeLessThanOrEqual(2 * SIZES.mergeAt + 5);
  }
}

describe('against a list of what is committed', () => {
  test('commits, rollbacks, restarts in mid-merge and a reader elsewhere, in any order', () => {
    let merged = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        empty();
        const run = new Run();
        for (const taken of steps) run.take(taken);
        run.take({ what: 'read', numbers: [] });
        if (cursor() > 0) merged += 1;
      }),
      { numRuns: 40 },
    );
    expect(merged).toBeGreaterThan(10); // or it was about nothing
  });
});

/** Commits one statement of device 1, boot 0. */
function commitOne(index: SequenceIndex, seq: number, device = 1): void {
  db.transaction(() => {
    index.note(device, 0, seq, append(device, 0, seq));
    index.mergeSome(1);
  })();
}

describe('a merge', () => {
  test('begins when enough waits, goes on by slices in key order, and moves the cursor at its end', () => {
    const index = new SequenceIndex(db, SIZES);
    const stored = () =>
      db.prepare('SELECT device, seq FROM sequence_index ORDER BY device, seq').raw().all();
    for (const [device, seq] of [
      [2, 0],
      [1, 4],
      [1, 3],
      [2, 1],
      [1, 0],
    ] as const)
      commitOne(index, seq, device);
    expect([stored(), cursor()]).toEqual([[], 0]);
    commitOne(index, 9, 3);
    expect([stored(), cursor()]).toEqual([
      [
        [1, 0],
        [1, 3],
      ],
      0,
    ]);
    commitOne(index, 1); // for the next merge, though its key comes before
    expect([stored(), cursor()]).toEqual([
      [
        [1, 0],
        [1, 3],
        [1, 4],
        [2, 0],
      ],
      0,
    ]);
    commitOne(index, 2);
    expect([stored(), cursor()]).toEqual([
      [
        [1, 0],
        [1, 3],
        [1, 4],
        [2, 0],
        [2, 1],
        [3, 9],
      ],
      6,
    ]);
    expect(index.newest(1, 9).map(({ seq }) => seq)).toEqual([4, 3, 2, 1, 0]);
  });

  test('a large commit merges a large share', () => {
    const index = new SequenceIndex(db, { mergeAt: 10, mergedAtLeast: 1 });
    db.transaction(() => {
      for (let seq = 0; seq < 20; seq++) index.note(1, 0, seq, append(1, 0, seq));
      index.mergeSome(10);
    })();
    expect(cursor()).toBe(20);
  });

  test('one that was cut off by a crash is made again, and rows that it left are no obstacle', () => {
    const before = new SequenceIndex(db, SIZES);
    for (let seq = 0; seq < 7; seq++) commitOne(before, seq);
    expect(db.prepare('SELECT count(*) FROM sequence_index').pluck().get()).toBe(4);
    reader.close();
    db.close();
    open();
    const after = new SequenceIndex(db, SIZES);
    expect(after.newest(1, 100).map(({ seq }) => seq)).toEqual([6, 5, 4, 3, 2, 1, 0]);
    for (let seq = 7; seq < 11; seq++) commitOne(after, seq);
    expect(cursor()).toBeGreaterThanOrEqual(7);
    expect(new SequenceIndex(db, SIZES).newest(1, 100)).toEqual(
      [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((seq) => ({ boot: 0, seq, index: seq })),
    );
  });

  test('by the sizes it has in use, fifty thousand statements of a thousand devices: memory and table together know each', () => {
    const index = new SequenceIndex(db);
    const fill = db.transaction((from: number) => {
      for (let n = from; n < from + 500; n++)
        index.note(n % 1000, 0, Math.floor(n / 1000), append(n % 1000, 0, Math.floor(n / 1000)));
      index.mergeSome(500);
    });
    for (let n = 0; n < 50_000; n += 500) fill(n);
    expect(cursor()).toBe(33_000); // 32,768 is reached within a commit of 500
    for (const known of [index, new SequenceIndex(db), new SequenceIndex(reader)]) {
      const asked = Array.from({ length: 200 }, (_, at) => at * 197);
      expect(asked.map((n) => known.find(n % 1000, 0, Math.floor(n / 1000)))).toEqual(asked);
      expect(known.find(7, 0, 50)).toBeUndefined();
    }
  });
});

describe('a reader on another connection', () => {
  test('knows nothing new before it is told to catch up, and then across merges that it never saw', () => {
    const index = new SequenceIndex(db, SIZES);
    const other = new SequenceIndex(reader);
    for (let seq = 0; seq < 60; seq++) commitOne(index, seq);
    expect(cursor()).toBeGreaterThan(30);
    other.catchUp();
    expect(other.newest(1, 100)).toEqual(index.newest(1, 100));
    expect(other.newest(1, 100)).toHaveLength(60);
  });

  test('answers right when the cursor moves between its looks, with what it still remembers of before', () => {
    const index = new SequenceIndex(db, SIZES);
    const other = new SequenceIndex(reader);
    for (let seq = 0; seq < 40; seq++) {
      commitOne(index, seq);
      if (seq % 3 === 0) other.catchUp();
      else continue;
      expect(other.greatest(1)).toEqual({ boot: 0, seq, index: seq });
      for (let held = 0; held <= seq; held++) expect(other.find(1, 0, held)).toBe(held);
    }
  });

  test('does not need the same sizes as the writer', () => {
    const index = new SequenceIndex(db, SIZES);
    for (let seq = 0; seq < 25; seq++) commitOne(index, seq);
    expect(new SequenceIndex(reader, { mergeAt: 1, mergedAtLeast: 1 }).find(1, 0, 24)).toBe(24);
  });
});
