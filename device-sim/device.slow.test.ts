import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesToHex, equalBytes } from '../src/bytes.ts';
import { encodeCbor } from '../src/cbor.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { verifySignature } from '../src/signature.ts';
import { decodeStatement, hashEntry, type Statement } from '../src/statement.ts';
import { Device, type Reading } from './device.ts';
import type { DeviceEvent } from './device-event.ts';
import { acksTopic, BEACON_TOPIC, requestsTopic, statementsTopic } from './link.ts';
import { acknowledgedBy } from './state/device-store.ts';
import { TestBroker } from './testing/broker.ts';

const URN = 'urn:dev:mac:0024befffe804ff1';
const SECRET = new Uint8Array(32).fill(7);

let folder: string;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'device-'));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await rm(folder, { recursive: true, force: true });
});

async function open(
  onEvent?: (event: DeviceEvent) => void,
  algorithm: Algorithm = 'Ed25519',
): Promise<Device> {
  const fresh = () => ({ urn: URN, algorithm, secretKey: SECRET });
  const device = await Device.open({ folder, fresh, ...(onEvent && { onEvent }) });
  cleanups.push(() => device.close().catch(() => undefined));
  return device;
}

async function startBroker(...args: Parameters<typeof TestBroker.start>): Promise<TestBroker> {
  const broker = await TestBroker.start(...args);
  cleanups.push(() => broker.stop());
  return broker;
}

const reading = (n: number): Reading => ({
  subject: 'vitals',
  payload: encodeCbor([
    new Map<number, string | number>([
      [0, 'hr'],
      [2, 60 + n],
    ]),
  ]), // prettier-ignore
  issuedAt: 1_700_000_000 + n,
});

function statements(broker: TestBroker): Statement[] {
  return broker.received
    .filter((message) => message.topic === statementsTopic(URN))
    .map((message) => {
      const decoded = decodeStatement(message.bytes);
      if (decoded.kind === 'reject') throw new Error(decoded.detail);
      return decoded.value;
    });
}

/** Resolves with the first event that fits. */
function nextEvent(): {
  listener: (event: DeviceEvent) => void;
  wait: (kind: DeviceEvent['kind']) => Promise<DeviceEvent>;
} {
  const seen: DeviceEvent[] = [];
  let check: () => void = () => undefined;
  return {
    listener: (event) => {
      seen.push(event);
      check();
    },
    wait: (kind) =>
      new Promise((resolve) => {
        check = () => {
          const at = seen.findIndex((event) => event.kind === kind);
          const [event] = at < 0 ? [] : seen.splice(at, 1);
          if (event) resolve(event);
        };
        check();
      }),
  };
}

describe('a device', () => {
  it.each(['Ed25519', 'ESP256', 'ES256K'] as const)(
    'signs a chain of statements with %s',
    async (algorithm) => {
      const broker = await startBroker();
      const device = await open(undefined, algorithm);
      device.connect({ url: broker.url });
      await Promise.all([0, 1, 2, 3].map((n) => device.record(reading(n))));
      await device.drained();
      const received = statements(broker);
      expect(received.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
      for (const [i, statement] of received.entries()) {
        expect(statement.issuer).toBe(URN);
        expect(statement.issuedAt).toBe(1_700_000_000 + i);
        expect(
          verifySignature(algorithm, device.publicKey.bytes, statement.signedBytes, statement.signature),
        ).toBe(true);
        const before = received[i - 1];
        expect(statement.prev).toEqual(before && hashEntry(before.bytes));
      }
      expect(broker.received[0]?.client).toBe(URN);
    },
  );

  it('keeps what it records offline, in order, and sends it when there is a broker', async () => {
    const device = await open();
    for (let n = 0; n < 300; n++) await device.record(reading(n));
    expect(device.pending).toBe(300);
    const broker = await startBroker();
    device.connect({ url: broker.url });
    await device.drained();
    expect(statements(broker).map(({ seq }) => seq)).toEqual(Array.from({ length: 300 }, (_, i) => i));
    expect(await acknowledgedBy(folder)).toHaveLength(300);
  });

  it('goes on after a restart where it was, with the same bytes', async () => {
    const first = await open();
    for (let n = 0; n < 5; n++) await first.record(reading(n));
    const written = await Promise.all([0, 1, 2, 3, 4].map((seq) => first.store.read({ boot: 0, seq })));
    await first.close();
    const second = await open();
    expect([second.boot, second.nextSeq, second.pending]).toEqual([0, 5, 5]);
    const broker = await startBroker();
    second.connect({ url: broker.url });
    await second.record(reading(5));
    await second.drained();
    const received = statements(broker);
    expect(received.slice(0, 5).map(({ bytes }) => bytes)).toEqual(written);
    expect(received[5]?.prev).toEqual(hashEntry(received[4]?.bytes ?? new Uint8Array()));
  });

  it('sends again, byte for byte, what a broker did not acknowledge', async () => {
    let refusals = 5;
    const attempts: string[] = [];
    const broker = await startBroker(({ bytes }) => {
      attempts.push(bytesToHex(hashEntry(bytes)));
      if (refusals-- > 0) throw new Error('not now');
    });
    const device = await open();
    for (let n = 0; n < 3; n++) await device.record(reading(n));
    device.connect({ url: broker.url });
    await device.drained();
    expect(new Set(attempts).size).toBe(3);
    expect(attempts.length).toBeGreaterThanOrEqual(3 + 1);
    expect(new Set(statements(broker).map(({ seq }) => seq))).toEqual(new Set([0, 1, 2]));
  });

  it('survives cut connections', async () => {
    const broker = await startBroker();
    const device = await open();
    device.connect({ url: broker.url });
    for (let n = 0; n < 4; n++) {
      for (let i = 0; i < 10; i++) await device.record(reading(10 * n + i));
      broker.cut();
    }
    await device.drained();
    const seqs = statements(broker).map(({ seq }) => seq);
    expect(new Set(seqs).size).toBe(40);
  });

  it('takes nothing for acknowledged that was under way when it was closed', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const broker = await startBroker(() => held);
    const events = nextEvent();
    const first = await open(events.listener);
    first.connect({ url: broker.url });
    await first.record(reading(0));
    await events.wait('sent');
    await first.close();
    release();
    expect(await acknowledgedBy(folder)).toEqual([]);
    const second = await open();
    second.connect({ url: broker.url });
    await second.drained();
    expect(await acknowledgedBy(folder)).toEqual([{ boot: 0, seq: 0 }]);
  });

  it('sends ranges again on request, and only what it has', async () => {
    const broker = await startBroker();
    const events = nextEvent();
    const device = await open(events.listener);
    device.connect({ url: broker.url });
    for (let n = 0; n < 6; n++) await device.record(reading(n));
    await device.drained();
    await broker.publish(
      requestsTopic(URN),
      encodeCbor(
        new Map([
          [
            'resend',
            [[0, 1, 2], [4, 5], [9, 0, 7], [0, 3], [0, 5, Number.MAX_SAFE_INTEGER], 'x', [2, 1], [-1, 3]],
          ],
        ]),
      ), // prettier-ignore
    );
    await events.wait('resend-requested');
    await broker.until((received) => received.length >= 6 + 6);
    await device.drained();
    const again = statements(broker).slice(6);
    // [4, 5] and [0, 3] without a boot mean the present one.
    expect(again.map(({ seq }) => seq).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    for (const { seq, bytes } of again) {
      const original = await device.store.read({ boot: 0, seq });
      expect(original && equalBytes(original, bytes)).toBe(true);
    }
  });

  it('hears verdicts and signs the last beacon into later statements', async () => {
    const broker = await startBroker();
    const blockHash = new Uint8Array(32).fill(9);
    await broker.publish(BEACON_TOPIC, encodeCbor([77, blockHash, 1_700_000_000]), { qos: 1, retain: true });
    const events = nextEvent();
    const device = await open(events.listener);
    await device.record(reading(0));
    device.connect({ url: broker.url });
    await events.wait('beacon');
    await device.record(reading(1));
    await device.drained();
    expect(statements(broker).map(({ beacon }) => beacon)).toEqual([
      undefined,
      { blockNumber: 77n, blockHash },
    ]);
    for (const noise of [Uint8Array.of(0xff), encodeCbor(7), encodeCbor(new Map([['seq', 1]]))]) {
      await broker.publish(acksTopic(URN), noise);
      await broker.publish(BEACON_TOPIC, noise);
      await broker.publish(requestsTopic(URN), noise);
    }
    await broker.publish(
      acksTopic(URN),
      encodeCbor(
        new Map<string, string | number>([
          ['seq', 1],
          ['boot', 0],
          ['verdict', 'accept'],
          ['index', 12],
        ]),
      ), // prettier-ignore
    );
    expect(await events.wait('answer')).toEqual({
      kind: 'answer',
      verdict: 'accept',
      seq: 1,
      boot: 0,
      index: 12,
      flags: [],
    });
  });

  it('refuses a second process, or itself, on one folder', async () => {
    await open();
    await expect(open()).rejects.toThrow('in use by this process');
  });
});
