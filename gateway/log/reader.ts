/** Reads what is committed, and proves it: over the writer's own connection, or over one of another thread. */
import { setImmediate } from 'node:timers/promises';
import type { Checkpoint, LogEntry, LogReader } from '../ports.ts';
import type { LogStore } from '../store/log-store.ts';
import type { RegistryStore } from '../store/registry-store.ts';
import type { SequenceIndex } from '../store/sequence-index.ts';
import type { EntryBook } from './entries.ts';
import type { LogTree } from './tree.ts';

/** Entries opened in one turn of the event loop: about a millisecond. */
const READ_AT_ONCE = 64;

export class CommittedLog implements LogReader {
  readonly #store: LogStore;
  readonly #registry: RegistryStore;
  readonly #index: SequenceIndex;
  readonly #tree: LogTree;
  readonly #book: EntryBook;
  readonly #listeners = new Set<() => void>();

  constructor(parts: {
    readonly log: LogStore;
    readonly registry: RegistryStore;
    readonly index: SequenceIndex;
    readonly tree: LogTree;
    readonly book: EntryBook;
  }) {
    this.#store = parts.log;
    this.#registry = parts.registry;
    this.#index = parts.index;
    this.#tree = parts.tree;
    this.#book = parts.book;
  }

  async size(): Promise<number> {
    return this.#store.size();
  }

  async entry(index: number): Promise<LogEntry | undefined> {
    const row = this.#store.entry(index);
    return row && this.#book.toEntry(row);
  }

  async findStatement(device: string, boot: number, seq: number): Promise<LogEntry | undefined> {
    const known = this.#registry.device(device);
    if (known === undefined) return undefined;
    this.#index.catchUp();
    const held = this.#index.find(known.id, boot, seq);
    return held === undefined ? undefined : this.entry(held);
  }

  async newestOfDevice(device: string, limit: number): Promise<LogEntry[]> {
    const known = this.#registry.device(device);
    if (known === undefined) return [];
    this.#index.catchUp();
    const rows = this.#index.newest(known.id, limit).map(({ index }) => this.#store.entry(index));
    return rows.filter((row) => row !== undefined).map((row) => this.#book.toEntry(row));
  }

  async readForProvider(provider: string, from: number, limit: number): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    for (let next = from; entries.length < limit; await setImmediate()) {
      const wanted = Math.min(READ_AT_ONCE, limit - entries.length);
      const rows = this.#store.forProvider(provider, next, wanted);
      for (const row of rows) entries.push(this.#book.toEntry(row));
      if (rows.length < wanted) break;
      next = (rows.at(-1)?.idx ?? next) + 1;
    }
    return entries;
  }

  async countStatements(from: number, to: number): Promise<number> {
    return this.#store.countStatements(from, to);
  }

  async newestCheckpoint(): Promise<Checkpoint | undefined> {
    return this.#store.newestCheckpoint();
  }

  async checkpointAt(size: number): Promise<Checkpoint | undefined> {
    return this.#store.checkpoint(size);
  }

  async inclusionProof(index: number, size: number): Promise<Uint8Array[]> {
    return this.#committedTree().inclusionProof(index, size);
  }

  async consistencyProof(from: number, to: number): Promise<Uint8Array[]> {
    return this.#committedTree().consistencyProof(from, to);
  }

  async multiproof(indices: readonly number[], size: number): Promise<Uint8Array[]> {
    return this.#committedTree().multiproof(indices, size);
  }

  /** C2SP tlog-tiles: the first `width` hashes of a tile, 32 bytes each. */
  async tile(level: number, index: number, width: number): Promise<Uint8Array | undefined> {
    return this.#committedTree().tile(level, index, width);
  }

  /** C2SP tlog-tiles entry bundle: the 32-byte entries of one level-0 tile, never a statement. */
  async entryHashes(from: number, to: number): Promise<Uint8Array[]> {
    return this.#store.entryHashes(from, to);
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #committedTree(): LogTree {
    this.#tree.catchUp();
    return this.#tree;
  }

  /** Tells the listeners. Called after each commit, once it is durable. */
  announce(): void {
    for (const listener of this.#listeners) listener();
  }
}
