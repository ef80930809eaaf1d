/** The log, for its readers and for who seals it. */
import type { Beacon } from '../../src/statement.ts';
import type { Flag } from '../../src/verdict.ts';

export type EntryKind = 'statement' | 'device-event' | 'heartbeat';

/** One committed leaf and what belongs to it. */
export interface LogEntry {
  readonly index: number;
  /** SHA-256 of the statement's exact bytes. */
  readonly entry: Uint8Array;
  readonly kind: EntryKind;
  readonly receivedAt: number;
  readonly flags: readonly Flag[];
  /** Absent on heartbeats. */
  readonly device?: string;
  readonly patient?: string;
  readonly provider?: string;
  /** Present on device statements. */
  readonly boot?: number;
  readonly seq?: number;
  /** The statement's exact bytes, decrypted; absent once the patient's key has been erased. */
  readonly bytes?: Uint8Array;
}

/** A sealed state of the log. */
export interface Checkpoint {
  readonly size: number;
  readonly root: Uint8Array;
  /** The C2SP signed note, exactly as served: with the cosignatures of witnesses that it has by now. */
  readonly note: string;
  readonly sealedAt: number;
}

/** Committed entries and proofs over them. Entries never change or move once read. */
export interface LogReader {
  /** Number of committed entries. */
  size(): Promise<number>;
  entry(index: number): Promise<LogEntry | undefined>;
  /** The entry a device holds under this number. */
  findStatement(device: string, boot: number, seq: number): Promise<LogEntry | undefined>;
  /** A device's newest statements, newest first. */
  newestOfDevice(device: string, limit: number): Promise<LogEntry[]>;
  /** Entries meant for one provider with index >= from, in order, at most `limit`. */
  readForProvider(provider: string, from: number, limit: number): Promise<LogEntry[]>;
  newestCheckpoint(): Promise<Checkpoint | undefined>;
  checkpointAt(size: number): Promise<Checkpoint | undefined>;
  /** RFC 9162 section 2.1.3: the path of leaf `index` in the tree of the first `size` leaves. */
  inclusionProof(index: number, size: number): Promise<Uint8Array[]>;
  /** RFC 9162 section 2.1.4. `from` 0 gives the empty proof. */
  consistencyProof(from: number, to: number): Promise<Uint8Array[]>;
  /** One proof for several leaves (docs/protocol.md, multiproof); `indices` strictly ascending. */
  multiproof(indices: readonly number[], size: number): Promise<Uint8Array[]>;
  /** C2SP tlog-tiles: the first `width` hashes of a tile, 32 bytes each; undefined when the log is not that far. */
  tile(level: number, index: number, width: number): Promise<Uint8Array | undefined>;
  /** The 32-byte entries with from <= index < to. */
  entryHashes(from: number, to: number): Promise<Uint8Array[]>;
  /** Calls `listener` after each durable commit. Returns the function that stops it. */
  onCommit(listener: () => void): () => void;
}

/** Makes checkpoints. The only writer of heartbeats. */
export interface Sealer {
  /** Appends a heartbeat carrying `beacon`, commits, signs the checkpoint over it and keeps it. */
  seal(beacon: Beacon | undefined): Promise<Checkpoint>;
}
