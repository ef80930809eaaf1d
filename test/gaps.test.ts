/** A device that lost statements on the way is asked for them, and sends them again: a real device, a real gateway. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Device } from '../device-sim/device.ts';
import type { DeviceEvent } from '../device-sim/device-event.ts';
import type { OpenLink } from '../device-sim/link.ts';
import { openMqttLink } from '../device-sim/mqtt-link.ts';
import { createSigner } from '../src/signature.ts';
import { decodeStatement } from '../src/statement.ts';
import { endPrograms, vitalseal } from './support/command.ts';
import { heartRate } from './support/sender.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

const LOST = [3, 4, 5, 9];
const STATEMENTS = 12;
const SECRET = new Uint8Array(32).fill(11);

/** A way to the broker on which the statements of these numbers are lost, each once, and acknowledged all the same. */
function leakyLink(numbers: readonly number[]): OpenLink {
  const toLose = new Set(numbers);
  return (options, listener) => {
    const link = openMqttLink(options, listener);
    const publish: typeof link.publish = (topic, bytes) => {
      const statement = decodeStatement(bytes);
      const isLost = statement.kind === 'ok' && toLose.delete(statement.value.seq);
      return isLost ? Promise.resolve() : link.publish(topic, bytes);
    };
    return { publish, close: () => link.close() };
  };
}

interface Shown {
  readonly statements: number;
  readonly received: number;
  readonly expected: number;
  readonly missing: number;
  readonly gaps: readonly object[];
}

async function show(site: Site, urn: string): Promise<Shown> {
  return (await (await site.get(`/v1/devices/${urn}`)).json()) as Shown;
}

it('what a device forgot to be rid of is asked for, and every gap is closed', async () => {
  const site = await Site.create();
  const folder = mkdtempSync(join(tmpdir(), 'vitalseal-gaps-'));
  const events: DeviceEvent[] = [];
  const device = await Device.open({
    folder,
    fresh: () => ({
      urn: 'urn:dev:mac:0024befffe80ca01',
      algorithm: 'ESP256',
      secretKey: SECRET,
    }),
    onEvent: (event) => events.push(event),
    openLink: leakyLink(LOST),
  });
  try {
    await site.startGateway();
    await site.enrol({ urn: device.urn, signer: createSigner('ESP256', SECRET) });
    device.connect({ url: site.gateway.mqttUrl });
    for (let nth = 0; nth < STATEMENTS; nth++) {
      await device.record({ subject: 'vitals', payload: heartRate(60 + nth), issuedAt: Date.now() / 1000 });
      await device.drained();
    }
    await until('closed gaps', async () => {
      const { statements, missing } = await show(site, device.urn);
      return statements === STATEMENTS && missing === 0;
    });
    expect(await show(site, device.urn)).toMatchObject({
      ...{ statements: STATEMENTS, expected: STATEMENTS, missing: 0, gaps: [] },
    });
    const asked = events.flatMap((event) => (event.kind === 'resend-requested' ? event.ranges : []));
    expect(asked.map(({ from, to }) => [from, to])).toEqual(
      expect.arrayContaining([
        [3, 5],
        [9, 9],
      ]),
    );
    const fsck = await vitalseal(['fsck', '--config', site.config]);
    expect(fsck).toMatchObject({ code: 0 });
  } finally {
    await device.close();
    await endPrograms();
    site.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
