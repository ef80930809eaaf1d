/** Who may send, and who ought to be heard. */
import type { Algorithm } from '../../src/cose/algorithm.ts';

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
