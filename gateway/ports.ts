/**
 * What the stages of the gateway may know of each other. A stage imports this file, never a neighbour. It is long because it is one:
 * whoever asks what a stage may rely on reads it here, in the order of a reading's way.
 *
 * Every method that touches the store is asynchronous, so that another engine can stand behind it.
 * Times are milliseconds since the Unix epoch by the gateway's clock unless a name says seconds.
 */

import type { Algorithm } from '../src/cose/algorithm.ts';
import type { Anchor } from '../src/receipt/anchor.ts';
import type { Beacon } from '../src/statement.ts';
import type { Flag, IgnoreCode, Parsed, RejectCode } from '../src/verdict.ts';
import type { CheckedData, VerdictData } from './checked-batch.ts';

/** The gateway's clock, handed in so that tests can set it. */
export interface Clock {
  now(): number;
}

/** The few log levels a stage uses. Fields carry no payload, no key, no credentials. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

// ---------------------------------------------------------------- ingest -> validate -> log

/** One message as a broker handed it over. Nothing in it is trusted. */
export interface Inbound {
  /** The device named by the topic; its form has been checked, nothing else. */
  readonly device: string;
  /** The exact bytes. The receiver must not change them; the source must not reuse the memory. */
  readonly bytes: Uint8Array;
  readonly receivedAt: number;
}

/** What the gateway decided. Durable by the time it is handed out, so the source may acknowledge it. */
export type Verdict =
  | {
      readonly kind: 'accept';
      readonly index: number;
      readonly boot: number;
      readonly seq: number;
      readonly flags: readonly Flag[];
    }
  | { readonly kind: 'ignore'; readonly code: IgnoreCode; readonly index: number }
  | { readonly kind: 'reject'; readonly code: RejectCode; readonly detail: string };

/**
 * The door to validate and log. Resolves once the verdict is durable: in the log, or in quarantine.
 * Rejects with a GatewayError only for failures of ours; the source must then withhold the acknowledgement
 * so that the device sends again.
 */
export interface Intake {
  submit(inbound: Inbound): Promise<Verdict>;
  /**
   * Whether more may be read from the network: undefined while there is room; otherwise a promise that resolves once there is, and
   * never rejects. Cheap: it is asked before every read of every socket. A source that is told to wait leaves the bytes where they
   * are, in its sockets, and asks again when the promise has resolved, since another may have taken the room meanwhile. What it
   * has read already it submits all the same: the room left must be enough for one read of one socket.
   */
  room(): Promise<void> | undefined;
}

/** What the gateway says to devices. Best effort: a device may never hear it. */
export interface DeviceOutlet {
  publishBeacon(beacon: Beacon, timeSeconds: number): void;
  requestResend(device: string, ranges: readonly SequenceRange[]): void;
}

/** Inclusive at both ends. */
export interface SequenceRange {
  readonly boot: number;
  readonly from: number;
  readonly to: number;
}

// ---------------------------------------------------------------- who may send

/** A suspended device may be resumed; a revoked one is trusted no more. */
export type DeviceStatus = 'active' | 'suspended' | 'revoked';

/** A key that may sign for a device, ready for use. */
export interface DeviceKey {
  readonly algorithm: Algorithm;
  readonly retiredAt: number | undefined;
  /** The acceptance rule of docs/protocol.md on native code. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** A device as the log knows it. */
export interface EnrolledDevice {
  readonly id: number;
  readonly urn: string;
  readonly owner: number;
  readonly provider: string;
  readonly status: DeviceStatus;
  /** The key with this 8-byte key identifier. */
  key(kid: Uint8Array): DeviceKey | undefined;
  /** Every key, as a checking thread takes them (gateway/validate/packed-keys.ts). */
  readonly packedKeys: Uint8Array;
}

/** One line of a device list. Times in milliseconds. */
export interface DeviceSummary {
  readonly device: string;
  readonly patient: string;
  readonly provider: string;
  readonly status: DeviceStatus;
  readonly enrolledAt: number;
  /** When the newest statement was taken in. */
  readonly lastSeen: number | null;
  /** Verified, and in the log. */
  readonly statements: number;
  /** Messages under its name that were judged, whatever became of them. A crash may lose the count of the last ones that left no other trace. */
  readonly received: number;
  /** Sequence numbers below the greatest one held that never came. */
  readonly missing: number;
  /** All numbers up to the greatest one held in each boot: those in the log and those that are missing. */
  readonly expected: number;
  /** Longest silence that is in order, in seconds: its own, or the configured one; null when nobody watches. */
  readonly cadenceSeconds: number | null;
  /** Seconds since it was heard, when it is silent past its cadence; null when it is not, or when nobody watches. */
  readonly silentSeconds: number | null;
}

/** A device that ought to be heard. */
export interface ExpectedDevice {
  /** Its row. */
  readonly id: number;
  readonly device: string;
  /** When it was last heard, or enrolled; milliseconds by the gateway's clock. */
  readonly lastHeard: number;
  /** Longest silence that is in order, in milliseconds. */
  readonly cadenceMs: number;
  /** 1 when it had been found silent before. */
  readonly wasSilent: 0 | 1;
}

/** Durable memory of which devices are silent. Each write is idempotent. */
export interface SilentMarks {
  /** When each was found silent, in milliseconds; null: it is no more. All of it or none. */
  mark(changes: readonly (readonly [device: string, at: number | null])[]): Promise<void>;
}

/** Which devices have fallen silent. */
export interface SilentDevices {
  /** Milliseconds since the last statement of a device that is silent; undefined of any other. */
  silentFor(device: string): number | undefined;
}

/** Looks devices up. */
export interface Registry {
  /** Never older than the last device event that was announced. */
  find(urn: string): EnrolledDevice | undefined;
  /** As committed at this moment. */
  refresh(urn: string): EnrolledDevice | undefined;
}

// ---------------------------------------------------------------- validate -> log

/** The writing side of the log. */
export interface LogWriter {
  /**
   * Takes a batch in, in its order: judges each message's sequence and its device's standing again under the commit's lock, then
   * appends it or puts it into quarantine. Resolves once everything is durable; rejects with GatewayError when nothing was kept.
   */
  commit(batch: CheckedData): Promise<VerdictData>;
}

/** A statement that was refused for a state of its device that may pass. */
export interface HeldBackStatement {
  readonly id: number;
  readonly bytes: Uint8Array;
  /** When it first came. */
  readonly receivedAt: number;
}

/** What lies in quarantine and may still become an entry. */
export interface HeldBack {
  /** Devices of which something is held back. */
  devices(): Promise<readonly string[]>;
  /** In the order they came. */
  ofDevice(device: string): Promise<readonly HeldBackStatement[]>;
  /** Takes one out of quarantine, now that it is in the log. */
  release(id: number): Promise<void>;
  /** It was looked at again and refused: for good under this code, or still for a state that may pass. */
  refused(id: number, code: RejectCode, detail: string): Promise<void>;
}

// ---------------------------------------------------------------- the log, for its readers

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
  /** How many entries with from <= index < to are statements of devices. */
  countStatements(from: number, to: number): Promise<number>;
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

// ---------------------------------------------------------------- anchor

/** A checkpoint's way onto the chain; the word people see. */
export type AnchorState = 'recorded' | 'submitted' | 'anchored' | 'final';

/** Where a log is anchored. */
export interface AnchorTarget {
  readonly chainId: bigint;
  /** Address of the contract, 20 bytes. */
  readonly contract: Uint8Array;
  /** 32 bytes. */
  readonly logId: Uint8Array;
}

/** What a transaction offers for each unit of gas, in wei (EIP-1559). */
export interface GasFee {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** Why an attempt is `lost`, or is `submitted` once more. */
export type AnchorSetback = 'replaced' | 'reorganised' | 'reverted' | 'other-target';

/** One attempt to anchor one checkpoint. Keyed by transaction hash; saved before the transaction is sent. */
export interface AnchorRecord {
  readonly size: number;
  readonly root: Uint8Array;
  readonly target: AnchorTarget;
  readonly transactionHash: Uint8Array;
  /** The account that pays, 20 bytes. A nonce means something only together with it. */
  readonly sender: Uint8Array;
  readonly nonce: number;
  readonly fee: GasFee;
  /** The signed transaction, kept while the record is open so that the same bytes can be sent again. */
  readonly rawTransaction?: Uint8Array;
  readonly submittedAt: number;
  /** The newest block when it was signed: tells a transaction that is stuck from a chain that stands still. */
  readonly submittedBlock: bigint;
  /** `lost`: it can never be in the chain any more, or was meant for another one; a newer checkpoint covers what it covered. A lost record does not change; a final one only if the chain breaks its own finality. */
  readonly state: 'submitted' | 'anchored' | 'final' | 'lost';
  readonly setback?: AnchorSetback;
  /** Present while the transaction is in a block; the proof of its event is added to it as soon as it can be had. */
  readonly anchor?: Anchor;
  /** Present once the transaction has been in a block, a reverted one too. */
  readonly gasUsed?: bigint;
  /** Wei paid for each unit of it, by the fee that was offered and the block's base fee. */
  readonly gasPrice?: bigint;
  /** When it was first seen to be final (ms). */
  readonly finalAt?: number;
}

/** Durable memory of the anchorer. Every write is idempotent under the transaction hash. */
export interface AnchorStore {
  /** Inserts or replaces the record; durable when it resolves. */
  save(record: AnchorRecord): Promise<void>;
  byTransaction(hash: Uint8Array): Promise<AnchorRecord | undefined>;
  /** Records in state `submitted` or `anchored`, oldest first. */
  open(): Promise<AnchorRecord[]>;
  /** The smallest anchored-or-final record with size > index, final ones preferred: what a receipt cites. */
  covering(index: number): Promise<AnchorRecord | undefined>;
  /** The record of the largest size in this state. */
  newest(state: 'submitted' | 'anchored' | 'final'): Promise<AnchorRecord | undefined>;
  /** The newest records in any state, newest first. */
  list(limit: number): Promise<AnchorRecord[]>;
  /** Anchored and final records of this target whose anchor has no proof of its event, newest first. */
  lackingProof(target: AnchorTarget, limit: number): Promise<AnchorRecord[]>;
  /** The greatest size below this one that a block holds; 0 when none does. */
  sizeBefore(size: number): Promise<number>;
  /** Gas used by all attempts that were in a block. */
  gasUsed(): Promise<bigint>;
}

/** Tells other stages that an anchor became final. */
export interface AnchorEvents {
  onFinal(listener: (record: AnchorRecord) => void): () => void;
}

// ---------------------------------------------------------------- witnesses

/** A witness's cosignature of a checkpoint (C2SP tlog-cosignature). It has been verified. */
export interface KeptCosignature {
  /** Of the checkpoint. */
  readonly size: number;
  /** Key name of the witness. */
  readonly witness: string;
  /** Seconds, by the witness's clock. */
  readonly time: number;
  /** The signature line. */
  readonly line: string;
}

/** Cosignatures beside the checkpoints they are of. */
export interface CosignatureStore {
  /** Durable when it resolves. Idempotent under size and witness. */
  keep(cosignature: KeptCosignature): Promise<void>;
  /** The witness's cosignature of the largest size. */
  newest(witness: string): Promise<KeptCosignature | undefined>;
}

/** How far a witness has come. */
export interface WitnessView {
  readonly name: string;
  /** Size of the largest checkpoint cosigned; 0 when none. */
  readonly size: number;
  /** When, by the witness's clock, in seconds. */
  readonly cosignedAt?: number;
  /** Entries of the newest checkpoint that it has not cosigned. */
  readonly lag: number;
  /** It holds another history of this log than the log does: a fork, or a witness that fails. */
  readonly isInConflict: boolean;
  /** Why the last try failed; absent once one succeeded. */
  readonly lastError?: { readonly code: string; readonly message: string; readonly at: number };
}

// ---------------------------------------------------------------- timestamps

/** A checkpoint stamped by an authority (RFC 3161). The authority's signature has not been checked. */
export interface KeptTimestamp {
  /** Of the checkpoint. */
  readonly size: number;
  /** The checkpoint as it was stamped; cosignatures may have joined it since. */
  readonly note: string;
  /** TimeStampToken, DER. */
  readonly token: Uint8Array;
  /** Seconds, by the authority's clock. */
  readonly time: number;
}

/** Timestamps beside the checkpoints they are of. */
export interface TimestampStore {
  /** Durable when it resolves. The first one of a size stays. */
  keep(timestamp: KeptTimestamp): Promise<void>;
  /** The one of the largest size. */
  newest(): Promise<KeptTimestamp | undefined>;
  /** The one of the smallest size > index: the earliest that covers the entry. */
  covering(index: number): Promise<KeptTimestamp | undefined>;
}

/** How far timestamping has come. */
export interface TimestampView {
  /** Size of the newest stamped checkpoint; 0 when none. */
  readonly size: number;
  /** What the authority put on it, in seconds. */
  readonly time?: number;
  /** Why the last try failed; absent once one succeeded. */
  readonly lastError?: { readonly code: 'timestamp-failed'; readonly message: string; readonly at: number };
}

// ---------------------------------------------------------------- deliver

/** A care provider that receives readings. */
export interface Provider {
  readonly id: string;
  /** Where deliveries are posted. */
  readonly url: string;
  /** X25519 public key, 32 bytes, to which bodies are sealed. */
  readonly sealingKey: Uint8Array;
}

/** What a batch carries: new statements, or the proofs for statements delivered before. */
export type BatchKind = 'statements' | 'receipts';

/** A batch fixed before its first attempt, so that every attempt sends the same under the same key. */
export interface Batch {
  /** The idempotency key (`webhook-id`). */
  readonly id: string;
  readonly provider: string;
  readonly kind: BatchKind;
  /** First and last log index, inclusive; which entries of the provider lie between is fixed by the log. */
  readonly from: number;
  readonly to: number;
  /** `backfill`: nothing in it was fresh when it was made up. */
  readonly mode: 'live' | 'backfill';
  /** For receipts: the final anchor that proves them, by its transaction hash. */
  readonly anchor?: Uint8Array;
  readonly createdAt: number;
  readonly attempts: number;
  /** Attempts the provider answered with a failure that may lie in this very batch (500 and its like). */
  readonly refusals: number;
  readonly nextAttemptAt: number;
  readonly lastError?: string;
}

/** A batch given up until someone asks for a retry. Its entries are still in the log; nothing is lost. */
export interface DeadLetter extends Batch {
  readonly buriedAt: number;
}

/**
 * Durable memory of the deliverer: one cursor per provider and kind, the open batches, the dead letters.
 * Every write is durable when its promise resolves, and refuses a batch that is not open any more.
 */
export interface DeliveryStore {
  /** The next index to deliver; 0 for a provider never seen. It never goes back. */
  cursor(provider: string, kind: BatchKind): Promise<number>;
  /**
   * Batches under way, lowest index first. Normally one; also retried dead letters and the parts of a split batch.
   */
  open(provider: string, kind: BatchKind): Promise<Batch[]>;
  /** Fixes a batch that starts at or after the cursor. */
  begin(batch: Batch): Promise<void>;
  /** Records a failed attempt, when to try again, and whether the provider may be refusing this very batch. */
  postpone(
    id: string,
    failure: { readonly nextAttemptAt: number; readonly error: string; readonly refused: boolean },
  ): Promise<void>;
  /** In one step: put `parts`, which cover the same range, in the place of the open batch. */
  split(id: string, parts: readonly Batch[]): Promise<void>;
  /** In one step: close the batch and move the cursor to `to` + 1 if it is not there yet. */
  complete(id: string): Promise<void>;
  /** In one step: move the batch to the dead-letter list and the cursor as `complete` does. */
  bury(id: string, error: string, at: number): Promise<void>;
  /** Oldest first. */
  deadLetters(provider?: string): Promise<DeadLetter[]>;
  /** Puts a dead letter back in front, due at once; it is sent again under the same id. False when there is none. */
  retry(id: string): Promise<boolean>;
}

/** Counts for the metrics endpoint; the composition root turns them into its metrics. */
export interface DeliveryMetrics {
  attempted(
    provider: string,
    kind: BatchKind,
    outcome: 'delivered' | 'retry' | 'dead' | 'split',
    seconds: number,
  ): void;
  delivered(provider: string, kind: BatchKind, entries: number): void;
}

// ---------------------------------------------------------------- what people ask for

/** Makes receipts out of what is committed. */
export interface ReceiptMaker {
  /** The receipt of one entry, citing the best anchor there is. */
  make(
    index: number,
  ): Promise<
    Parsed<
      { readonly bytes: Uint8Array; readonly state: AnchorState },
      'not-found' | 'not-sealed-yet' | 'erased'
    >
  >;
}

export interface DeviceDirectory {
  /** By URN, those behind `after`; with `isSilent` only those that are silent past their cadence. */
  list(limit: number, after: string, isSilent?: boolean): Promise<readonly DeviceSummary[]>;
  show(device: string): Promise<DeviceDetails | undefined>;
}

export interface DeviceDetails extends DeviceSummary {
  readonly keys: readonly {
    /** 16 hex digits. */
    readonly kid: string;
    readonly algorithm: Algorithm;
    readonly addedAt: number;
    readonly retiredAt: number | null;
    /** From when it is good no more: before `retiredAt`, or, of a key in use, when it will be retired. */
    readonly effectiveAt: number | null;
    /** Why, when that was said (docs/protocol.md, "Log statements"). */
    readonly reason: string | null;
  }[];
  /** Of a revoked device. */
  readonly revocation: {
    readonly recordedAt: number;
    /** From when nothing it signed is trusted. */
    readonly effectiveAt: number;
    readonly reason: string | null;
    /** Statements in the log that came after `effectiveAt`. */
    readonly statementsSince: number;
  } | null;
  /** The first missing ranges, at most a hundred. */
  readonly gaps: readonly SequenceRange[];
}

export interface QuarantineReader {
  list(limit: number): Promise<readonly QuarantinedStatement[]>;
}

/** A refusal without its bytes, which may be a reading. */
export interface QuarantinedStatement {
  readonly device: string;
  readonly code: RejectCode;
  readonly detail: string;
  readonly receivedAt: number;
  /** SHA-256 of the bytes, hex. */
  readonly entry: string;
  readonly length: number;
}

export interface DeadLetters {
  list(): Promise<readonly Batch[]>;
  retry(id: string): Promise<boolean>;
}
