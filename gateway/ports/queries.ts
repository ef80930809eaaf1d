/** What people ask for. */
import type { Algorithm } from '../../src/cose/algorithm.ts';
import type { Parsed, RejectCode } from '../../src/verdict.ts';
import type { AnchorState } from './anchor.ts';
import type { SequenceRange } from './common.ts';
import type { Batch } from './deliver.ts';
import type { DeviceSummary } from './devices.ts';

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
