/** A device behind a broker that is not the gateway: what lets it forget, and what does not. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type CborValue, encodeCbor } from '../src/cbor.ts';
import { decodeStatement, hashEntry } from '../src/statement.ts';
import { Device } from './device.ts';
import { acksTopic, statementsTopic } from './link.ts';
import { acknowledgedBy } from './state/device-store.ts';
import { TestBroker } from './testing/broker.ts';

const URN = 'urn:dev:mac:0024befffe804ff1';
const NEVER_MS = 600_000;

let folder: string;
let broker: TestBroker;
let device: Device;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'device-'));
  broker = await TestBroker.start();
});

afterEach(async () => {
  await device.close();
  await broker.stop();
  await rm(folder, { recursive: true, force: true });
});

async function open(answerWithinMs: number): Promise<void> {
  device = await Device.open({
    folder,
    fresh: () => ({ urn: URN, algorithm: 'Ed25519', secretKey: new Uint8Array(32).fill(7) }),
    keepUntil: 'gateway',
    answerWithinMs,
  });
  device.connect({ url: broker.url });
}

async function record(): Promise<Uint8Array> {
  const number = await device.record({ subject: 'x', contentType: 0, payload: Uint8Array.of(1) });
  return (await device.store.read(number)) ?? new Uint8Array();
}

function answer(fields: Readonly<Record<string, CborValue>>): Promise<void> {
  return broker.publish(acksTopic(URN), encodeCbor(new Map(Object.entries(fields))), { qos: 0 });
}

/** How often each statement came, by its number. */
function timesReceived(): number[] {
  const times: number[] = [];
  for (const { topic, bytes } of broker.received) {
    const decoded = decodeStatement(bytes);
    if (topic !== statementsTopic(URN) || decoded.kind === 'reject') continue;
    times[decoded.value.seq] = (times[decoded.value.seq] ?? 0) + 1;
  }
  return times;
}

const eventually = (probe: () => void | Promise<void>) =>
  vi.waitFor(probe, { timeout: 20_000, interval: 10 });

it('keeps what a broker has acknowledged until the gateway has', async () => {
  await open(NEVER_MS);
  await record();
  await record();
  await eventually(() => expect(timesReceived()).toEqual([1, 1]));
  await answer({ verdict: 'accept', boot: 0, seq: 1, index: 5 });
  await eventually(() => expect(device.pending).toBe(1));
  expect(await acknowledgedBy(folder)).toEqual([{ boot: 0, seq: 1 }]);
  await answer({ verdict: 'ignore', code: 'duplicate', boot: 0, seq: 0, index: 4 });
  await device.drained();
  expect(timesReceived()).toEqual([1, 1]);
});

it('sends again what has no answer, in pauses that double', async () => {
  const begun = performance.now();
  await open(100);
  await record();
  await eventually(() => expect(timesReceived()).toEqual([4]));
  expect(performance.now() - begun).toBeGreaterThan(100 + 200 + 400);
  await answer({ verdict: 'ignore', code: 'duplicate', boot: 0, seq: 0, index: 4 });
  await device.drained();
});

it('believes a refusal only of its own bytes: anyone can be refused under its number', async () => {
  await open(NEVER_MS);
  const entry = hashEntry(await record()).subarray(0, 8);
  await eventually(() => expect(timesReceived()).toEqual([1]));
  const refusal = { verdict: 'reject', code: 'bad-signature', boot: 0, seq: 0 };
  await answer(refusal);
  await answer({ ...refusal, entry: new Uint8Array(8) });
  await answer({ ...refusal, entry: entry.subarray(0, 1) });
  await answer({ ...refusal, entry: new Uint8Array() });
  await record();
  await answer({ verdict: 'accept', boot: 0, seq: 1, index: 5 });
  await eventually(() => expect(device.pending).toBe(1));
  expect(await acknowledgedBy(folder)).toEqual([{ boot: 0, seq: 1 }]);
  await answer({ ...refusal, entry });
  await device.drained();
});

it('takes an answer that overtakes the broker’s own', async () => {
  await broker.stop();
  broker = await TestBroker.start(() => answer({ verdict: 'accept', boot: 0, seq: 0, index: 5 }));
  await open(NEVER_MS);
  await record();
  await device.drained();
  expect(await acknowledgedBy(folder)).toEqual([{ boot: 0, seq: 0 }]);
});

it('ignores an answer to what it never said', async () => {
  await open(NEVER_MS);
  await record();
  await eventually(() => expect(timesReceived()).toEqual([1]));
  await answer({ verdict: 'accept', boot: 0, seq: 7, index: 5 });
  await answer({ verdict: 'accept', boot: 3, seq: 0, index: 6 });
  await answer({ verdict: 'accept', boot: 0, seq: 0, index: 4 });
  await device.drained();
  expect(await acknowledgedBy(folder)).toEqual([{ boot: 0, seq: 0 }]);
});

it('after a restart sends again what only the broker had acknowledged', async () => {
  await open(NEVER_MS);
  await record();
  await eventually(() => expect(timesReceived()).toEqual([1]));
  await device.close();
  await open(NEVER_MS);
  await eventually(() => expect(timesReceived()).toEqual([2]));
});
