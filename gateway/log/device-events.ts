/**
 * Changes of the registry. Each is a statement of the log operator in the log, and takes effect in the transaction that
 * appends it: no device sends before its enrolment is a leaf, and every change can be proven later like any reading.
 */
import { equalBytes } from '../../src/bytes.ts';
import { keyId, type PublicKey } from '../../src/cose/key.ts';
import { type LogStatement, signLogStatement } from '../../src/log-statement.ts';
import type { Signer } from '../../src/signature.ts';
import { sha256 } from '../crypto/hash.ts';
import { randomCti } from '../crypto/random.ts';
import type { Clock, Logger } from '../ports.ts';
import type { DeviceRow, RegistryStore } from '../store/registry-store.ts';
import type { Committer } from './committer.ts';
import { type DeviceRequest, describeRequest, parseDeviceRequest } from './device-requests.ts';
import type { EntryBook } from './entries.ts';
import type { Keyring } from './keyring.ts';

const REQUESTS_AT_ONCE = 256;

export interface DeviceEventParts {
  readonly origin: string;
  readonly signer: Signer;
  readonly committer: Committer;
  readonly book: EntryBook;
  readonly keys: Keyring;
  readonly registry: RegistryStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onDeviceChanged: (urn: string) => void;
}

type DeviceEvent = LogStatement & { kind: 'device-event' };

interface WaitingRequest {
  readonly id: number;
  readonly request: string;
}

/** Carries out waiting requests. The only writer of the registry. */
export class DeviceEvents {
  readonly #parts: DeviceEventParts;
  #running: Promise<void> | undefined;

  constructor(parts: DeviceEventParts) {
    this.#parts = parts;
  }

  /** Carries out everything that waits; a call while one is under way joins it. */
  process(): Promise<void> {
    this.#running ??= this.#processAll().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #processAll(): Promise<void> {
    const { registry } = this.#parts;
    for (let waiting = registry.waitingRequests(REQUESTS_AT_ONCE); waiting.length > 0; ) {
      const queues = [...Map.groupBy(waiting, deviceNamed).values()];
      await Promise.all(queues.map((queue) => this.#carryOutInOrder(queue)));
      waiting = registry.waitingRequests(REQUESTS_AT_ONCE);
    }
  }

  /** The requests of one device one after another: what a request means depends on the one before. */
  async #carryOutInOrder(queue: readonly WaitingRequest[]): Promise<void> {
    for (const { id, request } of queue) await this.#carryOut(id, request);
  }

  async #carryOut(id: number, text: string): Promise<void> {
    const { committer, registry, logger, onDeviceChanged } = this.#parts;
    let request: DeviceRequest;
    try {
      request = parseDeviceRequest(text);
    } catch (error) {
      const outcome = error instanceof Error ? error.message : 'unreadable';
      await committer.run(() => registry.settleRequest(id, outcome));
      return;
    }
    const events = await this.#signEvents(request);
    const refusal = await committer.run(() => {
      const why = this.#refusal(request);
      if (why === undefined) this.#apply(request, events);
      registry.settleRequest(id, why ?? '');
      return why;
    });
    logger.info(
      { request: describeRequest(request), ...(refusal === undefined ? {} : { refusal }) },
      'device request settled',
    );
    onDeviceChanged(request.device);
  }

  async #signEvents(request: DeviceRequest): Promise<Uint8Array[]> {
    const { origin, signer, clock } = this.#parts;
    const time = Math.floor(clock.now() / 1000);
    const sign = async (event: DeviceEvent['event'], key?: PublicKey): Promise<Uint8Array> => {
      const statement: DeviceEvent = {
        kind: 'device-event',
        origin,
        event,
        device: request.device,
        time,
        cti: randomCti(),
        ...(key === undefined ? {} : { key }),
      };
      return signLogStatement(statement, signer);
    };
    if (request.action === 'retire-key')
      return Promise.all(this.#keysToRetire(request).map((key) => sign('retire-key', key)));
    return [await sign(request.action, 'key' in request ? request.key : undefined)];
  }

  #keysToRetire(request: DeviceRequest & { action: 'retire-key' }): PublicKey[] {
    const { registry } = this.#parts;
    const device = registry.device(request.device);
    const keys = device === undefined ? [] : registry.keys(device.id);
    const { kid } = request;
    return keys
      .filter((row) => row.retiredAt === undefined && (kid === undefined || equalBytes(row.kid, kid)))
      .map((row) => row.key);
  }

  /** Why a request cannot be carried out, seen inside the transaction. */
  #refusal(request: DeviceRequest): string | undefined {
    const { registry, keys } = this.#parts;
    const device = registry.device(request.device);
    if (request.action === 'enrol') {
      if (device !== undefined) return `${request.device} is enrolled already`;
      const owner = registry.owner(request.patient);
      return owner !== undefined && keys.keyOf(owner.id) === undefined
        ? `patient ${request.patient} has been erased`
        : undefined;
    }
    if (device === undefined) return `${request.device} is not enrolled`;
    return this.#refusalForEnrolled(request, device);
  }

  #refusalForEnrolled(request: DeviceRequest, device: DeviceRow): string | undefined {
    if (device.status === 'revoked') return `${request.device} has been revoked, for good`;
    if (this.#parts.keys.keyOf(device.owner) === undefined)
      return `the patient of ${request.device} has been erased`;
    if (request.action === 'add-key') {
      const kid = keyId(request.key);
      const known = this.#parts.registry.keys(device.id).some((row) => equalBytes(row.kid, kid));
      return known ? `${request.device} has this key already` : undefined;
    }
    if (request.action === 'retire-key' && this.#keysToRetire(request).length === 0) {
      return `${request.device} has no such key in use`;
    }
    if (request.action === 'resume' && device.status !== 'suspended')
      return `${request.device} is not suspended`;
    return undefined;
  }

  #apply(request: DeviceRequest, events: readonly Uint8Array[]): void {
    const { registry } = this.#parts;
    const now = this.#parts.clock.now();
    const device =
      request.action === 'enrol' ? this.#enrol(request, now) : (registry.device(request.device) as DeviceRow);
    if (request.action === 'add-key') registry.addKey(device.id, request.key, now);
    if (request.action === 'retire-key') {
      for (const key of this.#keysToRetire(request)) registry.retireKey(device.id, keyId(key), now);
    }
    if (request.action === 'suspend') registry.setStatus(device.id, 'suspended', now);
    if (request.action === 'resume') registry.setStatus(device.id, 'active', now);
    if (request.action === 'revoke') registry.setStatus(device.id, 'revoked', now);
    for (const bytes of events) {
      this.#parts.book.append({
        kind: 'device-event',
        bytes,
        entry: sha256(bytes),
        owner: device.owner,
        receivedAt: now,
        device: device.id,
        provider: device.provider,
      });
    }
  }

  #enrol(request: DeviceRequest & { action: 'enrol' }, now: number): DeviceRow {
    const { registry, keys } = this.#parts;
    const owner = keys.ownerNamed(request.patient);
    const id = registry.addDevice(request.device, owner, request.provider, now);
    registry.addKey(id, request.key, now);
    return registry.device(request.device) as DeviceRow;
  }
}

/** What a waiting request is about; unreadable ones, refused anyway, share one queue. */
function deviceNamed({ request }: WaitingRequest): string {
  try {
    return parseDeviceRequest(request).device;
  } catch {
    return '';
  }
}
