/** A log and its final anchors for tests: real statements, real tree, real signatures, kept in memory. */
import { createHash } from 'node:crypto';
import { signCheckpoint } from '../../../src/checkpoint.ts';
import type { Algorithm } from '../../../src/cose/algorithm.ts';
import { type LogStatement, signLogStatement } from '../../../src/log-statement.ts';
import { Frontier } from '../../../src/merkle/frontier.ts';
import { hashLeaf } from '../../../src/merkle/hash.ts';
import { proveMany } from '../../../src/merkle/multiproof.ts';
import { inBlock } from '../../../src/receipt/testing/event-block.ts';
import { createSigner, type Signer } from '../../../src/signature.ts';
import { hashEntry, signStatement } from '../../../src/statement.ts';
import type { Checkpoint, LogEntry } from '../../ports.ts';
import type { DeliveryAnchor, DeliveryAnchors, DeliveryLog } from '../batching.ts';

export const ORIGIN = 'gateway.example/log';
export const START = Date.UTC(2030, 0, 1);

/** 32 bytes that depend on `text` alone: keys and hashes that are the same in every run. */
export function seed(text: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(text).digest());
}

/** What an appended entry may say beside its bytes. */
export type EntryOptions = Partial<Pick<LogEntry, 'flags' | 'patient' | 'receivedAt' | 'provider'>>;

/** Fails the test when it is asked for what a deliverer must not ask for. */
export class FakeLog implements DeliveryLog {
  readonly signer = createSigner('Ed25519', seed('log key'));
  readonly entries: LogEntry[] = [];
  readonly #checkpoints = new Map<number, Checkpoint>();
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #frontier = new Frontier();
  readonly #listeners = new Set<() => void>();

  append(bytes: Uint8Array, kind: LogEntry['kind'], options: EntryOptions = {}, device?: string): number {
    const index = this.entries.length;
    const entry = hashEntry(bytes);
    this.entries.push({
      index,
      entry,
      kind,
      receivedAt: START,
      flags: [],
      bytes,
      ...(device === undefined ? {} : { device }),
      ...(kind === 'heartbeat' ? {} : { provider: 'clinic' }),
      ...options,
    });
    this.#frontier.append(hashLeaf(entry), (level, at, hash) => this.#nodes.set(`${level}/${at}`, hash));
    for (const listener of this.#listeners) listener();
    return index;
  }

  async event(
    event: Omit<LogStatement & { kind: 'device-event' }, 'kind' | 'origin' | 'time' | 'cti'>,
    options?: EntryOptions,
  ) {
    const cti = seed(`cti ${this.entries.length}`).slice(0, 16);
    const statement = { kind: 'device-event' as const, origin: ORIGIN, time: 0, cti, ...event };
    return this.append(await signLogStatement(statement, this.signer), 'device-event', options, event.device);
  }

  /** Erasure: the leaf stays, the bytes go. */
  erase(index: number): void {
    const { bytes: _, ...rest } = this.entries[index] as LogEntry;
    this.entries[index] = rest;
  }

  /** Appends a heartbeat and signs the checkpoint over it. */
  async seal(): Promise<Checkpoint> {
    const cti = seed(`cti ${this.entries.length}`).slice(0, 16);
    const heartbeat = { kind: 'heartbeat' as const, origin: ORIGIN, time: 0, cti };
    this.append(await signLogStatement(heartbeat, this.signer), 'heartbeat');
    const size = this.entries.length;
    const root = this.#frontier.root();
    const note = await signCheckpoint({ origin: ORIGIN, size, root }, this.signer);
    const checkpoint = { size, root, note, sealedAt: START };
    this.#checkpoints.set(size, checkpoint);
    return checkpoint;
  }

  async readForProvider(provider: string, from: number, limit: number): Promise<LogEntry[]> {
    if (!Number.isSafeInteger(from) || from < 0 || !Number.isSafeInteger(limit) || limit < 1) {
      throw new Error(`readForProvider(${from}, ${limit})`);
    }
    return this.entries
      .slice(from)
      .filter((entry) => entry.provider === provider)
      .slice(0, limit);
  }

  async checkpointAt(size: number): Promise<Checkpoint | undefined> {
    return this.#checkpoints.get(size);
  }

  async multiproof(indices: readonly number[], size: number): Promise<Uint8Array[]> {
    return proveMany(this.#read, indices, size);
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readonly #read = (level: number, index: number): Uint8Array => {
    const node = this.#nodes.get(`${level}/${index}`);
    if (node === undefined) throw new Error(`subtree ${level}/${index} is not complete`);
    return node;
  };
}

/** The anchorer's store and events, as far as the deliverer sees them. */
export class FakeAnchors implements DeliveryAnchors {
  readonly #records: DeliveryAnchor[] = [];
  readonly #listeners = new Set<() => void>();

  finalize({ size, root }: Checkpoint): DeliveryAnchor {
    const transactionHash = seed(`transaction ${size}`);
    const record: DeliveryAnchor = {
      size,
      transactionHash,
      state: 'final',
      anchor: inBlock({
        chainId: 31_337n,
        contract: seed('contract').slice(0, 20),
        logId: seed('log id'),
        size,
        root,
        transactionHash,
        blockNumber: BigInt(size),
        blockHash: seed(`block ${size}`),
        blockTime: START / 1000,
      }),
    };
    this.#records.push(record);
    for (const listener of this.#listeners) listener();
    return record;
  }

  /** The chain takes an anchor back that it had called final. */
  undo({ transactionHash, size }: DeliveryAnchor): void {
    const at = this.#records.findIndex((record) => record.size === size);
    this.#records[at] = { transactionHash, size, state: 'lost' };
  }

  async newest(): Promise<DeliveryAnchor | undefined> {
    return this.#records.findLast(({ state }) => state === 'final');
  }

  async byTransaction(hash: Uint8Array): Promise<DeliveryAnchor | undefined> {
    return this.#records.find((record) => Buffer.compare(record.transactionHash, hash) === 0);
  }

  onFinal(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** A device that signs statements one after another. */
export class FakeDevice {
  readonly urn: string;
  readonly signer: Signer;
  #seq = 0;
  #prev: Uint8Array | undefined;

  constructor(name: string, algorithm: Algorithm = 'Ed25519') {
    this.urn = `urn:dev:ow:${Buffer.from(seed(name)).toString('hex', 0, 8)}`;
    this.signer = createSigner(algorithm, seed(`device ${name}`));
  }

  async state(payload: Uint8Array = seed(`payload ${this.#seq}`)): Promise<Uint8Array> {
    const fields = { issuer: this.urn, subject: 'vitals', contentType: 42, seq: this.#seq, payload };
    const bytes = await signStatement({ ...fields, ...(this.#prev && { prev: this.#prev }) }, this.signer);
    this.#seq += 1;
    this.#prev = hashEntry(bytes);
    return bytes;
  }
}

/** A log with an enrolled device and `count` statements of it for `provider`. */
export async function fillLog(
  log: FakeLog,
  device: FakeDevice,
  count: number,
  options: EntryOptions = {},
): Promise<void> {
  const known = log.entries.some((entry) => entry.kind === 'device-event' && entry.device === device.urn);
  if (!known) await log.event({ event: 'enrol', device: device.urn, key: device.signer.publicKey }, options);
  for (let i = 0; i < count; i++) {
    log.append(await device.state(), 'statement', { patient: 'p-1', ...options }, device.urn);
  }
}
