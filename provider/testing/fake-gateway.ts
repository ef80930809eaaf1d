/** A gateway for the provider's tests: signs, proves, seals and posts, and does it wrong on request. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { concatBytes } from '../../src/bytes.ts';
import { signCheckpoint } from '../../src/checkpoint.ts';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import {
  DELIVERY_INFO,
  type DeliveredEntry,
  type Delivery,
  deliveryAad,
  encodeDelivery,
  type ReceiptsDelivery,
  type StatementsDelivery,
} from '../../src/delivery.ts';
import { type LogStatement, signLogStatement } from '../../src/log-statement.ts';
import { Frontier } from '../../src/merkle/frontier.ts';
import { hashLeaf } from '../../src/merkle/hash.ts';
import { proveMany } from '../../src/merkle/multiproof.ts';
import { createSigner, type Signer } from '../../src/signature.ts';
import { hashEntry, signStatement } from '../../src/statement.ts';
import { signWebhook, type WebhookHeaders } from '../../src/webhook.ts';
import { openInboxDatabase } from '../database.ts';
import { Inbox } from '../inbox.ts';
import { generateProviderKeys } from '../keys.ts';
import { createOpener } from '../open.ts';
import { Receiver } from '../receiver.ts';

const SUITE = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});
export const ORIGIN = 'gateway.example/log';
export const PROVIDER = 'clinic-a';
export const NOW = Date.UTC(2030, 0, 1);
export const KEYS = generateProviderKeys();

/** 32 bytes that depend on `text` alone. */
export function seed(text: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(text).digest());
}

export interface Posted {
  readonly headers: WebhookHeaders;
  readonly body: Uint8Array;
}

type EventFields = Omit<LogStatement & { kind: 'device-event' }, 'kind' | 'origin' | 'time' | 'cti'>;

/** A device: `state` signs its next statement. */
export class FakeDevice {
  readonly urn: string;
  readonly signer: Signer;
  #seq = 0;
  #prev: Uint8Array | undefined;

  constructor(name: string, algorithm: Algorithm = 'Ed25519', urn?: string) {
    this.urn = urn ?? `urn:dev:ow:${Buffer.from(seed(name)).toString('hex', 0, 8)}`;
    this.signer = createSigner(algorithm, seed(`device ${name}`));
  }

  async state(
    payload: Uint8Array = Uint8Array.of(this.#seq),
    contentType: number | string = 42,
  ): Promise<Uint8Array> {
    const fields = { issuer: this.urn, subject: 'vitals', contentType, seq: this.#seq, payload };
    const bytes = await signStatement({ ...fields, ...(this.#prev && { prev: this.#prev }) }, this.signer);
    this.#seq += 1;
    this.#prev = hashEntry(bytes);
    return bytes;
  }
}

/** Its log is in memory; what it delivers is real. */
export class FakeGateway {
  readonly logSigner = createSigner('Ed25519', seed('log key'));
  readonly webhookSigner = createSigner('Ed25519', seed('webhook key'));
  readonly entries: DeliveredEntry[] = [];
  #batches = 0;

  add(
    bytes: Uint8Array,
    kind: DeliveredEntry['kind'] = 'statement',
    more: Partial<DeliveredEntry> = {},
  ): DeliveredEntry {
    const index = this.entries.length;
    const entry = { index, receivedAt: NOW, flags: [], patient: 'p-1', kind, bytes, ...more };
    this.entries.push(entry);
    return entry;
  }

  async event(event: EventFields, signer = this.logSigner, origin = ORIGIN): Promise<DeliveredEntry> {
    const cti = seed(`cti ${this.entries.length}`).slice(0, 16);
    const bytes = await signLogStatement({ kind: 'device-event', origin, time: 0, cti, ...event }, signer);
    return this.add(bytes, 'device-event');
  }

  async enrol(device: FakeDevice): Promise<DeliveredEntry> {
    return this.event({ event: 'enrol', device: device.urn, key: device.signer.publicKey });
  }

  statements(entries: readonly DeliveredEntry[], more: Partial<StatementsDelivery> = {}): StatementsDelivery {
    const batch = `dlv_${++this.#batches}`;
    return {
      kind: 'statements',
      origin: ORIGIN,
      provider: PROVIDER,
      batch,
      mode: 'live',
      entries,
      erased: [],
      ...more,
    };
  }

  /** Proofs for `entries` in the log as it is now. */
  async receipts(
    entries: readonly DeliveredEntry[],
    more: Partial<ReceiptsDelivery> = {},
  ): Promise<ReceiptsDelivery> {
    const nodes = new Map<string, Uint8Array>();
    const frontier = new Frontier();
    for (const { bytes } of this.entries) {
      frontier.append(hashLeaf(hashEntry(bytes)), (level, at, hash) => nodes.set(`${level}/${at}`, hash));
    }
    const [size, root] = [this.entries.length, frontier.root()];
    const read = (level: number, at: number) => nodes.get(`${level}/${at}`) as Uint8Array;
    return {
      kind: 'receipts',
      origin: ORIGIN,
      provider: PROVIDER,
      batch: `dlv_${++this.#batches}`,
      checkpoint: await signCheckpoint({ origin: ORIGIN, size, root }, this.logSigner),
      entries: entries.map(({ index, bytes }) => ({ index, entry: hashEntry(bytes) })),
      proof: proveMany(
        read,
        entries.map(({ index }) => index),
        size,
      ),
      anchor: {
        chainId: 31_337n,
        contract: seed('contract').slice(0, 20),
        logId: seed('log id'),
        size,
        root,
        transactionHash: seed('transaction'),
        blockNumber: 7n,
        blockHash: seed('block'),
        blockTime: NOW / 1000,
      },
      ...more,
    };
  }

  /** Seals and signs; `recipient` and `aad` wrong on request. */
  async post(
    delivery: Delivery,
    wrong: { recipient?: Uint8Array; aad?: Uint8Array; signer?: Signer; at?: number } = {},
  ): Promise<Posted> {
    const recipientPublicKey = await SUITE.kem.deserializePublicKey(wrong.recipient ?? KEYS.publicKey);
    const aad = wrong.aad ?? deliveryAad(delivery);
    const { enc, ct } = await SUITE.seal(
      { recipientPublicKey, info: DELIVERY_INFO },
      encodeDelivery(delivery),
      aad,
    );
    return this.sign(delivery.batch, concatBytes(new Uint8Array(enc), new Uint8Array(ct)), wrong);
  }

  async sign(
    id: string,
    body: Uint8Array,
    { signer = this.webhookSigner, at = NOW }: { signer?: Signer; at?: number } = {},
  ): Promise<Posted> {
    return { headers: await signWebhook(id, Math.floor(at / 1000), body, [signer]), body };
  }
}

/** A receiver over a real file that survives being made anew. */
export class ReceiverBench {
  readonly gateway = new FakeGateway();
  readonly directory = mkdtempSync(path.join(tmpdir(), 'provider-'));
  readonly clock = { time: NOW };
  readonly pinned = new Map<string, FakeDevice['signer']['publicKey'][]>();
  inbox = new Inbox(openInboxDatabase(this.directory));
  #receiver: Receiver | undefined;

  async receive({ headers, body }: Posted) {
    this.#receiver ??= new Receiver({
      inbox: this.inbox,
      open: await createOpener(KEYS.privateKey),
      provider: PROVIDER,
      trust: { origin: ORIGIN, logKey: this.gateway.logSigner.publicKey.bytes, pinned: this.pinned },
      webhookKeys: [this.gateway.webhookSigner.publicKey.bytes],
      now: () => this.clock.time,
    });
    return this.#receiver.receive(headers, body);
  }

  async deliver(delivery: Delivery) {
    return this.receive(await this.gateway.post(delivery));
  }

  restart(): void {
    this.inbox.close();
    this.inbox = new Inbox(openInboxDatabase(this.directory));
    this.#receiver = undefined;
  }

  close(): void {
    this.inbox.close();
    rmSync(this.directory, { recursive: true });
  }
}
