/** A second clock: a real authority stamps the log's checkpoints, and stock openssl checks it out of the patient's file alone. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigner } from '../src/signature.ts';
import { endPrograms, mustRun, vitalseal } from './support/command.ts';
import { missingNote } from './support/installed.ts';
import { Sender } from './support/sender.ts';
import { Site } from './support/site.ts';
import { OpensslAuthority, TSA_POLICY } from './support/timestamp-authority.ts';
import { until } from './support/wait.ts';

const note = missingNote(['openssl']);

describe.skipIf(note !== '')(`a timestamping authority${note}`, () => {
  let site: Site;
  let authority: OpensslAuthority;
  let receipt: string;

  beforeAll(async () => {
    site = await Site.create();
    mkdirSync(site.file('tsa'));
    authority = await OpensslAuthority.create(site.file('tsa'));
    const url = await authority.listen();
    site.amend(() => ({ timestamps: { url, everySeconds: 2, policy: TSA_POLICY } }));
    await site.startGateway();
  }, 60_000);

  afterAll(async () => {
    await endPrograms();
    authority?.close();
    site?.remove();
  });

  it('stamps checkpoints, at most one in each interval', async () => {
    const stamped = async () => {
      const { timestamps } = (await site.status()) as unknown as {
        timestamps: { size: number; time?: number };
      };
      return timestamps;
    };
    const { size, time } = await until('a second timestamp', async () => authority.requests > 1 && stamped());
    expect(size).toBeGreaterThan(0);
    expect(Math.abs((time ?? 0) - Date.now() / 1000)).toBeLessThan(120);
    const sealed = (await site.status()).log.size;
    expect(authority.requests).toBeLessThan(sealed);
    expect(await site.metric('vitalseal_timestamp_newest_seconds')).toBeGreaterThanOrEqual(time ?? 0);
    expect(await mustRun(['status', '--config', site.config])).toMatch(/^timestamp {4}up to \d+, at 20/m);
  });

  it('is in the receipt, from where stock openssl checks it', async () => {
    const device = new Sender('urn:dev:os:32473-0001', createSigner('Ed25519', new Uint8Array(32).fill(9)));
    await site.enrol(device);
    await device.connect(site.gateway.mqttUrl);
    await device.send();
    receipt = site.file('kept.receipt.cbor');
    const out = site.file('stamp');
    const said = await until('stamped receipt', async () => {
      const exported = [
        'receipt',
        'export',
        '--config',
        site.config,
        '--device',
        device.urn,
        '--out',
        receipt,
      ];
      if ((await vitalseal(exported)).code !== 0) return false;
      const inspected = await vitalseal(['receipt', 'inspect', receipt, '--timestamp-out', out]);
      return inspected.code === 0 && inspected.out;
    });
    expect(said).toMatch(/^claims a timestamp: log size \d+, 20.*its parts fit each other/m);
    expect(said).toContain('none of this has been checked, but how the parts of the timestamp fit');
    await authority.verify(`${out}.checkpoint`, `${out}.tst`);
    writeFileSync(
      site.file('other'),
      readFileSync(`${out}.checkpoint`, 'utf8').replace(/\n(\d+)\n/, '\n1$1\n'),
    );
    await expect(authority.verify(site.file('other'), `${out}.tst`)).rejects.toThrow(/ts ended with 1/);
    await device.disconnect();
  });

  it('takes nothing from what else the receipt proves', async () => {
    const trust = site.file('trust.json');
    await mustRun(['receipt', 'trust', '--config', site.config, '--out', trust]);
    const { out } = await vitalseal(['receipt', 'verify', receipt, '--trust', trust]);
    for (const question of ['well-formed', 'signature', 'included'])
      expect(out).toMatch(new RegExp(`^${question} +yes`, 'm'));
    expect(out).toMatch(/^timestamp +unknown +timestamp-fits: .* is for openssl to check \(20/m);
  });

  it('is told when it is altered', async () => {
    const trust = site.file('trust.json');
    const altered = site.file('altered.receipt.cbor');
    const bytes = readFileSync(receipt);
    const token = bytes.indexOf(readFileSync(site.file('stamp.tst')));
    // The name of the key stands in the note, right behind the dash of its signature line.
    const at = bytes.lastIndexOf('\u2014 ', token) + 4;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(altered, bytes);
    const { code, out } = await vitalseal(['receipt', 'verify', altered, '--trust', trust]);
    expect(out).toMatch(/^timestamp +no +timestamp-of-other-bytes/m);
    expect(out).toMatch(/^NOT PROVEN\ntimestamp speaks against it/m);
    expect(code).toBe(1);
  });
});
