/** A real store that fails the test when the anchorer breaks an invariant of its records. */
import { isDeepStrictEqual } from 'node:util';
import { bytesToHex } from '../../../src/bytes.ts';
import type { AnchorRecord, AnchorStore, AnchorTarget } from '../../ports.ts';
import { ANCHORS_SCHEMA, SqliteAnchorStore } from '../../store/anchors.ts';
import { openDatabase } from '../../store/database.ts';

/** What a record is, as opposed to what becomes of it. */
const IDENTITY = [
  'size',
  'root',
  'target',
  'sender',
  'nonce',
  'fee',
  'submittedAt',
  'submittedBlock',
] as const;

/** Over SQLite in memory, unless a file is named. `violations` must be empty at the end of a test. */
export class CheckedStore implements AnchorStore {
  readonly violations: string[] = [];
  /** Runs before each save, for a test that wants it to fail. */
  beforeSave: (record: AnchorRecord) => void = () => undefined;
  /** Runs after each save that succeeded. */
  afterSave: (record: AnchorRecord) => void = () => undefined;
  readonly #inner: SqliteAnchorStore;

  constructor(file = ':memory:') {
    this.#inner = new SqliteAnchorStore(openDatabase(file, [ANCHORS_SCHEMA]));
  }

  async save(record: AnchorRecord): Promise<void> {
    this.beforeSave(record);
    await this.#check(await this.#inner.byTransaction(record.transactionHash), record);
    await this.#inner.save(record);
    this.afterSave(record);
  }

  byTransaction(hash: Uint8Array): Promise<AnchorRecord | undefined> {
    return this.#inner.byTransaction(hash);
  }

  open(): Promise<AnchorRecord[]> {
    return this.#inner.open();
  }

  covering(index: number): Promise<AnchorRecord | undefined> {
    return this.#inner.covering(index);
  }

  newest(state: 'submitted' | 'anchored' | 'final'): Promise<AnchorRecord | undefined> {
    return this.#inner.newest(state);
  }

  list(limit: number): Promise<AnchorRecord[]> {
    return this.#inner.list(limit);
  }

  lackingProof(target: AnchorTarget, limit: number): Promise<AnchorRecord[]> {
    return this.#inner.lackingProof(target, limit);
  }

  sizeBefore(size: number): Promise<number> {
    return this.#inner.sizeBefore(size);
  }

  gasUsed(): Promise<bigint> {
    return this.#inner.gasUsed();
  }

  async #check(before: AnchorRecord | undefined, after: AnchorRecord): Promise<void> {
    if (before === undefined) return this.#checkNew(after);
    for (const field of IDENTITY) {
      this.#expect(isDeepStrictEqual(before[field], after[field]), `${field} changed`, after);
    }
    this.#expect(before.state !== 'lost', 'a lost record came back', after);
    this.#expect(
      before.state !== 'final' || after.setback === 'reorganised' || hasOnlyGainedProof(before, after),
      'a final record changed',
      after,
    );
    this.#expect(!isDeepStrictEqual(before, after), 'saved without a change', after);
  }

  async #checkNew(record: AnchorRecord): Promise<void> {
    this.#expect(
      record.state === 'submitted' && record.rawTransaction !== undefined,
      'a new record is not submitted',
      record,
    );
    for (const other of await this.#inner.open()) {
      this.#expect(other.size <= record.size, 'a lower size after a higher one', record);
    }
  }

  #expect(holds: boolean, what: string, record: AnchorRecord): void {
    if (!holds)
      this.violations.push(
        `${what}: size ${record.size}, ${record.state}, ${bytesToHex(record.transactionHash)}`,
      );
  }
}

/** The one thing that may come to a final record: the proof of its event. */
function hasOnlyGainedProof(before: AnchorRecord, { anchor, ...after }: AnchorRecord): boolean {
  if (before.anchor?.eventProof !== undefined || anchor?.eventProof === undefined) return false;
  const { eventProof: _, ...rest } = anchor;
  return isDeepStrictEqual(before, { ...after, anchor: rest });
}
