/** A statement made with openssl and a hand for CBOR, sent by mosquitto_pub: a device that shares no code with the gateway. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { endPrograms, runProgram } from './support/command.ts';
import { makeStatementByHand, sha256 } from './support/hand-made.ts';
import { missingNote } from './support/installed.ts';
import { makeOpensslKey } from './support/openssl.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

const note = missingNote(['openssl', 'mosquitto_pub']);

describe.skipIf(note !== '')(`a statement by openssl and mosquitto_pub${note}`, () => {
  let site: Site;

  beforeAll(async () => {
    site = await Site.create();
    await site.startGateway();
  }, 60_000);

  afterAll(async () => {
    await endPrograms();
    site.remove();
  });

  async function publish(urn: string, file: string): Promise<number | string> {
    const { port, hostname } = new URL(site.gateway.mqttUrl);
    const { code } = await runProgram('mosquitto_pub', [
      ...['-h', hostname, '-p', port, '-V', 'mqttv311', '-u', urn, '-i', `by-hand-${urn}`],
      ...['-q', '1', '-t', `wearables/${urn}/statements`, '-f', file],
    ]);
    return code;
  }

  it.each<[Algorithm, string]>([
    ['Ed25519', 'urn:dev:mac:0024befffe800e01'],
    ['ESP256', 'urn:dev:ow:10e2073a01080e02'],
    ['ES256K', 'urn:dev:os:32473-0e03'],
  ])('%s: is accepted, and its leaf is the one anyone can compute', async (algorithm, urn) => {
    const base = site.file(algorithm);
    const key = await makeOpensslKey(algorithm, base);
    await site.enrolKey(urn, key.publicFile);
    const statement = await makeStatementByHand(urn, algorithm, key, base);
    const file = `${base}.statement`;
    writeFileSync(file, statement);
    expect(await publish(urn, file)).toBe(0);
    const accepted = await site.metric('vitalseal_statements_total{verdict="accept",code=""}');
    expect(accepted).toBeGreaterThanOrEqual(1);
    const leaf = sha256(Buffer.of(0), sha256(statement)).toString('hex');
    await until('the leaf', async () => (await site.sealedLeaves()).includes(leaf));
    const path = `/v1/devices/${encodeURIComponent(urn)}/statements/0/receipt`;
    const receipt = Buffer.from(await (await site.get(path)).arrayBuffer());
    expect(receipt.includes(statement.subarray(-64))).toBe(true);

    // The same bytes again are no second reading; one bit less is none at all.
    expect(await publish(urn, file)).toBe(0);
    expect(await site.metric('vitalseal_statements_total{verdict="accept",code=""}')).toBe(accepted);
    statement.writeUInt8(statement.readUInt8(statement.length - 1) ^ 1, statement.length - 1);
    writeFileSync(file, statement);
    const bad = 'vitalseal_statements_total{verdict="reject",code="bad-signature"}';
    const before = await site.metric(bad);
    expect(await publish(urn, file)).toBe(0);
    expect(await site.metric(bad)).toBe(before + 1);
  });
});
