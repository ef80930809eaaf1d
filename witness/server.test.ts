import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WITNESS_MESSAGE_MAX_BYTES } from '../src/tlog-witness.ts';
import { RateLimit } from './rate-limit.ts';
import { WitnessServer, type WitnessServerOptions } from './server.ts';

const TEXT = 'text/plain; charset=utf-8';
let server: WitnessServer;

afterEach(() => server.close());

async function start(options: Partial<WitnessServerOptions> = {}): Promise<void> {
  server = new WitnessServer({
    host: '127.0.0.1',
    port: 0,
    requestsPerMinute: 1000,
    addCheckpoint: async (body) => ({ status: 200, contentType: TEXT, body }),
    onFailure: () => undefined,
    ...options,
  });
  await server.listen();
}

const post = (body: string, path = '/add-checkpoint') =>
  fetch(`${server.url}${path}`, { method: 'POST', body });

test('hands the body over and the answer back', async () => {
  await start();
  const response = await post('old 0\n\nö');
  expect([response.status, await response.text()]).toEqual([200, 'old 0\n\nö']);
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});

test('knows one path and one method', async () => {
  await start();
  expect((await post('', '/add-entry')).status).toBe(404);
  expect((await fetch(`${server.url}/add-checkpoint`)).status).toBe(405);
});

test('takes nothing that is too long, whether or not it is announced', async () => {
  await start();
  expect((await post('x'.repeat(WITNESS_MESSAGE_MAX_BYTES))).status).toBe(200);
  expect((await post('x'.repeat(WITNESS_MESSAGE_MAX_BYTES + 1))).status).toBe(413);
  const { port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write('POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ntransfer-encoding: chunked\r\n\r\n');
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  for (let sent = 0; sent <= WITNESS_MESSAGE_MAX_BYTES; sent += 0x4000) socket.write(chunk);
  const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  socket.destroy();
});

test('refuses more than its share of requests', async () => {
  await start({ requestsPerMinute: 2 });
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await post('')).status);
  expect(statuses).toEqual([200, 200, 429, 429]);
});

test('counts for each address, and starts afresh each minute', async () => {
  await start();
  let now = 0;
  const rate = new RateLimit(1, () => now);
  expect(['a', 'a', 'b'].map((address) => rate.allow(address))).toEqual([true, false, true]);
  now = 60_000;
  expect(rate.allow('a')).toBe(true);
});

test('gives no cosignature once its state has failed', async () => {
  const failures: unknown[] = [];
  let calls = 0;
  await start({
    addCheckpoint: async (body) => {
      calls += 1;
      if (calls === 1) throw new Error('SQLITE_IOERR');
      return { status: 200, contentType: TEXT, body };
    },
    onFailure: (error) => failures.push(error),
  });
  expect((await post('a')).status).toBe(500);
  expect((await post('b')).status).toBe(500);
  expect([calls, failures]).toEqual([1, [new Error('SQLITE_IOERR')]]);
});
