/** From ingest through validate to the log: what comes in, and what becomes of it. */
import type { Beacon } from '../../src/statement.ts';
import type { Flag, IgnoreCode, RejectCode } from '../../src/verdict.ts';
import type { CheckedData, VerdictData } from '../checked-batch.ts';
import type { SequenceRange } from './common.ts';

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
