/** When a device comes back to a broker that sends it away, and to one that it had a good connection to. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Device } from './device.ts';
import { TestBroker } from './testing/broker.ts';

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
