import { statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DELIVERY_MEDIA_TYPE, DELIVERY_SEALED_MAX_BYTES } from '../src/delivery.ts';
import { type Provider, startProvider } from './provider.ts';
import { readInbox } from './readings.ts';
import {
  FakeDevice,
  KEYS,
  NOW,
  ORIGIN,
  type Posted,
  PROVIDER,
  ReceiverBench,
} from './testing/fake-gateway.ts';

let bench: ReceiverBench;
let provider: Provider;
let errors: unknown[];
beforeEach(async () => {
  bench = new ReceiverBench();
  errors = [];
  const { gateway, directory } = bench;
  provider = await startProvider(
    {
      host: '127.0.0.1',
      port: 0,
      provider: PROVIDER,
      dataDir: path.join(directory, 'data'),
      sealingKey: KEYS.privateKey,
      trust: { origin: ORIGIN, logKey: gateway.logSigner.publicKey.bytes, pinned: new Map() },
      webhookKeys: [gateway.webhookSigner.publicKey.bytes],
    },
    { now: () => NOW, onError: (error) => errors.push(error) },
  );
});
afterEach(async () => {
  await provider.close();
  bench.close();
});

async function posted(): Promise<Posted> {
  const device = new FakeDevice('a');
  const entries = [await bench.gateway.enrol(device), bench.gateway.add(await device.state())];
  return bench.gateway.post(bench.gateway.statements(entries));
}

function send({ headers, body }: Posted, more: RequestInit = {}): Promise<Response> {
  return fetch(provider.url, {
    method: 'POST',
    headers: {
      'content-type': DELIVERY_MEDIA_TYPE,
      'webhook-id': headers.id,
      'webhook-timestamp': headers.timestamp,
      'webhook-signature': headers.signature,
    },
    body: new Uint8Array(body),
    ...more,
  });
}

describe('the server', () => {
  it('stores a delivery and says so, in files only its user can read', async () => {
    const response = await send(await posted());
    expect([response.status, await response.json()]).toEqual([
      200,
      { code: 'stored', detail: '2 stored, 0 known, 0 refused' },
    ]);
    expect(readInbox(provider.inbox)).toHaveLength(1);
    const data = path.join(bench.directory, 'data');
    expect([data, path.join(data, 'inbox.db')].map((file) => statSync(file).mode & 0o077)).toEqual([0, 0]);
  });

  it('turns away what is no delivery', async () => {
    const good = await posted();
    expect((await send(good, { method: 'PUT' })).status).toBe(405);
    expect((await send(good, { headers: { 'content-type': 'application/json' } })).status).toBe(415);
    expect((await send(good, { headers: { 'content-type': DELIVERY_MEDIA_TYPE } })).status).toBe(401);
    expect((await fetch(new URL('/', provider.url), { method: 'POST', body: 'x' })).status).toBe(404);
    expect((await fetch(new URL('/health', provider.url))).status).toBe(200);
    expect(provider.inbox.counts().statements).toBe(0);
  });

  it('answers 413 to a body over the limit, announced or not, and goes on', async () => {
    const good = await posted();
    const large = new Uint8Array(DELIVERY_SEALED_MAX_BYTES + 1);
    expect((await send({ ...good, body: large })).status).toBe(413);
    const streamed = new ReadableStream({
      start(controller) {
        controller.enqueue(large);
        controller.close();
      },
    });
    expect((await send(good, { body: streamed, duplex: 'half' } as RequestInit)).status).toBe(413);
    expect((await send(good)).status).toBe(200);
  });

  it('takes any number of deliveries, one after another', async () => {
    const good = await posted();
    for (let i = 0; i < 20; i++) expect((await send(good)).status).toBe(200);
  });

  it('outlives a sender that breaks off', async () => {
    const { hostname, port } = new URL(provider.url);
    const socket = net.connect(Number(port), hostname);
    socket.write(
      `POST /deliveries HTTP/1.1\r\nhost: x\r\ncontent-type: ${DELIVERY_MEDIA_TYPE}\r\ncontent-length: 100\r\n\r\nabc`,
    );
    await new Promise<void>((resolve) => socket.write('', () => resolve()));
    socket.resetAndDestroy();
    expect((await send(await posted())).status).toBe(200);
    expect(errors).toEqual([]);
  });

  it('answers 503 with Retry-After while the store fails, so that the gateway sends again', async () => {
    const good = await posted();
    provider.inbox.close();
    const response = await send(good);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    expect((await fetch(new URL('/health', provider.url))).status).toBe(503);
    expect(errors).toHaveLength(1);
  });

  it('says which address is taken', async () => {
    const port = Number(new URL(provider.url).port);
    const config = {
      host: '127.0.0.1',
      port,
      provider: PROVIDER,
      dataDir: path.join(bench.directory, 'other'),
      sealingKey: KEYS.privateKey,
    };
    const trust = { origin: ORIGIN, logKey: new Uint8Array(32), pinned: new Map() };
    await expect(startProvider({ ...config, trust, webhookKeys: [] })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});
