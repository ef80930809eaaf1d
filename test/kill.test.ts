/**
 * Killed with SIGKILL again and again under load: nothing acknowledged is missing, nothing is there twice.
 *
 * The short run of `npm run crash`, which see: every other installation has a chain, each takes its share of the kills.
 */
import { afterAll, expect, it } from 'vitest';
import { createSigner } from '../src/signature.ts';
import { endPrograms } from './support/command.ts';
import { runCrashTest } from './support/crash/run.ts';
import { expectEachOnce } from './support/each-once.ts';
import { Sender } from './support/sender.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

const KILLS = 12;
const KILLS_EACH = 6;
const IN_FLIGHT = 8;
const STOPS_WITHIN_MS = 8_000;

afterAll(endPrograms, 60_000);

it(`loses nothing acknowledged over ${KILLS} kills at random moments, and delivers each reading once`, async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const said: string[] = [];
  const { kills, acknowledged, delivered } = await runCrashTest({
    ...{ kills: KILLS, killsEach: KILLS_EACH, seed },
    say: (line) => said.push(line),
  });
  expect(kills).toBeGreaterThanOrEqual(KILLS);
  expect({ seed, said, acknowledged }).toMatchObject({ acknowledged: delivered });
  expect(acknowledged).toBeGreaterThan(10 * kills);
}, 400_000);

it('stops cleanly within seconds on SIGTERM under load, and loses nothing acknowledged', async () => {
  const site = await Site.create();
  const sender = new Sender(
    'urn:dev:mac:0024befffe80d000',
    createSigner('Ed25519', new Uint8Array(32).fill(1)),
  );
  try {
    await site.startGateway();
    await site.enrol(sender);
    await sender.connect(site.gateway.mqttUrl);
    sender.startLoad(IN_FLIGHT);
    await until('progress', () => sender.acknowledged.size > 50);
    const { exited, err, kill } = site.gateway;
    const asked = Date.now();
    kill('SIGTERM');
    expect({ code: await exited, err: err().slice(-300) }).toMatchObject({ code: 0 });
    expect(Date.now() - asked).toBeLessThan(STOPS_WITHIN_MS);
    const promised = [[...sender.acknowledged]];
    await site.startGateway();
    await expectEachOnce(site, [sender], promised);
    await sender.stopLoad();
    await expectEachOnce(site, [sender]);
  } finally {
    await sender.disconnect();
    await endPrograms();
    site.remove();
  }
});
