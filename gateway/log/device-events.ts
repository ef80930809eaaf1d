/**
 * Changes of the registry. Each is a statement of the log operator in the log, and takes effect in the transaction that
 * appends it: no device sends before its enrolment is a leaf, and every change can be proven later like any reading.
 */
import { equalBytes } from '../../src/bytes.ts';
import type { PublicKey } from '../../src/cose/key.ts';
import { signLogStatement } from '../../src/log-statement.ts';
import type { Signer } from '../../src/signature.ts';
import { randomCti } from '../crypto/random.ts';
import type { Clock, Logger } from '../ports.ts';
import type { PlannedRetirement } from '../store/device-key-store.ts';
import type { QuarantineStore } from '../store/quarantine-store.ts';
import type { DeviceRow, RegistryStore } from '../store/registry-store.ts';
import type { Committer } from './committer.ts';
import { DeviceChanges, type EventFields, type SignedEvent } from './device-changes.ts';
import { type DeviceRequest, describeRequest, parseDeviceRequest } from './device-requests.ts';
import { EnrolmentBatches } from './enrolment-batches.ts';
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
  readonly quarantine: QuarantineStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onDeviceChanged: (urn: string) => void;
  readonly onFleetChanged: () => void;
}

/** A request that waits, or what is wrong with it. */
type WaitingRequest = { readonly id: number } & (
  | { readonly request: DeviceRequest }
  | { readonly problem: string }
);

/** Carries out waiting requests. With its batches the only writer of the registry. */
export class DeviceEvents {
  readonly #parts: DeviceEventParts;
  readonly #changes: DeviceChanges;
  /** Enrolments that come as files. */
  readonly batches: EnrolmentBatches;
  #running: Promise<void> | undefined;

  constructor(parts: DeviceEventParts) {
    this.#parts = parts;
    this.#changes = new DeviceChanges(parts);
    this.batches = new EnrolmentBatches({
      ...parts,
      sign: (device, fields, now) => this.#sign(device, fields, now),
    });
  }

  /**
   * Carries out everything that waits, and retires the keys whose planned time has come; a call while one is under way joins it.
   * @param dueBy the time it is, for what is planned: by default the clock's
   */
  process(dueBy = this.#parts.clock.now()): Promise<void> {
    this.#running ??= this.#processAll(dueBy).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #processAll(dueBy: number): Promise<void> {
    const { registry } = this.#parts;
    for (;;) {
      const due = registry.keys.dueRetirements(dueBy, REQUESTS_AT_ONCE);
      if (due.length === 0) break;
      for (const retirement of due) await this.#retire(retirement, dueBy);
    }
    for (;;) {
      const waiting = registry.requests.waiting(REQUESTS_AT_ONCE).map(read);
      if (waiting.length === 0) return;
      const queues = [...Map.groupBy(waiting, deviceNamed).values()];
      await Promise.all(queues.map((queue) => this.#carryOutInOrder(queue)));
    }
  }

  /** The requests of one device one after another: what a request means depends on the one before. */
  async #carryOutInOrder(queue: readonly WaitingRequest[]): Promise<void> {
    for (const waiting of queue) await this.#carryOut(waiting);
  }

  async #carryOut(waiting: WaitingRequest): Promise<void> {
    const { committer, registry, logger, clock, onDeviceChanged } = this.#parts;
    if ('problem' in waiting) {
      await committer.run(() => registry.requests.settle(waiting.id, waiting.problem));
      return;
    }
    const { id, request } = waiting;
    const now = clock.now();
    const events: SignedEvent[] = [];
    for (const fields of this.#changes.events(request, now))
      events.push({ ...fields, bytes: await this.#sign(request.device, fields, now) });
    const refusal = await committer.run(() => {
      const why = this.#changes.refusal(request, now);
      if (why === undefined) this.#changes.apply(request, events, now);
      registry.requests.settle(id, why ?? '');
      return why;
    });
    logger.info(
      { request: describeRequest(request), ...(refusal === undefined ? {} : { refusal }) },
      'device request settled',
    );
    onDeviceChanged(request.device);
  }

  /** A planned retirement whose time has come. That of a device that is revoked or erased by now is dropped. */
  async #retire({ device: urn, kid }: PlannedRetirement, dueBy: number): Promise<void> {
    const { committer, registry, keys, logger, clock, onDeviceChanged } = this.#parts;
    const now = Math.max(clock.now(), dueBy); // a clock that went back since does not make it early
    const device = registry.device(urn) as DeviceRow;
    const row = registry.keys.of(device.id).find((key) => equalBytes(key.kid, kid));
    const from = Math.floor((row?.endedFrom ?? now) / 1000);
    const fields = {
      event: 'retire-key',
      key: row?.key as PublicKey,
      ...(from < Math.floor(now / 1000) ? { effective: from } : {}),
      ...(row?.endReason === undefined ? {} : { reason: row.endReason }),
    } as const;
    const event = { ...fields, bytes: await this.#sign(urn, fields, now) };
    const isRetired = await committer.run(() => {
      const current = registry.device(urn) as DeviceRow;
      const isGone = current.status === 'revoked' || keys.keyOf(current.owner) === undefined;
      if (isGone) registry.keys.planRetirement(current.id, kid);
      return !isGone && this.#changes.retireDue(current, event, now);
    });
    logger.info({ device: urn, retired: isRetired }, 'planned retirement of a key settled');
    onDeviceChanged(urn);
  }

  async #sign(device: string, fields: EventFields, now: number): Promise<Uint8Array> {
    const { origin, signer } = this.#parts;
    const time = Math.floor(now / 1000);
    return signLogStatement(
      { kind: 'device-event', origin, device, time, cti: randomCti(), ...fields },
      signer,
    );
  }
}

function read({ id, request }: { id: number; request: string }): WaitingRequest {
  try {
    return { id, request: parseDeviceRequest(request) };
  } catch (error) {
    return { id, problem: error instanceof Error ? error.message : 'unreadable' };
  }
}

/** What a waiting request is about; unreadable ones, refused anyway, share one queue. */
function deviceNamed(waiting: WaitingRequest): string {
  return 'request' in waiting ? waiting.request.device : '';
}
