/** Reads what is committed, and proves it. */
import type { Checkpoint, LogEntry, LogReader } from '../ports.ts';
import type { LogStore } from '../store/log-store.ts';
import type { RegistryStore } from '../store/registry-store.ts';
import type { EntryBook } from './entries.ts';
import type { LogTree } from './tree.ts';

export class CommittedLog implements LogReader {
  readonly #store: LogStore;
  readonly #registry: RegistryStore;
  readonly #tree: LogTree;
  readonly #book: EntryBook;
  readonly #listeners = new Set<() => void>();

  constructor(store: LogStore, registry: RegistryStore, tree: LogTree, book: EntryBook) {
    this.#store = store;
    this.#registry = registry;
    this.#tree = tree;
    this.#book = book;
  }

  async size(): Promise<number> {
    return this.#tree.size;
  }

  async entry(index: number): Promise<LogEntry | undefined> {
    const row = this.#store.entry(index);
    return row && this.#book.toEntry(row);
  }

  async findStatement(device: string, boot: number, seq: number): Promise<LogEntry | undefined> {
    const known = this.#registry.device(device);
    const held = known && this.#store.bySequence(known.id, boot, seq);
    return held && this.entry(held.idx);
  }

  async newestOfDevice(device: string, limit: number): Promise<LogEntry[]> {
    const known = this.#registry.device(device);
    return known === undefined
      ? []
      : this.#store.forDevice(known.id, limit).map((row) => this.#book.toEntry(row));
  }

  async readForProvider(provider: string, from: number, limit: number): Promise<LogEntry[]> {
    return this.#store.forProvider(provider, from, limit).map((row) => this.#book.toEntry(row));
  }

  async newestCheckpoint(): Promise<Checkpoint | undefined> {
    return this.#store.newestCheckpoint();
  }

  async checkpointAt(size: number): Promise<Checkpoint | undefined> {
    return this.#store.checkpoint(size);
  }

  async inclusionProof(index: number, size: number): Promise<Uint8Array[]> {
    return this.#tree.inclusionProof(index, size);
  }

  async consistencyProof(from: number, to: number): Promise<Uint8Array[]> {
    return this.#tree.consistencyProof(from, to);
  }

  async multiproof(indices: readonly number[], size: number): Promise<Uint8Array[]> {
    return this.#tree.multiproof(indices, size);
  }

  /** C2SP tlog-tiles: the first `width` hashes of a tile, 32 bytes each. */
  async tile(level: number, index: number, width: number): Promise<Uint8Array | undefined> {
    return this.#tree.tile(level, index, width);
  }

  /** C2SP tlog-tiles entry bundle: the 32-byte entries of one level-0 tile, never a statement. */
  async entryHashes(from: number, to: number): Promise<Uint8Array[]> {
    return this.#store.entryHashes(from, to);
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells the listeners. Called by the committer, after the fsync. */
  announce(): void {
    for (const listener of this.#listeners) listener();
  }
}
