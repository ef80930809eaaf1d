/** The whole way with the commands people use: from an empty directory to a reading that is delivered and proven. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Anvil, startAnvil } from '../contracts/index.ts';
import { Device } from '../device-sim/device.ts';
import { bytesToHex } from '../src/bytes.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { encodeCoseKey } from '../src/cose/key.ts';
import { hashEntry } from '../src/statement.ts';
import { endPrograms, mustRun, type Running, vitalseal } from './support/command.ts';
import { makeOpensslKey } from './support/openssl.ts';
import { heartRate } from './support/sender.ts';
import { PROVIDER, Site } from './support/site.ts';
import { until } from './support/wait.ts';

interface Wearer {
  readonly urn: string;
  readonly algorithm: Algorithm;
  readonly secretKey: Uint8Array;
  /** The public key as the device maker hands it over. */
  readonly keyFile: string;
}

let site: Site;
let chain: Anvil;
let provider: Running;
let wearers: readonly Wearer[];
const devices: Device[] = [];

/** Three makers, three algorithms, three forms of a public key. */
async function makeWearers(): Promise<Wearer[]> {
  const pem = await makeOpensslKey('Ed25519', site.file('pem'));
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = privateKey.export({ format: 'jwk' });
  writeFileSync(site.file('jwk.json'), JSON.stringify(publicKey.export({ format: 'jwk' })));
  return [
    {
      urn: 'urn:dev:mac:0024befffe800001',
      algorithm: 'Ed25519',
      secretKey: pem.secretKey,
      keyFile: pem.publicFile,
    },
    {
      urn: 'urn:dev:ow:10e2073a01080002',
      algorithm: 'ESP256',
      secretKey: Uint8Array.from(Buffer.from(jwk.d ?? '', 'base64url')),
      keyFile: site.file('jwk.json'),
    },
    {
      urn: 'urn:dev:os:32473-0003',
      algorithm: 'ES256K',
      secretKey: Uint8Array.from(randomBytes(32)),
      keyFile: site.file('cose-key'),
    },
  ];
}

async function openDevice({ urn, algorithm, secretKey }: Wearer): Promise<Device> {
  const folder = site.file(urn.replaceAll(':', '-'));
  const device = await Device.open({ folder, fresh: () => ({ urn, algorithm, secretKey }) });
  devices.push(device);
  return device;
}

beforeAll(async () => {
  [site, chain] = await Promise.all([Site.create(), startAnvil({ blockTime: 1, slotsInAnEpoch: 1 })]);
  await site.openLogOn(chain);
  provider = await site.startProvider();
  await site.startGateway();
  wearers = await makeWearers();
}, 120_000);

afterAll(async () => {
  for (const device of devices) await device.close();
  await endPrograms();
  await chain?.stop();
  site?.remove();
});

describe('from an empty directory to a proven reading', () => {
  it('enrols devices beside the running gateway, by PEM, JWK and COSE_Key', async () => {
    for (const wearer of wearers) {
      const device = await openDevice(wearer);
      if (wearer.algorithm === 'ES256K') writeFileSync(wearer.keyFile, encodeCoseKey(device.publicKey));
      const said = await mustRun([
        ...['device', 'enrol', '--config', site.config, '--device', wearer.urn],
        ...['--patient', `patient-${wearer.algorithm}`, '--provider', PROVIDER, '--key', wearer.keyFile],
      ]);
      expect(said).toBe(`enrol ${wearer.urn}: done\n`);
    }
    const again = await vitalseal([
      ...['device', 'enrol', '--config', site.config, '--device', wearers[0]?.urn ?? ''],
      ...['--patient', 'other', '--provider', PROVIDER, '--key', wearers[0]?.keyFile ?? ''],
    ]);
    expect(again.code).toBe(1);
    const listed = JSON.parse(
      await mustRun(['device', 'list', '--config', site.config, '--json']),
    ) as object[];
    expect(listed).toHaveLength(3);
  });

  it('takes readings of all three algorithms and delivers them, proven', async () => {
    for (const [at, device] of devices.entries()) {
      device.connect({ url: site.gateway.mqttUrl });
      for (let beat = 0; beat < 5; beat++)
        await device.record({
          subject: 'vitals',
          payload: heartRate(60 + 10 * at + beat),
          issuedAt: Date.now() / 1000,
        });
    }
    await Promise.all(devices.map((device) => device.drained()));
    await until('15 proven readings', () => {
      const items = site.inbox();
      return items.length === 15 && items.every(({ proof }) => proof !== 'unproven');
    });
    const lines = (await mustRun(['provider', 'list', '--config', site.providerConfig])).trim().split('\n');
    const items = lines.map((line) => JSON.parse(line) as { device: string; readings: { value: string }[] });
    for (const [at, device] of devices.entries()) {
      const values = items
        .filter((item) => item.device === device.urn)
        .map((item) => item.readings[0]?.value);
      expect(values).toEqual([0, 1, 2, 3, 4].map((beat) => String(60 + 10 * at + beat)));
    }
  });

  it('shows in status and in the log exactly what was sent', async () => {
    const { devices: count, quarantine } = await site.status();
    expect({ count, quarantine }).toMatchObject({ count: 3, quarantine: { kept: 0 } });
    const entries = await site.sealedEntries();
    for (const device of devices) {
      for (let seq = 0; seq < 5; seq++) {
        const statement = await device.store.read({ boot: 0, seq });
        const entry = bytesToHex(hashEntry(statement ?? new Uint8Array()));
        expect(entries.filter((other) => other === entry)).toHaveLength(1);
      }
    }
    const said = await mustRun(['status', '--config', site.config]);
    expect(said).toMatch(/^devices {6}3; /m);
    for (const state of ['recorded', 'submitted', 'anchored', 'final'])
      expect(said).toMatch(new RegExp(`^(anchors)? +${state} +[1-9]\\d* entries, since `, 'm'));
    expect((await site.get('/health')).status).toBe(200);
  });

  it('exports a receipt that anyone can check with the chain, and with nothing else', async () => {
    const [device] = devices;
    const file = site.file('kept.receipt.cbor');
    const trust = site.file('trust.json');
    const exported = ['receipt', 'export', '--config', site.config, '--device', device?.urn ?? ''];
    await until('final anchor', async () => {
      const asked = await vitalseal([...exported, '--seq', '2', '--require-final', '--out', file]);
      return asked.code === 0;
    });
    await mustRun(['receipt', 'trust', '--config', site.config, '--out', trust]);
    expect(await mustRun(['receipt', 'inspect', file])).toContain('none of this has been checked');
    const proven = await vitalseal(['receipt', 'verify', file, '--trust', trust, '--rpc', chain.url]);
    expect(proven.out).toMatch(/^PROVEN$/m);
    expect(proven.code).toBe(0);
    const offline = await vitalseal(['receipt', 'verify', file, '--trust', trust]);
    expect(offline.out).toMatch(/^anchored {5}unknown/m);
    expect(offline.out).toMatch(/^NOT PROVEN$/m);
    expect(offline.code).toBe(4);
  });

  it('gives the same receipt over HTTP, to those who may have it', async () => {
    const path = `/v1/devices/${encodeURIComponent(devices[0]?.urn ?? '')}/statements/2/receipt`;
    const allowed = await site.get(path);
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('content-type')).toBe('application/vnd.vitalseal.receipt+cbor');
    const file = readFileSync(site.file('kept.receipt.cbor'));
    expect(Buffer.from(await allowed.arrayBuffer()).equals(file)).toBe(true);
    expect((await fetch(`${site.gateway.httpUrl}${path}`)).status).toBe(401);
  });

  it('refuses a receipt with one bit of the signature changed, and does not know a device it is not told of', async () => {
    const file = site.file('changed.receipt.cbor');
    const statement = await devices[0]?.store.read({ boot: 0, seq: 2 });
    writeFileSync(file, flipLastBit(readFileSync(site.file('kept.receipt.cbor')), statement));
    const verify = ['receipt', 'verify', '--rpc', chain.url, '--trust'];
    const changed = await vitalseal([...verify, site.file('trust.json'), file]);
    expect(changed.code).toBe(1);
    expect(changed.out).toMatch(/^signature +no +bad-signature/m);
    expect(changed.out).toMatch(/^included +no /m);
    const other = site.file('trust-other.json');
    await mustRun([
      'receipt',
      'trust',
      '--config',
      site.config,
      '--device',
      'urn:dev:os:32473-0003',
      '--out',
      other,
    ]);
    const stranger = await vitalseal([...verify, other, site.file('kept.receipt.cbor')]);
    expect(stranger.code).toBe(4);
    expect(stranger.out).toMatch(/^device-key +unknown +unknown-device/m);
    expect(stranger.out).toMatch(/^anchored +yes/m);
  });

  it('refuses to run a second gateway on the same data directory', async () => {
    const port = { port: 0 };
    const other = site.file('gateway/second.json');
    const config = JSON.parse(readFileSync(site.config, 'utf8')) as object;
    writeFileSync(other, JSON.stringify({ ...config, mqtt: port, http: port }));
    const second = await vitalseal(['serve', '--config', other]);
    expect(second.code).toBe(3);
    expect(second.err).toContain(`another gateway writes to ${site.dataDirectory}; one log has one writer`);
    expect((await site.get('/health')).status).toBe(200);
  });

  it('stops cleanly and promptly on SIGTERM, the gateway and the provider', async () => {
    for (const program of [site.gateway, provider]) {
      program.kill('SIGTERM');
      const late = AbortSignal.timeout(8_000);
      const lateness = new Promise((_resolve, reject) =>
        late.addEventListener('abort', () => reject(new Error(`still running\n${program.err()}`))),
      );
      expect(await Promise.race([program.exited, lateness])).toBe(0);
    }
  });

  it('goes on after the stop where it was', async () => {
    await site.startProvider();
    await site.startGateway();
    const [device] = devices;
    await device?.record({ subject: 'vitals', payload: heartRate(99) });
    await device?.drained();
    const last = await until('the sixteenth reading', () => site.inbox()[15]);
    expect(last).toMatchObject({ device: device?.urn, seq: 5, flags: ['clock-unset'] });
  });
});

/** Changes the last bit of the statement's signature, wherever in the receipt it stands. */
function flipLastBit(receipt: Buffer, statement: Uint8Array = new Uint8Array()): Buffer {
  const at = receipt.indexOf(statement.subarray(-64)) + 63;
  receipt.writeUInt8(receipt.readUInt8(at) ^ 1, at);
  return receipt;
}
