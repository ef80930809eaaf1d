/**
 * The gateway and stock aedes through one table of MQTT 3.1.1 cases, which covers what the published material covers: paho's
 * interoperability suite, mosquitto's packet files, the packet tests of mqtt-packet and aedes, and the standard's own
 * statements. The gateway may be worse nowhere but where docs/mqtt.md says that it refuses on purpose.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigner } from '../src/signature.ts';
import { endPrograms, ROOT, startProgram } from './support/command.ts';
import type { MqttCase } from './support/conformance/case.ts';
import { POLICIES } from './support/conformance/policies.ts';
import { MQTT_CASES, type Outcome, runTable, speakersNeeded } from './support/conformance/report.ts';
import type { Speaker } from './support/conformance/run-case.ts';
import { Sender } from './support/sender.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

type Outcomes = ReadonlyMap<string, Outcome>;

const urnOf = (number: number): string => `urn:dev:os:32473-c${number}`;

/** Gives everybody a device, a client id and a loopback address of their own. */
function speakers(port: number): () => Speaker {
  let number = 0;
  return () => {
    number += 1;
    const address = `127.77.${number >> 7}.${(number & 0x7f) + 1}`;
    return { port, address, names: { device: urnOf(number), case: `c${number}` } };
  };
}

function secretKey(number: number): Uint8Array {
  const key = new Uint8Array(32).fill(0xc0);
  new DataView(key.buffer).setUint32(0, number);
  return key;
}

describe('MQTT 3.1.1', () => {
  let site: Site;
  let honest: Sender;
  let stock: Outcomes;
  let gateway: Outcomes;

  beforeAll(async () => {
    const aedes = startProgram(process.execPath, [join(ROOT, 'test', 'support', 'stock-aedes.ts')]);
    const port = Number(await until('port of stock aedes', () => aedes.out().trim() || false));
    // It has no policies to keep to.
    const plain = MQTT_CASES.map(({ policy: _none, ...row }) => row);
    stock = await runTable(plain, speakers(port));
    site = await Site.create();
    const devices = Array.from({ length: speakersNeeded(MQTT_CASES) }, (_, at) => ({
      urn: urnOf(at + 1),
      signer: createSigner('Ed25519', secretKey(at + 1)),
    }));
    honest = new Sender('urn:dev:os:32473-c0', createSigner('Ed25519', secretKey(0)));
    await site.enrol(honest, ...devices);
    const served = await site.startGateway();
    await honest.connect(served.mqttUrl);
    honest.startLoad(1);
    gateway = await runTable(MQTT_CASES, speakers(Number(new URL(served.mqttUrl).port)));
  }, 120_000);

  afterAll(async () => {
    const counts = (outcomes: Outcomes): string =>
      (['conforms', 'policy', 'differs'] as const)
        .map((kind) => `${kind} ${count(outcomes, kind)}`)
        .join(', ');
    process.stdout.write(`${MQTT_CASES.length} cases of MQTT 3.1.1: gateway ${counts(gateway)}; `);
    process.stdout.write(`stock aedes ${counts(stock)}\n`);
    await honest?.disconnect();
    await endPrograms();
    site?.remove();
  });

  const count = (outcomes: Outcomes, kind: Outcome['kind']): number =>
    MQTT_CASES.filter(({ id }) => outcomes.get(id)?.kind === kind).length;

  const describeCase = ({ id, clause }: MqttCase): string => {
    const outcome = gateway.get(id);
    return `[MQTT-${clause}] ${id}: ${outcome?.kind === 'differs' ? outcome.what : outcome?.kind}`;
  };

  it('has every case once, and every policy in the documentation', () => {
    expect(new Set(MQTT_CASES.map(({ id }) => id)).size).toBe(MQTT_CASES.length);
    const page = readFileSync(join(ROOT, 'docs', 'mqtt.md'), 'utf8');
    const documented = [...page.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name);
    expect(documented).toEqual([...POLICIES]);
    expect(new Set(MQTT_CASES.flatMap(({ policy }) => policy?.name ?? []))).toEqual(new Set(POLICIES));
  });

  it('the gateway is nowhere worse than stock aedes, but where it refuses on purpose', () => {
    const worse = MQTT_CASES.filter(
      ({ id }) => stock.get(id)?.kind === 'conforms' && gateway.get(id)?.kind === 'differs',
    );
    expect(worse.map(describeCase)).toEqual([]);
  });

  it('refuses where it is to refuse, rather than do what a general broker would', () => {
    const lax = MQTT_CASES.filter(
      ({ id, policy }) => policy?.optional === false && gateway.get(id)?.kind !== 'policy',
    );
    expect(lax.map(describeCase)).toEqual([]);
  });

  it('conforms in every case or refuses on purpose, and so is stricter than stock aedes', () => {
    const wrong = MQTT_CASES.filter(({ id }) => gateway.get(id)?.kind === 'differs');
    expect(wrong.map(describeCase)).toEqual([]);
    // Otherwise the table has lost the cases that a broker can get wrong.
    expect(count(stock, 'differs')).toBeGreaterThan(50);
  });

  it('a device beside all of this is acknowledged', async () => {
    await honest.stopLoad();
    expect(honest.acknowledged.size).toBeGreaterThan(10);
    expect(honest.acknowledged.size).toBe(honest.statements.length);
  });
});
