/** A suspended device behind real mosquitto that has more held back than is kept: what it, the broker and others see. */
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../../src/cbor.ts';
import { endPrograms } from '../../../test/support/command.ts';
import { missingNote } from '../../../test/support/installed.ts';
import { Mosquitto } from '../../../test/support/mosquitto.ts';
import { LogBench } from '../../testing/log-bench.ts';
import { Wearable } from '../../testing/wearable.ts';
import { ExternalBroker } from './external-broker.ts';

const note = missingNote(['mosquitto']);
/** Statements of one device that quarantine keeps. */
const KEPT = 2;
const SENT = 5;

let bench: LogBench;
let mosquitto: Mosquitto;
let broker: ExternalBroker;
let client: MqttClient;
let answers: { device: string; seq: number; outcome: string }[];
const [suspended, other] = [new Wearable(1), new Wearable(2)];

const eventually = (probe: () => void) => vi.waitFor(probe, { timeout: 20_000, interval: 20 });
const publish = (device: Wearable, bytes: Uint8Array) =>
  client.publishAsync(`wearables/${device.urn}/statements`, Buffer.from(bytes), { qos: 1 });
const answersTo = (device: Wearable) => answers.filter((answer) => answer.device === device.urn);

beforeEach(async () => {
  if (note !== '') return;
  bench = new LogBench({ quarantine: { perDevice: KEPT, total: 100 } });
  for (const device of [suspended, other]) await bench.enrol(device);
  mosquitto = await Mosquitto.start();
  client = await connectAsync(mosquitto.url, { protocolVersion: 4 });
  answers = [];
  client.on('message', (topic, payload) => {
    const said = decodeCbor(Uint8Array.from(payload)) as Map<string, unknown>;
    const outcome = String(said.get('code') ?? said.get('verdict'));
    answers.push({ device: String(topic.split('/')[1]), seq: Number(said.get('seq')), outcome });
  });
  await client.subscribeAsync('wearables/+/acks', { qos: 1 });
  broker = new ExternalBroker({
    ...{ name: 'ward', url: mosquitto.url, group: 'test', connections: 1, connectionsMax: 1 },
    // As many under way as the device sends too much: were they left with the broker, nobody else would be heard.
    receiveMaximum: SENT - KEPT,
    ...{ maxPacketBytes: 16_384, sessionExpirySeconds: 3600, answers: true, credentials: () => ({}) },
    intake: { submit: (inbound) => bench.intake.submit(inbound), room: () => undefined },
    clock: bench.clock,
    logger: bench.logger,
  });
  broker.start();
  await eventually(() => expect(broker.view().connected).toBe(1));
});

afterEach(async () => {
  if (note !== '') return;
  await broker.close();
  await client.endAsync(true);
  await mosquitto.remove();
  await bench.close();
});

afterAll(endPrograms);

describe.skipIf(note !== '')(`a suspended device at a broker${note}`, () => {
  test('is not answered beyond what is kept of it, keeps nobody else waiting, and loses nothing', async () => {
    await bench.request({ action: 'suspend', device: suspended.urn });
    const statements = await suspended.skip(SENT);
    for (const bytes of statements) await publish(suspended, bytes);
    await eventually(() => expect(broker.view()).toMatchObject({ received: SENT, inFlight: 0 }));
    await publish(other, await other.next());
    await eventually(() => expect(answersTo(other).map(({ outcome }) => outcome)).toEqual(['accept']));
    expect(answersTo(suspended)).toHaveLength(KEPT);
    expect(new Set(answersTo(suspended).map(({ outcome }) => outcome))).toEqual(
      new Set(['suspended-device']),
    );
    expect(bench.count('quarantine')).toBe(KEPT);
    expect(bench.logger.lines.filter(({ message }) => message === 'statement not answered')).toHaveLength(
      SENT - KEPT,
    );

    await bench.request({ action: 'resume', device: suspended.urn });
    const unanswered = statements.filter(
      (_, seq) => !answersTo(suspended).some((answer) => answer.seq === seq),
    );
    expect(unanswered).toHaveLength(SENT - KEPT);
    for (const bytes of unanswered) await publish(suspended, bytes); // what a device does that was not answered
    await eventually(() => expect(answersTo(suspended)).toHaveLength(SENT));
    expect(
      answersTo(suspended)
        .slice(KEPT)
        .map(({ outcome }) => outcome),
    ).toEqual(['accept', 'accept', 'accept']);
    expect(bench.count('entries', "kind = 'statement'")).toBe(SENT - KEPT + 1); // the kept ones wait for the gateway's second look
  });
});
