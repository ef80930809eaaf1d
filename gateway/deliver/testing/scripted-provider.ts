/** A provider over real HTTP whose answers a test writes down beforehand. It opens what it takes. */
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import {
  DELIVERY_INFO,
  DELIVERY_MEDIA_TYPE,
  type Delivery,
  decodeDelivery,
  deliveryAad,
} from '../../../src/delivery.ts';
import { createSigner } from '../../../src/signature.ts';
import { findWebhookFault } from '../../../src/webhook.ts';
import { ORIGIN, seed } from './fake-log.ts';

const SUITE = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

export const WEBHOOK_SIGNER = createSigner('Ed25519', seed('webhook key'));

/** `take` answers 204; a number or an object is the answer; the others never give one. */
export type Script =
  | 'take'
  | 'reset'
  | 'hang'
  /** Takes it, then breaks the connection before the answer is out. */
  | 'take-and-reset'
  | number
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };

export interface SeenRequest {
  readonly id: string;
  readonly delivery: Delivery;
}

export class ScriptedProvider {
  readonly id: string;
  /** Answers for the next requests; when it is empty everything is taken. */
  readonly script: Script[] = [];
  /** Every request that came whole. */
  readonly requests: SeenRequest[] = [];
  /** Those it took, so those a real provider would have on disk. */
  readonly taken: SeenRequest[] = [];
  /** Seconds by which requests are judged fresh. */
  nowSeconds = (): number => Date.now() / 1000;
  #onRequest: () => void = () => {};
  readonly #keys: CryptoKeyPair;
  readonly #server = http.createServer((request, response) => void this.#answer(request, response));
  readonly #sockets = new Set<Socket>();
  sealingKey: Uint8Array = new Uint8Array();

  private constructor(id: string, keys: CryptoKeyPair) {
    this.id = id;
    this.#keys = keys;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(id: string): Promise<ScriptedProvider> {
    const provider = new ScriptedProvider(id, await SUITE.kem.deriveKeyPair(seed(`provider ${id}`)));
    provider.sealingKey = new Uint8Array(await SUITE.kem.serializePublicKey(provider.#keys.publicKey));
    await new Promise<void>((resolve) => provider.#server.listen(0, '127.0.0.1', resolve));
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/deliveries`;
  }

  /** Indices of the entries taken, in the order they were taken, repetitions and all. */
  indices(kind: Delivery['kind'] = 'statements'): number[] {
    return this.taken
      .filter(({ delivery }) => delivery.kind === kind)
      .flatMap(({ delivery }) => delivery.entries.map(({ index }) => index));
  }

  /** Resolves when the next request has come whole. */
  async nextRequest(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onRequest = resolve;
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const step = this.script.shift() ?? 'take';
    const seen = await this.#read(request);
    this.requests.push(seen);
    if (step === 'take' || step === 'take-and-reset') this.taken.push(seen);
    this.#onRequest();
    if (step === 'hang') return;
    if (step === 'reset' || step === 'take-and-reset') {
      request.socket.resetAndDestroy();
      return;
    }
    const { status, headers, body } =
      typeof step === 'object' ? step : { status: step === 'take' ? 204 : step, headers: {}, body: '' };
    response.writeHead(status, headers);
    response.end(body);
  }

  async #read(request: http.IncomingMessage): Promise<SeenRequest> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const body = new Uint8Array(Buffer.concat(chunks));
    const header = (name: string) => String(request.headers[name]);
    const headers = {
      id: header('webhook-id'),
      timestamp: header('webhook-timestamp'),
      signature: header('webhook-signature'),
    };
    const fault = findWebhookFault(headers, body, {
      publicKeys: [WEBHOOK_SIGNER.publicKey.bytes],
      nowSeconds: Math.floor(this.nowSeconds()),
    });
    if (fault !== undefined || header('content-type') !== DELIVERY_MEDIA_TYPE)
      throw new Error(`bad request: ${fault}`);
    const aad = deliveryAad({ origin: ORIGIN, provider: this.id, batch: headers.id });
    const params = { recipientKey: this.#keys.privateKey, enc: body.slice(0, 32), info: DELIVERY_INFO };
    const delivery = decodeDelivery(new Uint8Array(await SUITE.open(params, body.slice(32), aad)));
    if (delivery.kind === 'reject') throw new Error(delivery.detail);
    return { id: headers.id, delivery: delivery.value };
  }
}
