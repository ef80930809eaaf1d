/** An intake without room: nothing is read from any socket, nobody is dropped for it, and all go on in turn. */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BrokerBench } from '../testing/broker-bench.ts';
import {
  CONNACK,
  connectPacket,
  PINGREQ_PACKET,
  PINGRESP,
  PUBACK,
  publishPacket,
  type RawConnect,
  RawMqtt,
} from '../testing/raw-mqtt.ts';
import { Wearable } from '../testing/wearable.ts';
import type { BrokerLimits } from './limits.ts';

let bench: BrokerBench;
/** How many more messages the intake has room for. */
let room: number;
let opened: PromiseWithResolvers<void>;
/** Devices of the messages taken, in order. */
let taken: string[];

function makeRoom(messages: number): void {
  room = messages;
  const before = opened;
  opened = Promise.withResolvers();
  before.resolve();
}

beforeEach(() => start());

async function start(limits: Partial<BrokerLimits> = {}): Promise<void> {
  room = 0;
  taken = [];
  opened = Promise.withResolvers();
  bench = await BrokerBench.start({
    monotonic: { now: () => performance.now() },
    limits: { connectionsPerDevice: 100, ...limits },
    intake: {
      submit: async ({ device }) => {
        room -= 1;
        taken.push(device);
        return { kind: 'ignore', code: 'duplicate', index: 0 };
      },
      room: () => (room > 0 ? undefined : opened.promise),
    },
  });
}

afterEach(() => bench.close());

const urnOf = (number: number) => new Wearable(number).urn;
const messageOf = (urn: string, id = 1, bytes = 100) =>
  publishPacket(`wearables/${urn}/statements`, new Uint8Array(bytes), { id });

/** Joins while there is room, then takes the room away. */
async function joinAll(numbers: readonly number[], fields: Partial<RawConnect> = {}): Promise<RawMqtt[]> {
  makeRoom(1);
  const links: RawMqtt[] = [];
  for (const number of numbers)
    links.push(await RawMqtt.join(bench.port, { clientId: `${number}`, username: urnOf(number), ...fields }));
  room = 0;
  return links;
}

test('nothing is read while there is no room, and every message is taken once there is', async () => {
  const numbers = Array.from({ length: 20 }, (_, at) => at + 1);
  const links = await joinAll(numbers);
  links.forEach((link, at) => {
    link.send(messageOf(urnOf(at + 1)));
  });
  await vi.waitFor(() => expect(bench.broker.waiting).toBe(20));
  await delay(100);
  expect([taken, links.flatMap(({ packets }) => packets)]).toEqual([[], []]);
  expect(bench.pauses).toContain('no-room');
  makeRoom(1_000);
  await Promise.all(links.map((link) => link.receive(PUBACK)));
  expect([...taken].sort()).toEqual(numbers.map(urnOf).sort());
});

test('who is not read from is not taken for gone: not for its silence, its pings, nor half a packet', async () => {
  await bench.close();
  await start({ idleSeconds: 1, packetSeconds: 1 });
  const [silent, pinging] = (await joinAll([1, 2], { keepalive: 1 })) as [RawMqtt, RawMqtt];
  const [half] = (await joinAll([3])) as [RawMqtt];
  pinging.send(PINGREQ_PACKET);
  silent.send(messageOf(urnOf(1)));
  half.send(messageOf(urnOf(3)).subarray(0, 20));
  await delay(3_500); // more than any of the limits, and than the keep-alive
  expect([bench.closes, pinging.packets]).toEqual([[], []]);
  makeRoom(10);
  half.send(messageOf(urnOf(3)).subarray(20));
  await Promise.all([pinging.receive(PINGRESP), silent.receive(PUBACK), half.receive(PUBACK)]);
});

test('a device may connect while there is no room, and waits with what it has to send', async () => {
  const link = await RawMqtt.open(bench.port);
  const message = messageOf(urnOf(7));
  link.send(Buffer.concat([connectPacket({ clientId: 'c', username: urnOf(7) }), message]));
  expect((await link.receive(CONNACK)).body[1]).toBe(0);
  await vi.waitFor(() => expect(bench.broker.waiting).toBe(1));
  expect(taken).toEqual([]);
  makeRoom(1);
  await link.receive(PUBACK);
});

test('a sender that has filled its socket takes no memory beyond it', async () => {
  const [link] = (await joinAll([1])) as [RawMqtt];
  const message = messageOf(urnOf(1), 1, 15_000);
  const before = process.memoryUsage().arrayBuffers;
  let sent = 0;
  while (sent < 2_000 && link.socket.write(message)) sent += 1;
  const more = Array.from({ length: 500 }, () => link.socket.write(message));
  expect(more).toContain(false);
  await delay(300);
  expect(link.socket.writableLength).toBeGreaterThan(2_000_000); // it has not been taken off its sender
  const own = link.socket.writableLength;
  expect(process.memoryUsage().arrayBuffers - before - own).toBeLessThan(8_000_000);
  expect(taken).toEqual([]);
  link.destroy();
});

test('room comes in turn: a flood has no more of it than one message at a time', async () => {
  const [flood, ...others] = (await joinAll([1, 2, 3, 4, 5])) as [RawMqtt, ...RawMqtt[]];
  for (let i = 0; i < 50; i++) {
    flood.send(Buffer.concat(Array.from({ length: 8 }, (_, at) => messageOf(urnOf(1), at + 1, 15_000))));
  }
  await delay(50);
  others.forEach((link, at) => {
    for (let id = 1; id <= 3; id++) link.send(messageOf(urnOf(at + 2), id));
  });
  const acknowledged = Promise.all(
    others.map(async (link) => {
      for (let id = 1; id <= 3; id++) await link.receive(PUBACK);
    }),
  );
  let turns = 0;
  let isDone = false;
  acknowledged.then(() => {
    isDone = true;
  });
  while (!isDone && turns < 200) {
    turns += 1;
    makeRoom(1);
    await delay(5);
  }
  await acknowledged;
  // Five readers, each with one read in its turn: whoever has three small messages has them read in one.
  expect(turns).toBeLessThanOrEqual(20);
  flood.destroy();
});

test('a connection closed while it waits is forgotten, and its end is seen after what it sent', async () => {
  const [gone, ending] = (await joinAll([1, 2])) as [RawMqtt, RawMqtt];
  gone.send(messageOf(urnOf(1)));
  ending.send(messageOf(urnOf(2)));
  ending.socket.end();
  await vi.waitFor(() => expect(bench.broker.waiting).toBe(2));
  gone.socket.resetAndDestroy();
  await vi.waitFor(() => expect(bench.broker.waiting).toBe(1));
  makeRoom(10);
  await ending.closed;
  expect(taken).toEqual([urnOf(2)]);
});
