/** Statements made with openssl alone, sent by MQTT clients of other people to a gateway each: the same leaf every time. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeCbor } from '../src/cbor.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { endPrograms } from './support/command.ts';
import { makeStatementByHand, sha256 } from './support/hand-made.ts';
import { missingNote } from './support/installed.ts';
import { MQTT_CLIENTS, type MqttClientProgram } from './support/mqtt-clients.ts';
import { makeOpensslKey } from './support/openssl.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

const DEVICES: readonly (readonly [Algorithm, string])[] = [
  ['Ed25519', 'urn:dev:mac:0024befffe804c01'],
  ['ESP256', 'urn:dev:ow:10e2073a01084c02'],
  ['ES256K', 'urn:dev:os:32473-4c03'],
];
const ACCEPTED = 'vitalseal_statements_total{verdict="accept",code=""}';
const DUPLICATES = 'vitalseal_statements_total{verdict="ignore",code="duplicate"}';
const sslNote = missingNote(['openssl']);

/** One statement, which every client is to send. */
interface HandMade {
  readonly urn: string;
  readonly publicFile: string;
  readonly file: string;
  readonly bytes: Buffer;
  /** SHA-256 of the bytes, and the leaf hash over it (RFC 9162 section 2.1.1), in hex. */
  readonly entry: string;
  readonly leaf: string;
}

describe.skipIf(sslNote !== '')(`statements made with openssl alone${sslNote}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'vitalseal-clients-'));
  const statements: HandMade[] = [];
  /** What each gateway served of these statements. */
  const served = new Map<string, string[]>();
  /** The data directory as it was once the devices were enrolled. */
  const enrolled = join(directory, 'enrolled');
  let site: Site;

  beforeAll(async () => {
    for (const [algorithm, urn] of DEVICES) {
      const base = join(directory, algorithm);
      const key = await makeOpensslKey(algorithm, base);
      const bytes = await makeStatementByHand(urn, algorithm, key, base);
      const file = `${base}.statement`;
      writeFileSync(file, bytes);
      const entry = sha256(bytes);
      const leaf = sha256(Buffer.of(0), entry).toString('hex');
      statements.push({ urn, publicFile: key.publicFile, file, bytes, entry: entry.toString('hex'), leaf });
    }
    site = await Site.create();
    for (const { urn, publicFile } of statements) await site.enrolKey(urn, publicFile);
    cpSync(site.dataDirectory, enrolled, { recursive: true });
  }, 60_000);

  afterAll(async () => {
    await endPrograms();
    site.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  /** A gateway that has seen nothing but the enrolment of these devices. */
  async function freshGateway(): Promise<Site> {
    await endPrograms();
    rmSync(site.dataDirectory, { recursive: true, force: true });
    cpSync(enrolled, site.dataDirectory, { recursive: true });
    await site.startGateway();
    return site;
  }

  /** Publishes, and holds every account of what happened against the others: the client's, the answer, the metrics. */
  async function send(client: MqttClientProgram, to: Site, made: HandMade, verdict: string): Promise<void> {
    const series = verdict === 'accept' ? ACCEPTED : DUPLICATES;
    const before = await to.metric(series);
    const { pubacks, answer } = await client.publish(to.gateway.mqttUrl, made.urn, made.file);
    expect(pubacks).toBe(1);
    expect(await to.metric(series)).toBe(before + 1);
    if (answer === undefined) return;
    const said = decodeCbor(answer) as Map<string, unknown>;
    expect(said.get('verdict')).toBe(verdict);
    const entries = await until('the entry in a sealed bundle', async () => {
      const sealed = await to.sealedEntries();
      return sealed.includes(made.entry) && sealed;
    });
    expect(entries[Number(said.get('index'))]).toBe(made.entry);
  }

  /** The leaf of each statement as the gateway serves it, each of them once. */
  async function leavesServed(by: Site): Promise<string[]> {
    const leaves = await until('the leaves of all three', async () => {
      const sealed = await by.sealedLeaves();
      return statements.every(({ leaf }) => sealed.includes(leaf)) && sealed;
    });
    const entries = await by.sealedEntries();
    return statements.map(({ entry, leaf }) => {
      const at = entries.indexOf(entry);
      expect(entries.lastIndexOf(entry)).toBe(at);
      expect(leaves[at]).toBe(leaf);
      return `${entries[at]} ${leaves[at]}`;
    });
  }

  for (const client of MQTT_CLIENTS) {
    const note = missingNote(client.needs);
    it.skipIf(note !== '')(
      `${client.name}: accepted and acknowledged by a gateway that never saw them${note}`,
      async () => {
        const gateway = await freshGateway();
        for (const made of statements) await send(client, gateway, made, 'accept');
        served.set(client.name, await leavesServed(gateway));
        for (const { urn, bytes } of statements) {
          const path = `/v1/devices/${encodeURIComponent(urn)}/statements/0/receipt`;
          const receipt = Buffer.from(await (await gateway.get(path)).arrayBuffer());
          expect(receipt.includes(bytes.subarray(-64))).toBe(true); // the signature, as it was made
        }
      },
    );
  }

  it('are the same leaves in every one of those gateways', () => {
    expect(served.size).toBe(MQTT_CLIENTS.filter(({ needs }) => missingNote(needs) === '').length);
    const expected = statements.map(({ entry, leaf }) => `${entry} ${leaf}`);
    for (const [name, leaves] of served) expect({ name, leaves }).toEqual({ name, leaves: expected });
  });

  it('are acknowledged as duplicates when every other client sends them to one gateway, at the same index', async () => {
    const clients = MQTT_CLIENTS.filter(({ needs }) => missingNote(needs) === '');
    const gateway = await freshGateway();
    for (const made of statements) {
      for (const [at, client] of clients.entries())
        await send(client, gateway, made, at === 0 ? 'accept' : 'ignore');
    }
    await leavesServed(gateway);
    expect(await gateway.metric(ACCEPTED)).toBe(statements.length);
  });
});
