/** Connections that take each other over, or break off at any moment: none is left behind in the broker library. */
import { Aedes } from 'aedes';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BrokerBench } from '../testing/broker-bench.ts';
import {
  connectPacket,
  PUBACK,
  publishPacket,
  RawMqtt,
  SUBACK,
  subscribePacket,
} from '../testing/raw-mqtt.ts';
import { Wearable } from '../testing/wearable.ts';

let bench: BrokerBench;
const wearable = new Wearable(1);

beforeEach(async () => {
  bench = await BrokerBench.start({
    maxConnections: 10_000,
    limits: {
      connectionsPerDevice: 100,
      connectsPerMinutePerDevice: 1_000_000,
      connectsPerSecondPerAddress: 1_000_000,
      failuresPerMinutePerAddress: 1_000_000,
    },
  });
  await bench.bench.enrol(wearable);
});

afterEach(() => bench.close());

const connectTo = (clientId: string) => connectPacket({ clientId, username: wearable.urn });

test('the newest connection of a client id lives, the older one is closed', async () => {
  const first = await bench.join(wearable, 'same');
  const second = await bench.join(wearable, 'same');
  await first.closed;
  await second.roundTrip();
  expect([bench.closes, bench.connections]).toEqual([['taken-over'], 1]);
  const nameless = [1, 2].map(() => RawMqtt.join(bench.port, { clientId: '', username: wearable.urn }));
  for (const link of await Promise.all(nameless)) await link.roundTrip();
  expect(bench.connections).toBe(3);
});

test('one that takes over and breaks off while the other is still leaving is not kept for good', async () => {
  // How long leaving takes is a matter of luck in the library; here it is long enough to be met every time.
  const leave = Aedes.prototype.unsubscribe;
  const leaving: (() => void)[] = [];
  vi.spyOn(Aedes.prototype, 'unsubscribe').mockImplementation(function (this: Aedes, topic, func, done) {
    leaving.push(() => leave.call(this, topic, func, done));
  });
  const first = await bench.join(wearable, 'same');
  first.send(subscribePacket(['wearables/beacon']));
  await first.receive(SUBACK);
  const second = await RawMqtt.open(bench.port);
  second.send(connectTo(`same ${wearable.urn}`));
  await vi.waitFor(() => expect(leaving).toHaveLength(1));
  second.socket.resetAndDestroy();
  await second.closed;
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (const go of leaving.splice(0)) go();
  vi.restoreAllMocks();
  await first.closed;
  await vi.waitFor(() => expect([bench.connections, bench.broker.registered]).toEqual([0, 0]));
});

test('thousands that take over and break off at any moment leave nothing behind', async () => {
  const hear = subscribePacket(['wearables/beacon', `wearables/${wearable.urn}/requests`]);
  for (let round = 0; round < 60; round++) {
    await Promise.all(
      Array.from({ length: 40 }, async (_, at) => {
        const connect = Buffer.concat([connectTo(`${round} ${at}`), hear]);
        const rivals = await Promise.all([0, 1, 2, 3].map(() => RawMqtt.open(bench.port)));
        // All want the same place; some break off while the one before, with subscriptions to be taken off a list, is leaving it.
        for (const [which, rival] of rivals.entries()) {
          rival.send(connect);
          for (let turn = 0; turn < (at + which) % 5; turn++)
            await new Promise((resolve) => setImmediate(resolve));
          if ((at >> which) % 2 === 1) rival.socket.resetAndDestroy();
        }
        for (let turn = 0; turn < at % 8; turn++) await new Promise((resolve) => setImmediate(resolve));
        for (const rival of rivals) rival.destroy();
      }),
    );
    bench.bench.clock.advance(60_000);
  }
  await vi.waitFor(() => expect(bench.connections).toBe(0), { timeout: 10_000 });
  await vi.waitFor(() => expect(bench.broker.registered).toBe(0));
  const link = await bench.join(wearable, 'same');
  link.send(publishPacket(`wearables/${wearable.urn}/statements`, await wearable.next()));
  await link.receive(PUBACK);
  expect(bench.broker.registered).toBe(1);
});
