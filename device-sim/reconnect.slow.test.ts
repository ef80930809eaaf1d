/** When a device comes back to a broker that sends it away, and to one that it had a good connection to. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Device } from './device.ts';
import { TestBroker } from './testing/broker.ts';

/** The first pause between two attempts is a second at most. */
const LONGER_THAN_A_PAUSE_MS = 2_500;

it.each([
  ['before its first connection is begun', () => Promise.resolve()],
  ['while its first connection is opening', () => new Promise(setImmediate)],
])('connects no more once it is closed, even %s', async (_, moment) => {
  const folder = await mkdtemp(join(tmpdir(), 'reconnect-'));
  const device = await Device.open({
    folder,
    fresh: () => ({
      urn: 'urn:dev:mac:0024befffe804ff2',
      algorithm: 'Ed25519',
      secretKey: new Uint8Array(32).fill(8),
    }),
    onEvent: () => undefined,
  });
  const port = await unusedPort();
  device.connect({ url: `mqtt://127.0.0.1:${port}` });
  await moment();
  await device.close();
  let attempts = 0;
  const server = createServer(() => {
    attempts += 1;
  }).listen(port, '127.0.0.1');
  await delay(LONGER_THAN_A_PAUSE_MS);
  server.close();
  expect(attempts).toBe(0);
  await rm(folder, { recursive: true });
});

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

it('waits longer after each connection that nothing came of, and little after a good one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reconnect-'));
  let again = Promise.withResolvers<void>();
  const device = await Device.open({
    folder,
    fresh: () => ({
      urn: 'urn:dev:mac:0024befffe804ff1',
      algorithm: 'Ed25519',
      secretKey: new Uint8Array(32).fill(7),
    }),
    onEvent: ({ kind }) => {
      if (kind === 'connected') again.resolve();
    },
  });
  const attempts: number[] = [];
  const refusing = createServer((socket) => {
    attempts.push(performance.now());
    socket.destroy();
    refusing.emit('attempt');
  });
  refusing.listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  const { port } = refusing.address() as AddressInfo;
  device.connect({ url: `mqtt://127.0.0.1:${port}` });
  while (attempts.length < 4) await once(refusing, 'attempt');
  const pauses = attempts.slice(1).map((at, i) => at - (attempts[i] as number));
  expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
  const longest = pauses.at(-1) as number;
  await new Promise((resolve) => refusing.close(resolve));

  const broker = await TestBroker.start(undefined, port);
  await device.record({ subject: 'x', contentType: 0, payload: Uint8Array.of(1) });
  await device.drained();
  again = Promise.withResolvers();
  const cutAt = performance.now();
  broker.cut();
  await again.promise;
  expect(performance.now() - cutAt).toBeLessThan(longest);
  await device.close();
  await broker.stop();
  await rm(folder, { recursive: true });
});
