/** What each request to change the registry means: why it is refused, which events record it, and which rows it changes. */
import { equalBytes } from '../../src/bytes.ts';
import { keyId, type PublicKey } from '../../src/cose/key.ts';
import { type DeviceEvent, type EndReason, isExposed } from '../../src/log-statement.ts';
import { sha256 } from '../crypto/hash.ts';
import type { DeviceKeyRow, TrustEnd } from '../store/device-key-store.ts';
import type { QuarantineStore } from '../store/quarantine-store.ts';
import type { DeviceRow, RegistryStore } from '../store/registry-store.ts';
import type { DeviceRequest } from './device-requests.ts';
import type { EntryBook } from './entries.ts';
import type { Keyring } from './keyring.ts';
import { type EndTime, endTime, strictest, takesMore } from './trust-end.ts';

/** What one event of a request says. */
export interface EventFields {
  readonly event: DeviceEvent;
  readonly key?: PublicKey;
  readonly effective?: number;
  readonly reason?: EndReason;
}

export interface SignedEvent extends EventFields {
  readonly bytes: Uint8Array;
}

export interface DeviceChangeParts {
  readonly book: EntryBook;
  readonly keys: Keyring;
  readonly registry: RegistryStore;
  readonly quarantine: QuarantineStore;
}

type Retirement = DeviceRequest & { action: 'retire-key' | 'rotate' };

/** `now` is one moment in ms for all three steps of a request, so that they agree on what is past and what is to come. */
export class DeviceChanges {
  readonly #parts: DeviceChangeParts;

  constructor(parts: DeviceChangeParts) {
    this.#parts = parts;
  }

  /** The events to sign before the transaction. */
  events(request: DeviceRequest, now: number): EventFields[] {
    switch (request.action) {
      case 'enrol':
      case 'add-key':
        return [{ event: request.action, key: request.key }];
      case 'rotate':
        return [{ event: 'add-key', key: request.key }, ...this.#retirements(request, now)];
      case 'retire-key':
        return this.#retirements(request, now);
      case 'keep-key':
        return []; // nothing had been recorded of the plan either
      case 'cadence':
        return []; // it proves nothing about any statement
      case 'revoke':
        return [{ event: 'revoke', ...endFields(endTime(request, now), request.reason) }];
      default:
        return [{ event: request.action }];
    }
  }

  /** Why a request cannot be carried out, seen inside the transaction. */
  refusal(request: DeviceRequest, now: number): string | undefined {
    const { registry, keys } = this.#parts;
    const device = registry.device(request.device);
    if (request.action === 'enrol') {
      if (device !== undefined) return `${request.device} is enrolled already`;
      if (registry.enrolments.isReserved(request.device))
        return `${request.device} is being enrolled from a file`;
      const owner = registry.owner(request.patient);
      return owner !== undefined && keys.keyOf(owner.id) === undefined
        ? `patient ${request.patient} has been erased`
        : undefined;
    }
    if (device === undefined)
      return registry.enrolments.isReserved(request.device)
        ? `${request.device} is being enrolled from a file that is not finished yet`
        : `${request.device} is not enrolled`;
    if (device.status === 'revoked' && !this.#isGraver(request, device, now))
      return `${request.device} has been revoked, for good`;
    if (keys.keyOf(device.owner) === undefined) return `the patient of ${request.device} has been erased`;
    return this.#refusalForEnrolled(request, device, now);
  }

  /** Changes rows and appends the events, inside the transaction, once `refusal` had nothing to say. */
  apply(request: DeviceRequest, events: readonly SignedEvent[], now: number): void {
    const { registry } = this.#parts;
    const device =
      request.action === 'enrol' ? this.#enrol(request, now) : (registry.device(request.device) as DeviceRow);
    if (request.action === 'retire-key' || request.action === 'rotate') {
      const end = endTime(request, now);
      const keys = end.kind === 'planned' ? this.#keysToRetire(request, device, now) : [];
      this.#plan(device, keys, fromOf(end, now), request.reason);
    }
    if (request.action === 'add-key' || request.action === 'rotate')
      registry.keys.add(device.id, request.key, now);
    if (request.action === 'suspend') registry.setStatus(device.id, 'suspended', now);
    if (request.action === 'resume') registry.setStatus(device.id, 'active', now);
    if (request.action === 'keep-key') this.#plan(device, this.#plannedKeys(request, device));
    if (request.action === 'cadence') registry.setCadence(device.id, request.seconds);
    for (const event of events) this.#record(event, device, now);
  }

  /** Retires one key whose planned time has come. False: it was no longer to be. */
  retireDue(device: DeviceRow, event: SignedEvent & { key: PublicKey }, now: number): boolean {
    const row = this.#key(device, keyId(event.key));
    const isDue = row?.retiredAt === undefined && row?.endedFrom !== undefined && row.endedFrom <= now;
    if (isDue) this.#record(event, device, now);
    return isDue;
  }

  #refusalForEnrolled(request: DeviceRequest, device: DeviceRow, now: number): string | undefined {
    switch (request.action) {
      case 'add-key':
        return this.#refusalOfKey(request.key, device);
      case 'rotate':
        return this.#refusalOfKey(request.key, device) ?? this.#refusalOfRetirement(request, device, now);
      case 'retire-key':
        return this.#refusalOfRetirement(request, device, now);
      case 'keep-key':
        return this.#plannedKeys(request, device).length === 0
          ? `${device.urn} has no such key that is to be retired`
          : undefined;
      case 'revoke':
        return endTime(request, now).kind === 'planned'
          ? 'a revocation takes effect at once; retire the keys to end their use at a time to come'
          : undefined;
      case 'resume':
        return device.status === 'suspended' ? undefined : `${device.urn} is not suspended`;
      default:
        return undefined;
    }
  }

  #refusalOfKey(key: PublicKey, device: DeviceRow): string | undefined {
    return this.#key(device, keyId(key)) === undefined ? undefined : `${device.urn} has this key already`;
  }

  #refusalOfRetirement(request: Retirement, device: DeviceRow, now: number): string | undefined {
    const isPlanned = endTime(request, now).kind === 'planned';
    if (isPlanned && isExposed('retire-key', request.reason))
      return `a key that is ${request.reason} is retired at once; only one in good hands can wait for a time to come`;
    // A device that has no key left in use gets one by a rotation too.
    const mayBeNone = request.action === 'rotate' && request.kid === undefined;
    const isNone = !mayBeNone && this.#keysToRetire(request, device, now).length === 0;
    return isNone ? `${device.urn} has no such key in use` : undefined;
  }

  /** A device that was revoked can be revoked again only from an earlier time, or for a graver reason. */
  #isGraver(request: DeviceRequest, device: DeviceRow, now: number): boolean {
    if (request.action !== 'revoke') return false;
    const before = { from: device.ended_from ?? device.status_at, reason: device.end_reason ?? undefined };
    return takesMore('revoke', before, { from: fromOf(endTime(request, now), now), reason: request.reason });
  }

  #retirements(request: Retirement, now: number): EventFields[] {
    const device = this.#parts.registry.device(request.device);
    const end = endTime(request, now);
    if (device === undefined || end.kind === 'planned') return [];
    return this.#keysToRetire(request, device, now).map(({ key }) => ({
      event: 'retire-key',
      key,
      ...endFields(end, request.reason),
    }));
  }

  /** Keys in use, and one retired before when it is named and loses more trust than it had lost. */
  #keysToRetire(request: Retirement, device: DeviceRow, now: number): DeviceKeyRow[] {
    const { kid, reason } = request;
    const end = endTime(request, now);
    return this.#parts.registry.keys.of(device.id).filter((row) => {
      if (kid !== undefined && !equalBytes(row.kid, kid)) return false;
      if (row.retiredAt === undefined) return true;
      if (kid === undefined || request.action === 'rotate' || end.kind === 'planned') return false;
      const before = { from: row.endedFrom ?? row.retiredAt, reason: row.endReason };
      return takesMore('retire-key', before, { from: fromOf(end, now), reason });
    });
  }

  #plannedKeys(request: DeviceRequest & { action: 'keep-key' }, device: DeviceRow): DeviceKeyRow[] {
    const { kid } = request;
    return this.#parts.registry.keys
      .of(device.id)
      .filter(({ retiredAt, endedFrom }) => retiredAt === undefined && endedFrom !== undefined)
      .filter((row) => kid === undefined || equalBytes(row.kid, kid));
  }

  #plan(device: DeviceRow, keys: readonly DeviceKeyRow[], from?: number, reason?: EndReason): void {
    for (const { kid } of keys) this.#parts.registry.keys.planRetirement(device.id, kid, from, reason);
  }

  #key(device: DeviceRow, kid: Uint8Array): DeviceKeyRow | undefined {
    return this.#parts.registry.keys.of(device.id).find((row) => equalBytes(row.kid, kid));
  }

  #enrol(request: DeviceRequest & { action: 'enrol' }, now: number): DeviceRow {
    const { registry, keys } = this.#parts;
    const owner = keys.ownerNamed(request.patient);
    const id = registry.addDevice(request.device, owner, request.provider, now, request.cadence);
    registry.keys.add(id, request.key, now);
    return registry.device(request.device) as DeviceRow;
  }

  /** Appends one event and ends the trust that it ends. */
  #record({ event, key, effective, reason, bytes }: SignedEvent, device: DeviceRow, now: number): void {
    const { registry, book, quarantine } = this.#parts;
    const index = book.append({
      kind: 'device-event',
      bytes,
      entry: sha256(bytes),
      owner: device.owner,
      receivedAt: now,
      device: device.id,
      provider: device.provider,
    });
    if (event !== 'retire-key' && event !== 'revoke') return;
    // What stands before the event was there by now; what was there by an earlier time, the checkpoints of then tell.
    const end: TrustEnd =
      effective === undefined
        ? { from: now, reason, size: index }
        : { from: effective * 1000, reason, size: registry.sizeSealedBy(effective * 1000) };
    if (event === 'revoke') {
      registry.revoke(device.id, now, strictest('revoke', endOfDevice(device), end));
      quarantine.giveUp(device.urn);
    } else if (key !== undefined) {
      const row = this.#key(device, keyId(key));
      registry.keys.retire(device.id, keyId(key), now, strictest('retire-key', row && endOfKey(row), end));
    }
  }
}

function endFields(end: EndTime, reason: EndReason | undefined): Pick<EventFields, 'effective' | 'reason'> {
  return {
    ...(end.kind === 'earlier' ? { effective: end.since } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
}

function fromOf(end: EndTime, now: number): number {
  return end.kind === 'earlier' ? end.since * 1000 : end.kind === 'planned' ? end.at * 1000 : now;
}

function endOfDevice(device: DeviceRow): TrustEnd | undefined {
  if (device.status !== 'revoked') return undefined;
  const { ended_from, end_reason, ended_size, status_at } = device;
  return { from: ended_from ?? status_at, reason: end_reason ?? undefined, size: ended_size ?? 0 };
}

function endOfKey({ retiredAt, endedFrom, endReason, endedSize }: DeviceKeyRow): TrustEnd | undefined {
  if (retiredAt === undefined) return undefined;
  return { from: endedFrom ?? retiredAt, reason: endReason, size: endedSize ?? 0 };
}
