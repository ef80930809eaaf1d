/** A device under crash test: it sends calmly or as fast as it can, and writes down what the gateway promised it. */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeCbor } from '../../../src/cbor.ts';
import type { Algorithm } from '../../../src/cose/algorithm.ts';
import { createSigner } from '../../../src/signature.ts';
import { entryOf } from '../each-once.ts';
import { Sender } from '../sender.ts';

const IN_FLIGHT = 8;
const CALM_PAUSE_MS = 200;

/** What a device may rely on: this statement is in the log; and where, if it was told. */
export interface Promised {
  readonly device: string;
  readonly seq: number;
  readonly entry: string;
  readonly index: number | undefined;
}

export class CrashDevice {
  readonly sender: Sender;
  readonly #record: string;
  readonly #entries: string[] = [];
  readonly #indexes = new Map<number, number>();
  #hurrying = false;
  #stopping = false;
  #signing: Promise<unknown> = Promise.resolve();
  #workers: Promise<void>[] = [];

  /** @param record file of the device's own record: a line for each acknowledgement */
  constructor(number: number, algorithm: Algorithm, record: string) {
    const urn = `urn:dev:mac:0024befffe${number.toString(16).padStart(6, '0')}`;
    const secret = new Uint8Array(32).fill(7);
    new DataView(secret.buffer).setUint32(0, number);
    this.sender = new Sender(urn, createSigner(algorithm, secret));
    this.#record = record;
  }

  async connect(url: string): Promise<void> {
    await this.sender.connect(url);
    await this.sender.listen(`wearables/${this.sender.urn}/acks`, (payload) => this.#hear(payload));
    this.#stopping = false;
    this.#workers = Array.from({ length: IN_FLIGHT }, (_, at) => this.#work(at === 0));
    for (const worker of this.#workers) worker.catch(() => undefined); // `stop` tells; a run that fails disconnects first
  }

  /** As fast as it can, several statements in flight; or now and then one. */
  set hurrying(hurrying: boolean) {
    this.#hurrying = hurrying;
  }

  /** Resolves once everything signed has been acknowledged. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#workers);
  }

  /** Goes offline for good, whatever is under way. */
  async close(): Promise<void> {
    this.#stopping = true;
    await this.sender.disconnect();
  }

  /** Everything promised so far. */
  promised(): Promised[] {
    const { urn, acknowledged } = this.sender;
    return [...acknowledged].map((seq) => ({
      device: urn,
      seq,
      entry: this.#entries[seq] ?? '',
      index: this.#indexes.get(seq),
    }));
  }

  async #work(alsoCalm: boolean): Promise<void> {
    while (!this.#stopping) {
      if (!this.#hurrying) await delay(CALM_PAUSE_MS);
      if (this.#stopping || (!alsoCalm && !this.#hurrying)) continue;
      const signed = this.#signing.then(() => this.sender.sign()); // one after another: each names the one before
      this.#signing = signed;
      const seq = await signed;
      this.#entries[seq] = entryOf(this.sender.statements[seq] ?? new Uint8Array());
      await this.sender.publish(seq);
      appendFileSync(this.#record, `${seq} ${this.#entries[seq]} ${this.#indexes.get(seq) ?? ''}\n`);
    }
  }

  /** The acks topic says where the statement lies. It may come late or never: then only the PUBACK counts. */
  #hear(payload: Uint8Array): void {
    const answer = decodeCbor(payload);
    if (!(answer instanceof Map)) return;
    const [seq, index] = [answer.get('seq'), answer.get('index')];
    if (typeof seq === 'number' && typeof index === 'number') this.#indexes.set(seq, index);
  }
}
