/** Devices and refusals as people look at them. Never a payload. */
import { bytesToHex } from '../../src/bytes.ts';
import type {
  DeviceDetails,
  DeviceDirectory,
  DeviceSummary,
  QuarantinedStatement,
  QuarantineReader,
  SilentDevices,
} from '../ports.ts';
import type { DeviceFilter, DeviceRowSummary } from '../store/device-lists.ts';
import type { QuarantineStore } from '../store/quarantine-store.ts';
import type { DeviceRow, RegistryStore } from '../store/registry-store.ts';
import type { SequenceStore } from '../store/sequence-store.ts';

const GAPS_SHOWN = 100;

export interface DirectoryParts {
  readonly registry: RegistryStore;
  readonly sequences: SequenceStore;
  /** The configured cadence in seconds; undefined: none. */
  readonly cadence: number | undefined;
  /** Who watches for silent devices, by a clock that does not jump. Default: by the times in the store. */
  readonly silence?: SilentDevices;
  readonly now: () => number;
}

export class RegistryDirectory implements DeviceDirectory {
  readonly #parts: DirectoryParts;

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
  }

  async list(limit: number, after: string, isSilent = false): Promise<readonly DeviceSummary[]> {
    return this.page(limit, after, { isSilent });
  }

  /** As `list`, by any filter. */
  page(limit: number, after: string, filter: DeviceFilter): readonly DeviceSummary[] {
    return this.#parts.registry.lists.summaries(limit, after, filter).map((row) => this.#summary(row));
  }

  async show(urn: string): Promise<DeviceDetails | undefined> {
    const { registry, sequences } = this.#parts;
    const device = registry.device(urn);
    const summary = device && registry.lists.summary(urn);
    if (device === undefined || summary === undefined) return undefined;
    const keys = registry.keys.of(device.id).map((row) => ({
      kid: bytesToHex(row.kid),
      algorithm: row.key.algorithm,
      addedAt: row.addedAt,
      retiredAt: row.retiredAt ?? null,
      effectiveAt: row.endedFrom ?? null,
      reason: row.endReason ?? null,
    }));
    const gaps = sequences.gaps(device.id, GAPS_SHOWN);
    return { ...this.#summary(summary), keys, revocation: this.#revocation(device), gaps };
  }

  #summary({ ownCadence, silentAt, ...row }: DeviceRowSummary): DeviceSummary {
    const { cadence, silence, now } = this.#parts;
    const seconds = ownCadence ?? cadence ?? 0;
    const silentMs = silence?.silentFor(row.device) ?? Math.max(0, now() - (row.lastSeen ?? row.enrolledAt));
    return {
      ...row,
      cadenceSeconds: seconds === 0 ? null : seconds,
      silentSeconds: silentAt === null ? null : Math.round(silentMs / 1000),
    };
  }

  #revocation(device: DeviceRow): DeviceDetails['revocation'] {
    if (device.status !== 'revoked') return null;
    const effectiveAt = device.ended_from ?? device.status_at;
    return {
      recordedAt: device.status_at,
      effectiveAt,
      reason: device.end_reason,
      statementsSince: this.#parts.registry.lists.countSince(device.id, effectiveAt),
    };
  }
}

export class QuarantineDirectory implements QuarantineReader {
  readonly #store: QuarantineStore;

  constructor(store: QuarantineStore) {
    this.#store = store;
  }

  async list(limit: number): Promise<readonly QuarantinedStatement[]> {
    return this.#store.list(limit).map(({ device, code, detail, received_at, entry, length }) => ({
      device,
      code,
      detail,
      receivedAt: received_at,
      entry: bytesToHex(entry),
      length,
    }));
  }
}
