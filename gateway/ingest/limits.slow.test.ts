/** What a slow, silent, greedy or hostile client may take, and that the others are served meanwhile. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { BrokerBench, type BrokerBenchOptions } from '../testing/broker-bench.ts';
import {
  CONNACK,
  connectPacket,
  PINGREQ_PACKET,
  PINGRESP,
  PUBACK,
  publishPacket,
  RawMqtt,
  SUBACK,
  subscribePacket,
} from '../testing/raw-mqtt.ts';
import { Wearable } from '../testing/wearable.ts';

const REAL_TIME = { monotonic: { now: () => performance.now() } };
/** Real time, that a test may put forward. */
const sped = { ahead: 0, now: () => performance.now() + sped.ahead };
const wearable = new Wearable(1);
let bench: BrokerBench;
let bystander: Wearable;

async function start(options: BrokerBenchOptions = {}): Promise<void> {
  bench = await BrokerBench.start({ ...REAL_TIME, ...options });
  bystander = new Wearable(2);
  await bench.bench.enrol(wearable);
  await bench.bench.enrol(bystander, 'p-2');
}

afterEach(async () => {
  sped.ahead = 0;
  await bench.close();
});

const statementsOf = (device: Wearable) => `wearables/${device.urn}/statements`;

/** Another device connects, sends and is acknowledged. */
async function expectServed(): Promise<void> {
  const link = await bench.join(bystander, 'bystander');
  link.send(publishPacket(statementsOf(bystander), await bystander.next()));
  await link.receive(PUBACK);
  link.destroy();
}

/** Median and worst round trip of a bystander's statements, while something else goes on, in milliseconds. */
async function latencyWhile(work: () => Promise<void>): Promise<{ median: number; worst: number }> {
  const link = await bench.join(bystander, 'measuring');
  const times: number[] = [];
  let isDone = false;
  const working = work().finally(() => {
    isDone = true;
  });
  do {
    const bytes = await bystander.next();
    const begun = performance.now();
    link.send(publishPacket(statementsOf(bystander), bytes));
    await link.receive(PUBACK);
    times.push(performance.now() - begun);
  } while (!isDone);
  await working;
  link.destroy();
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1] as number, worst: times.at(-1) as number };
}

describe('slow', () => {
  test('a connection that never says CONNECT is closed, and one that says it byte by byte', async () => {
    await start({ limits: { connectSeconds: 0.3 } });
    const silent = await RawMqtt.open(bench.port);
    const slow = await RawMqtt.open(bench.port);
    slow.socket.setNoDelay(true);
    const packet = connectPacket({ clientId: 'c', username: wearable.urn });
    const dripping = (async () => {
      for (const byte of packet) {
        if (slow.isClosed) return;
        slow.send(Uint8Array.of(byte));
        await delay(20);
      }
    })();
    await Promise.all([silent.closed, slow.closed, dripping]);
    expect(bench.closes).toEqual(['slow-connect', 'slow-connect']);
    await expectServed();
  });

  test('hundreds that never say CONNECT keep nobody out', async () => {
    await start({ maxConnections: 1_000, limits: { pendingPerAddress: 50 }, monotonic: sped });
    const sockets: Socket[] = [];
    for (let i = 0; i < 300; i++) {
      const socket = connect(bench.port, '127.0.0.1');
      socket.on('error', () => undefined);
      sockets.push(socket);
    }
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    await vi.waitFor(() => expect(bench.closes.length).toBeGreaterThanOrEqual(250));
    expect(new Set(bench.closes)).toEqual(new Set(['address-connections']));
    sped.ahead = 4_000; // those that came first have had their time
    for (let i = 0; i < 3; i++) await expectServed();
    expect(bench.closes.filter((reason) => reason === 'slow-connect').length).toBeGreaterThanOrEqual(1);
    for (const socket of sockets) socket.destroy();
  });

  test('a packet that is begun and not finished', async () => {
    await start({ limits: { packetSeconds: 0.3 } });
    const link = await bench.join(wearable);
    link.send(publishPacket(statementsOf(wearable), new Uint8Array(2000)).subarray(0, 1000));
    const dripping = setInterval(() => link.send(Uint8Array.of(0)), 20); // never silent
    await link.closed;
    clearInterval(dripping);
    expect(bench.closes).toEqual(['slow-packet']);
    await expectServed();
  });

  test('a silent connection without a keep-alive is closed in the end; one that pings is not', async () => {
    await start({ limits: { idleSeconds: 0.4 } });
    const silent = await bench.join(wearable);
    const alive = await bench.join(bystander);
    const pinging = setInterval(() => alive.send(PINGREQ_PACKET), 50);
    await silent.closed;
    // As many answers as take twice the limit.
    for (let heard = 0; heard < 16; heard++) await alive.receive(PINGRESP);
    clearInterval(pinging);
    expect([bench.closes, alive.isClosed]).toEqual([['idle'], false]);
  });

  test('who promised a keep-alive and breaks the promise is gone after one and a half times of it', async () => {
    await start({ limits: { packetSeconds: 0.2 } }); // looks four times in that
    const begun = performance.now();
    const link = await RawMqtt.join(bench.port, { clientId: 'c', username: wearable.urn, keepalive: 1 });
    await link.closed;
    expect(performance.now() - begun).toBeGreaterThan(1_450);
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(bench.closes).toEqual(['idle']);
  });
});

describe('greedy', () => {
  test('one connection has no more messages under way than it may; the rest stay in its socket', async () => {
    const waiting: (() => void)[] = [];
    let underWay = 0;
    let most = 0;
    await start({
      limits: { inFlightMessages: 5 },
      intake: {
        submit: async (inbound) => {
          underWay += 1;
          most = Math.max(most, underWay);
          if (inbound.device === wearable.urn) await new Promise<void>((resolve) => waiting.push(resolve));
          underWay -= 1;
          return bench.bench.intake.submit(inbound);
        },
        room: () => undefined,
      },
    });
    const link = await bench.join(wearable);
    const statements = await wearable.skip(23);
    link.send(
      Buffer.concat(
        statements.map((bytes, at) => publishPacket(statementsOf(wearable), bytes, { id: at + 1 })),
      ),
    );
    await vi.waitFor(() => expect(waiting.length).toBe(5));
    await expectServed();
    expect(most).toBe(6);
    const ids: number[] = [];
    while (ids.length < 23) {
      await vi.waitFor(() => expect(waiting.length).toBeGreaterThan(0));
      waiting.shift()?.();
      ids.push((await link.receive(PUBACK)).body.readUInt16BE(0));
    }
    expect(new Set(ids).size).toBe(23);
    expect(most).toBe(6);
  });

  test('nor more bytes, though each message comes in a read of its own', async () => {
    let held = 0;
    let most = 0;
    const release = Promise.withResolvers<void>();
    await start({
      maxPacketBytes: 300_000,
      limits: { inFlightBytes: 65_536 },
      intake: {
        submit: async (inbound) => {
          held += inbound.bytes.length;
          most = Math.max(most, held);
          await release.promise;
          held -= inbound.bytes.length;
          return { kind: 'reject', code: 'malformed', detail: '' };
        },
        room: () => undefined,
      },
    });
    const link = await bench.join(wearable);
    for (let id = 1; id <= 40; id++)
      link.send(publishPacket(statementsOf(wearable), new Uint8Array(40_000), { id }));
    await vi.waitFor(() => expect(held).toBe(80_000));
    await (await bench.join(bystander)).roundTrip();
    expect(most).toBe(80_000);
    release.resolve();
    for (let i = 0; i < 40; i++) await link.receive(PUBACK);
    expect(most).toBe(80_000);
  });

  test('who sends faster than it may is read from more slowly, and loses nothing', async () => {
    await start({ limits: { messagesPerSecond: 20 } });
    const link = await bench.join(wearable);
    const statements = await wearable.skip(230);
    const begun = performance.now();
    link.send(
      Buffer.concat(
        statements.map((bytes, at) => publishPacket(statementsOf(wearable), bytes, { id: at + 1 })),
      ),
    );
    for (let i = 0; i < 230; i++) await link.receive(PUBACK);
    await link.roundTrip(); // not read before the debt is paid: thirty beyond the burst of two hundred
    expect(performance.now() - begun).toBeGreaterThan(1_000);
    expect(bench.pauses).toContain('rate');
    expect(bench.closes).toEqual([]);
  });

  test('a device with a connection too many loses its oldest', async () => {
    await start({ limits: { connectionsPerDevice: 2 } });
    const links = [];
    for (const name of ['a', 'b', 'c']) links.push(await bench.join(wearable, name));
    await links[0]?.closed;
    expect(bench.closes).toEqual(['device-connections']);
    await Promise.all(links.slice(1).map((link) => link.roundTrip()));
    await expectServed();
  });

  test('messages to a device that acknowledges none end at the bound, and go on when it does', async () => {
    await start({ limits: { inFlightMessages: 3 } });
    const link = await bench.join(wearable);
    const topic = `wearables/${wearable.urn}/requests`;
    link.send(subscribePacket([topic]));
    await link.receive(SUBACK);
    for (let i = 0; i < 10; i++) bench.broker.requestResend(wearable.urn, [{ boot: 0, from: i, to: i }]);
    await link.roundTrip();
    const heard = link.packets.filter(({ type }) => type === 3);
    expect(heard).toHaveLength(3);
    const id = heard[0]?.body.subarray(2 + topic.length, 4 + topic.length) as Buffer;
    link.send(Buffer.concat([Uint8Array.of(0x40, 2), id]));
    await link.roundTrip();
    bench.broker.requestResend(wearable.urn, [{ boot: 0, from: 77, to: 77 }]);
    await link.roundTrip();
    expect(link.packets.filter(({ type }) => type === 3)).toHaveLength(4);
  });
});

describe('hostile', () => {
  test('a thousand reconnects a second from one address: the others keep their latency', async () => {
    await start({
      maxConnections: 1_000,
      limits: { connectsPerSecondPerAddress: 50, failuresPerMinutePerAddress: 10 },
    });
    await expectServed(); // has proven itself from here
    const quiet = await latencyWhile(() => delay(500));
    const storm = await latencyWhile(async () => {
      const until = performance.now() + 1_500;
      while (performance.now() < until) {
        for (let i = 0; i < 20; i++) {
          const socket = connect(bench.port, '127.0.0.1');
          socket.on('error', () => undefined);
          socket.once('connect', () => socket.destroy());
        }
        await delay(20);
      }
    });
    const count = (reason: string) => bench.closes.filter((other) => other === reason).length;
    expect(count('broken-off')).toBeGreaterThan(50);
    expect(count('connect-rate')).toBeGreaterThan(50);
    expect(storm.median).toBeLessThan(10 * Math.max(quiet.median, 2));
    await vi.waitFor(expectServed, { timeout: 10_000, interval: 200 });
  });

  test('a device that reconnects in a loop waits longer and longer; another from its address does not', async () => {
    await start({ limits: { connectsPerMinutePerDevice: 5 } });
    const codes: (number | undefined)[] = [];
    for (let i = 0; i < 8; i++) {
      const link = await RawMqtt.open(bench.port);
      link.send(connectPacket({ clientId: 'loop', username: wearable.urn }));
      codes.push((await link.receive(CONNACK)).body[1]);
      link.destroy();
    }
    expect(codes).toEqual([0, 0, 0, 0, 0, 3, 3, 3]);
    expect(bench.closes).toEqual(['reconnect-rate', 'shut-out', 'shut-out']);
    await expectServed();
  });

  test('too many bad packets shut the address out, but not the device that has sent well from there', async () => {
    await start({ limits: { failuresPerMinutePerAddress: 3 } });
    await expectServed();
    for (let i = 0; i < 5; i++) {
      const link = await RawMqtt.open(bench.port);
      link.send(Uint8Array.of(0xf0, 0));
      await link.closed;
    }
    const stranger = await RawMqtt.open(bench.port);
    stranger.send(connectPacket({ clientId: 'c', username: wearable.urn }));
    expect((await stranger.receive(CONNACK)).body[1]).toBe(3);
    await expectServed();
  });

  test('topics by the ten thousand bytes, and filters by the hundred', async () => {
    await start();
    const big = await bench.join(wearable, 'a');
    big.send(publishPacket('x'.repeat(10_000), new Uint8Array(1)));
    await big.closed;
    bench.bench.clock.advance(600_000);
    const many = await bench.join(bystander, 'b');
    many.send(subscribePacket(Array.from({ length: 200 }, (_, at) => `wearables/${at}`)));
    await many.closed;
    expect(bench.closes).toEqual(['bad-packet', 'bad-packet']);
  });

  test('a flood of pings from a client that reads nothing takes no memory', async () => {
    await start({ limits: { messagesPerSecond: 1_000_000 } });
    const link = await bench.join(wearable);
    link.socket.pause();
    const pings = Buffer.alloc(1_000_000, PINGREQ_PACKET);
    const before = process.memoryUsage().arrayBuffers;
    let isWritable = true;
    for (let i = 0; i < 200 && isWritable; i++) isWritable = link.socket.write(pings);
    const quiet = await latencyWhile(() => delay(1_000));
    expect(quiet.median).toBeLessThan(100);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64_000_000);
    link.destroy();
  });
});
