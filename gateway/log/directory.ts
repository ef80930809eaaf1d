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
import type { QuarantineStore } from '../store/quarantine-store.ts';
import type { DeviceRow, RegistryStore } from '../store/registry-store.ts';
import type { SequenceStore } from '../store/sequence-store.ts';

const GAPS_SHOWN = 100;

export class RegistryDirectory implements DeviceDirectory {
  readonly #registry: RegistryStore;
  readonly #sequences: SequenceStore;

  readonly #silence: SilentDevices | undefined;

  /** @param silence who watches for silent devices; without it none is known to be silent */
  constructor(registry: RegistryStore, sequences: SequenceStore, silence?: SilentDevices) {
    this.#registry = registry;
    this.#sequences = sequences;
    this.#silence = silence;
  }

  async list(limit: number, after: string): Promise<readonly DeviceSummary[]> {
    return this.#registry.summaries(limit, after).map((row) => this.#withSilence(row));
  }

  async show(urn: string): Promise<DeviceDetails | undefined> {
    const device = this.#registry.device(urn);
    const summary = device && this.#registry.summary(urn);
    if (device === undefined || summary === undefined) return undefined;
    const keys = this.#registry.keys(device.id).map((row) => ({
      kid: bytesToHex(row.kid),
      algorithm: row.key.algorithm,
      addedAt: row.addedAt,
      retiredAt: row.retiredAt ?? null,
      effectiveAt: row.endedFrom ?? null,
      reason: row.endReason ?? null,
    }));
    const gaps = this.#sequences.gaps(device.id, GAPS_SHOWN);
    return { ...this.#withSilence(summary), keys, revocation: this.#revocation(device), gaps };
  }

  #withSilence(row: Omit<DeviceSummary, 'silentSeconds'>): DeviceSummary {
    const silentMs = this.#silence?.silentFor(row.device);
    return { ...row, silentSeconds: silentMs === undefined ? null : Math.round(silentMs / 1000) };
  }

  #revocation(device: DeviceRow): DeviceDetails['revocation'] {
    if (device.status !== 'revoked') return null;
    const effectiveAt = device.ended_from ?? device.status_at;
    return {
      recordedAt: device.status_at,
      effectiveAt,
      reason: device.end_reason,
      statementsSince: this.#registry.countSince(device.id, effectiveAt),
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
