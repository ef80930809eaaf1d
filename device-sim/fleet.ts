/** Many devices against one broker: honest ones that wear a source of frames, and hostile ones that misbehave once. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bytesToHex } from '../src/bytes.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import type { PublicKey } from '../src/cose/key.ts';
import { Device } from './device.ts';
import type { DeviceEvent } from './device-event.ts';
import { encodeFrame, type Frame } from './frame.ts';
import type { LinkSecurity } from './link.ts';
import { decodeAnswer } from './messages.ts';
import { MISBEHAVIOURS, type Misbehaviour } from './misbehaviour.ts';
import { type OneShotOutcome, publishOnce } from './mqtt-link.ts';
import { createRandom } from './random.ts';
import type { DeviceIdentity } from './state/device-store.ts';

/** Where frames come from. */
export interface Source {
  readonly name: string;
  /** Frames in the order of their ends, for a device that was put on at `startedAt` (Unix seconds). */
  readonly frames: (startedAt: number) => Iterable<Frame>;
  /** How far back the device was put on: its stored readings come at `speed`, then it follows the clock. */
  readonly historySeconds: number;
}

export interface FleetOptions {
  /** One folder per device is made in it. */
  readonly stateFolder: string;
  readonly devices: number;
  /** Dealt out in turn. */
  readonly algorithms: readonly Algorithm[];
  /** Dealt out in turn. */
  readonly sources: readonly Source[];
  /** Only frames of these subjects; all when empty. */
  readonly subjects: readonly string[];
  /** Names of misbehaviours; each gets a device of its own. */
  readonly misbehave: readonly string[];
  /** Makes names, keys and behaviour repeat. Without it keys are truly random. */
  readonly seed?: string;
  /** Marks every pack as test data. */
  readonly testData: boolean;
  /** How many seconds of stored readings pass in one; Infinity sends them as fast as they are acknowledged. */
  readonly speed: number;
  /** The most statements one device records. */
  readonly limit: number;
  readonly oversizeBytes: number;
  /** Whose word lets the devices forget; see DeviceOptions. */
  readonly keepUntil?: 'broker' | 'gateway';
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly onEvent: (event: FleetEvent) => void;
  /** Certificates and tokens; none by default. */
  readonly security?: LinkSecurity;
}

export type FleetEvent = { readonly urn: string } & (
  | DeviceEvent
  | { readonly kind: 'finished' }
  | { readonly kind: 'misbehaved'; readonly result: MisbehaviourResult }
);

/** How a misbehaviour was taken. */
export interface MisbehaviourResult {
  readonly name: string;
  readonly expectedCode: string;
  readonly outcome: OneShotOutcome['kind'];
  /** The code heard on the acks topic, if one was. */
  readonly code?: string;
  /** Whether broker and gateway did as they should, as far as the device can see. */
  readonly asExpected: boolean;
}

/** What must be known to enrol a device. */
export interface Member {
  readonly urn: string;
  readonly publicKey: PublicKey;
  readonly folder: string;
  /** What it wears, or how it misbehaves. */
  readonly role: string;
  readonly mustBeEnrolled: boolean;
}

// A hostile device has to have a past before it can replay it.
const HONEST_STATEMENTS = 3;
// Recording runs ahead of the broker by no more than this, so that a fleet at full speed stays small in memory.
const MAX_PENDING = 256;

/** The devices, opened: their names and keys can be enrolled before anything is sent. */
export class Fleet {
  readonly members: readonly Member[];
  readonly #options: FleetOptions;
  readonly #devices: readonly Device[];

  private constructor(options: FleetOptions, devices: readonly Device[], members: readonly Member[]) {
    this.#options = options;
    this.#devices = devices;
    this.members = members;
  }

  /** Opens every device, new or as it was left. Throws RangeError for an unknown misbehaviour or nothing to wear. */
  static async open(options: FleetOptions): Promise<Fleet> {
    const unknown = options.misbehave.find((name) => !MISBEHAVIOURS.has(name));
    if (unknown !== undefined) {
      throw new RangeError(
        `misbehave: unknown ${unknown}; known are ${[...MISBEHAVIOURS.keys()].join(', ')}`,
      );
    }
    if (options.sources.length === 0) throw new RangeError('sources: none');
    if (options.algorithms.length === 0) throw new RangeError('algorithms: none');
    const devices: Device[] = [];
    const members: Member[] = [];
    for (let i = 0; i < options.devices + options.misbehave.length; i++) {
      const misbehaviour = options.misbehave[i - options.devices];
      const name = misbehaviour ?? `device-${i}`;
      const folder = join(options.stateFolder, name);
      const onEvent = (event: DeviceEvent) => {
        const urn = devices[i]?.urn;
        if (urn !== undefined) options.onEvent({ ...event, urn });
      };
      const device = await Device.open({
        ...{ folder, fresh: () => newIdentity(options, name, i), onEvent },
        ...(options.keepUntil !== undefined && { keepUntil: options.keepUntil }),
      });
      devices.push(device);
      members.push({
        urn: device.urn,
        publicKey: device.publicKey,
        folder,
        role: misbehaviour ?? sourceOf(options, i).name,
        mustBeEnrolled: misbehaviour === undefined || MISBEHAVIOURS.get(misbehaviour)?.isEnrolled === true,
      });
    }
    return new Fleet(options, devices, members);
  }

  /** Statements stored and not acknowledged, in all devices. */
  get pending(): number {
    return this.#devices.reduce((sum, device) => sum + device.pending, 0);
  }

  /** Runs until every source ends, every device has reached its limit, or `signal` says stop; then returns. */
  async run(url: string, signal: AbortSignal): Promise<void> {
    const { devices, misbehave } = this.#options;
    if (signal.aborted) return;
    const runs = this.#devices.map(async (device, i) => {
      const name = misbehave[i - devices];
      const misbehaviour = name === undefined ? undefined : MISBEHAVIOURS.get(name);
      if (misbehaviour) await this.#misbehave(device, i, misbehaviour, url, signal);
      else await this.#wear(device, i, url, signal);
      this.#options.onEvent({ kind: 'finished', urn: device.urn });
    });
    await Promise.all(runs.map((run) => run.catch((error: unknown) => unlessAborted(error, signal))));
  }

  /** Waits until every outbox is empty, or until `signal` says that it has waited enough. */
  async drained(signal: AbortSignal): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    const all = Promise.all(this.#devices.map((device) => device.drained()));
    await Promise.race([all, stopped]);
    all.catch(() => undefined); // closing ends the wait of those that are left
  }

  /** Closes every device; what was not acknowledged stays in its outbox. */
  async close(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.close()));
  }

  async #wear(device: Device, index: number, url: string, signal: AbortSignal): Promise<void> {
    device.connect({ url, ...this.#options.security });
    const { speed, limit, now } = this.#options;
    const begun = now();
    const { startedAt, frames } = this.#frames(index);
    let recorded = 0;
    for (const frame of frames) {
      if (recorded >= limit) return;
      const sinceBegun = now() - begun;
      // Stored readings come at `speed`; nobody measures the future.
      const wait = Math.max(frame.end / speed - sinceBegun, startedAt + frame.end - now());
      if (wait > 0) await delay(wait * 1000, undefined, { signal });
      else signal.throwIfAborted();
      await this.#record(device, frame, startedAt);
      recorded += 1;
      if (device.pending >= MAX_PENDING && !Number.isFinite(speed))
        await untilAborted(device.drained(), signal);
    }
  }

  async #misbehave(
    device: Device,
    index: number,
    misbehaviour: Misbehaviour,
    url: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (misbehaviour.isEnrolled) {
      device.connect({ url, ...this.#options.security });
      const { startedAt, frames } = this.#frames(index);
      let recorded = 0;
      for (const frame of frames) {
        await this.#record(device, frame, startedAt);
        recorded += 1;
        if (recorded === HONEST_STATEMENTS) break;
      }
      await untilAborted(device.drained(), signal);
      await device.disconnect();
    }
    const { topic, bytes } = await misbehaviour.make({
      urn: device.urn,
      signer: device.store.signer,
      boot: device.boot,
      nextSeq: device.nextSeq,
      read: (number) => device.store.read(number),
      otherUrn: this.members.find(({ urn }) => urn !== device.urn)?.urn ?? newUrn('nobody'),
      oversizeBytes: this.#options.oversizeBytes,
      random: createRandom(`${this.#options.seed ?? 'misbehaviour'} ${misbehaviour.name}`),
    });
    const { tls, token } = this.#options.security ?? {};
    const link = {
      url,
      urn: device.urn,
      ...(tls !== undefined && { tls }),
      ...(token !== undefined && { password: device.passwords(token) }),
    };
    const { kind, answers } = await untilAborted(publishOnce(link, topic, bytes), signal);
    const code = answers.map((answer) => decodeAnswer(answer)?.code).find((heard) => heard !== undefined);
    const closed = kind !== 'acknowledged';
    const asExpected =
      closed === misbehaviour.closesSocket && (code === undefined || code === misbehaviour.code);
    const result = { name: misbehaviour.name, expectedCode: misbehaviour.code, outcome: kind, asExpected };
    this.#options.onEvent({
      kind: 'misbehaved',
      urn: device.urn,
      result: { ...result, ...(code !== undefined && { code }) },
    });
  }

  #frames(index: number): { startedAt: number; frames: Iterable<Frame> } {
    const { subjects, now } = this.#options;
    const source = sourceOf(this.#options, index);
    const startedAt = Math.floor(now() - source.historySeconds);
    return { startedAt, frames: only(source.frames(startedAt), subjects) };
  }

  async #record(device: Device, frame: Frame, startedAt: number): Promise<void> {
    const payload = encodeFrame(frame, startedAt, this.#options.testData);
    await device.record({ subject: frame.subject, payload, issuedAt: startedAt + frame.end });
  }
}

function sourceOf({ sources }: FleetOptions, index: number): Source {
  const source = sources[index % sources.length];
  if (source === undefined) throw new RangeError('sources: none');
  return source;
}

function newIdentity({ seed, algorithms }: FleetOptions, name: string, index: number): DeviceIdentity {
  const algorithm = algorithms[index % algorithms.length] ?? 'Ed25519';
  if (seed === undefined)
    return { urn: newUrn(bytesToHex(randomBytes(16))), algorithm, secretKey: newKey(randomBytes(32)) };
  const random = createRandom(`${seed} ${name}`);
  return { urn: newUrn(`${seed} ${name}`), algorithm, secretKey: newKey(random.bytes(32)) };
}

/** A locally administered EUI-64, which no maker ever gives out: 02 in front. */
function newUrn(seed: string): string {
  return `urn:dev:mac:02${bytesToHex(createRandom(`urn ${seed}`).bytes(7))}`;
}

/** Any 32 bytes are an Ed25519 seed; a first byte below ff makes them a scalar of both curves too. */
function newKey(bytes: Uint8Array): Uint8Array {
  const key = Uint8Array.from(bytes);
  key[0] = (key[0] ?? 0) & 0x7f;
  return key;
}

function* only(frames: Iterable<Frame>, subjects: readonly string[]): Generator<Frame> {
  for (const frame of frames) if (subjects.length === 0 || subjects.includes(frame.subject)) yield frame;
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function unlessAborted(error: unknown, signal: AbortSignal): void {
  if (!signal.aborted) throw error;
}
