/**
 * How fast statements come out of an existing broker: mosquitto with a backlog, an intake that commits every five milliseconds and does
 * nothing else. First as the mqtt package does it, one message at a time; then as the gateway does. Ratios within the run.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync, type IClientOptions, connect as mqttConnect } from 'mqtt';
import { ExternalBroker } from '../gateway/ingest/external/external-broker.ts';
import type { Intake, Verdict } from '../gateway/ports.ts';
import { MemoryLogger } from '../gateway/testing/logger.ts';
import { Wearable } from '../gateway/testing/wearable.ts';
import { endPrograms } from '../test/support/command.ts';
import { Mosquitto } from '../test/support/mosquitto.ts';
import type { Figure } from './report.ts';

const COMMIT_MS = 5;
const DEVICES = 20;
const STATEMENTS = 50;
/** The same bytes come again: the intake here does not look, and signing would take longer than everything else. */
const ROUNDS = 20;
const RUNS = 3;
/** One at a time is two hundred a second: a part of the backlog is enough. */
const FEW = 400;

interface Backlog {
  readonly topic: string;
  readonly bytes: Buffer;
}

/** Settles everything that waits at once, a commit apart. */
class TimedIntake implements Intake {
  settled = 0;
  readonly #verdict: Verdict = { kind: 'accept', index: 0, boot: 0, seq: 0, flags: [] };
  #waiting: ((verdict: Verdict) => void)[] = [];

  room(): undefined {
    return undefined;
  }

  submit(): Promise<Verdict> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length > 1) return;
      setTimeout(() => {
        this.settled += this.#waiting.length;
        for (const settle of this.#waiting.splice(0)) settle(this.#verdict);
      }, COMMIT_MS);
    });
  }
}

export async function measureExternal(say: (line: string) => void): Promise<Figure[]> {
  const mosquitto = await Mosquitto.start();
  try {
    const backlog = await makeBacklog();
    const ways: Readonly<Record<string, () => Promise<number>>> = {
      'one-at-a-time': () => takeOneAtATime(mosquitto, backlog.slice(0, FEW), 1),
      'one-at-a-time-4': () => takeOneAtATime(mosquitto, backlog.slice(0, 4 * FEW), 4),
      'in-flight-1': () => takeInFlight(mosquitto, backlog, 1, false),
      'in-flight-2': () => takeInFlight(mosquitto, backlog, 2, false),
      'in-flight-4': () => takeInFlight(mosquitto, backlog, 4, false),
      'in-flight-1-answers': () => takeInFlight(mosquitto, backlog, 1, true),
    };
    const rates: Record<string, number[]> = {};
    await takeInFlight(mosquitto, backlog, 1, true); // warm
    for (let run = 0; run < RUNS; run++) {
      for (const [name, take] of Object.entries(ways)) {
        const rate = await take();
        rates[name] = [...(rates[name] ?? []), rate];
        say(`${name}: ${Math.round(rate)}/s`);
      }
    }
    const alone = median(rates['one-at-a-time'] ?? []);
    return Object.entries(rates).flatMap(([name, all]) => [
      { name, value: median(all), unit: 'statements/s' },
      { name: `${name}-ratio`, value: median(all) / alone, unit: 'x one-at-a-time' },
    ]);
  } finally {
    await mosquitto.remove();
    await endPrograms();
  }
}

async function makeBacklog(): Promise<Backlog[]> {
  const backlog: Backlog[] = [];
  const wearables = Array.from({ length: DEVICES }, (_, at) => new Wearable(at + 1));
  for (let seq = 0; seq < STATEMENTS; seq++) {
    for (const wearable of wearables) {
      const topic = `wearables/${wearable.urn}/statements`;
      backlog.push({ topic, bytes: Buffer.from(await wearable.next()) });
    }
  }
  return Array.from({ length: ROUNDS }, () => backlog).flat();
}

async function publishAll(mosquitto: Mosquitto, backlog: readonly Backlog[]): Promise<void> {
  const client = await connectAsync(mosquitto.url, { protocolVersion: 4 });
  for (let at = 0; at < backlog.length; at += 1000) {
    await Promise.all(
      backlog.slice(at, at + 1000).map(({ topic, bytes }) => client.publishAsync(topic, bytes, { qos: 1 })),
    );
  }
  await client.endAsync();
}

/** The package as it comes: PUBACK after handleMessage has called back, and no other message until then. */
async function takeOneAtATime(
  mosquitto: Mosquitto,
  backlog: readonly Backlog[],
  connections: number,
): Promise<number> {
  const options = (at: number): IClientOptions => ({
    ...{ protocolVersion: 5, clean: false, clientId: `one-at-a-time-${at}`, reconnectPeriod: 0 },
    properties: { sessionExpiryInterval: 3600 },
  });
  for (let at = 0; at < connections; at++) {
    const client = await connectAsync(mosquitto.url, options(at));
    await client.subscribeAsync('$share/bench/wearables/+/statements', { qos: 1 });
    await client.endAsync();
  }
  await publishAll(mosquitto, backlog);
  const intake = new TimedIntake();
  const begun = performance.now();
  const clients = Array.from({ length: connections }, (_, at) => {
    const client = mqttConnect(mosquitto.url, options(at));
    client.handleMessage = (_packet, done) => void intake.submit().then(() => done());
    return client;
  });
  const rate = await rateOf(intake, backlog.length, begun);
  for (const client of clients) await client.endAsync({ properties: { sessionExpiryInterval: 0 } });
  return rate;
}

async function takeInFlight(
  mosquitto: Mosquitto,
  backlog: readonly Backlog[],
  connections: number,
  answers: boolean,
): Promise<number> {
  const intake = new TimedIntake();
  const open = (): ExternalBroker =>
    new ExternalBroker({
      ...{ name: 'bench', url: mosquitto.url, group: `bench-${connections}`, connections },
      ...{ connectionsMax: connections, receiveMaximum: 1000, maxPacketBytes: 528_384 },
      ...{ sessionExpirySeconds: 3600, answers, credentials: () => ({}), intake },
      ...{ clock: { now: Date.now }, logger: new MemoryLogger() },
    });
  const before = open();
  before.start();
  while (before.view().connected < connections) await delay(10);
  await before.close();
  await publishAll(mosquitto, backlog);
  const broker = open();
  const begun = performance.now();
  broker.start();
  const rate = await rateOf(intake, backlog.length, begun);
  await broker.close();
  // Its sessions go with the broker; until then they must not be dealt what is meant for the next.
  for (let at = 1; at <= connections; at++) {
    const client = await connectAsync(mosquitto.url, {
      ...{ protocolVersion: 5, clean: true, clientId: `vitalseal-bench-${connections}-${at}` },
    });
    await client.endAsync();
  }
  return rate;
}

async function rateOf(intake: TimedIntake, count: number, begun: number): Promise<number> {
  while (intake.settled < count) await delay(1);
  return (count / (performance.now() - begun)) * 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
