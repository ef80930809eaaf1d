/** Killed with SIGKILL again and again under load: nothing acknowledged is missing, nothing is there twice. */
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { createSigner } from '../src/signature.ts';
import { endPrograms, vitalseal } from './support/command.ts';
import { entryOf, expectEachOnce } from './support/each-once.ts';
import { Sender } from './support/sender.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

const KILLS = 15;
/** How long a gateway goes on living after it has made progress. */
const LIVES_MS = [30, 1_500] as const;
/** Every third recovery is itself cut short, somewhere between the first line of code and readiness. */
const RECOVERY_MS = [300, 1_300] as const;
const IN_FLIGHT = 8;
const STOPS_WITHIN_MS = 8_000;
const ALGORITHMS: readonly Algorithm[] = ['Ed25519', 'ESP256', 'ES256K', 'Ed25519'];

let site: Site;
const senders = ALGORITHMS.map((algorithm, at) => {
  const signer = createSigner(algorithm, new Uint8Array(32).fill(at + 1));
  return new Sender(`urn:dev:mac:0024befffe80d00${at}`, signer);
});

beforeAll(async () => {
  site = await Site.create();
  await site.startProvider();
  await site.startGateway();
  await site.enrol(...senders);
}, 60_000);

afterAll(async () => {
  for (const sender of senders) await sender.disconnect();
  await endPrograms();
  site?.remove();
}, 60_000);

function acknowledgedCount(): number {
  return senders.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
}

it(`loses nothing acknowledged over ${KILLS} kills under load, and delivers each reading once`, async () => {
  const read: string[] = [];
  let cursor = 0;
  const readOn = (): void => {
    for (const { position, bytes } of site.inbox(cursor)) {
      read.push(entryOf(bytes));
      cursor = position;
    }
  };
  for (const sender of senders) {
    await sender.connect(site.gateway.mqttUrl);
    sender.startLoad(IN_FLIGHT);
  }
  for (let kill = 0; kill < KILLS; kill++) {
    const before = acknowledgedCount();
    await until('progress', () => acknowledgedCount() > before);
    await delay(randomInt(...LIVES_MS));
    site.gateway.kill('SIGKILL');
    await site.gateway.exited;
    const promised = senders.map(({ acknowledged }) => [...acknowledged]);
    readOn();
    if (kill % 3 === 0) await site.startAndKill(randomInt(...RECOVERY_MS));
    await site.startGateway();
    await expectEachOnce(site, senders, promised);
  }
  await Promise.all(senders.map((sender) => sender.stopLoad()));
  expect(acknowledgedCount()).toBe(senders.reduce((sum, { statements }) => sum + statements.length, 0));
  await expectEachOnce(site, senders);
  await until('delivery of everything', () => {
    readOn();
    return read.length >= acknowledgedCount();
  });
  expect(new Set(read).size).toBe(read.length);
  const sent = senders.flatMap(({ statements }) => statements.map(entryOf));
  expect(read.toSorted()).toEqual(sent.toSorted());
}, 300_000);

it('finds nothing wrong from outside after all of that', async () => {
  const { code, out } = await vitalseal(['fsck', '--config', site.config]);
  expect({ code, out }).toMatchObject({ code: 0 });
});

it('stops cleanly within seconds on SIGTERM under load, and loses nothing acknowledged', async () => {
  for (const sender of senders) sender.startLoad(IN_FLIGHT);
  const before = acknowledgedCount();
  await until('progress', () => acknowledgedCount() > before + 50);
  const { exited, err, kill } = site.gateway;
  const asked = Date.now();
  kill('SIGTERM');
  expect({ code: await exited, err: err().slice(-300) }).toMatchObject({ code: 0 });
  expect(Date.now() - asked).toBeLessThan(STOPS_WITHIN_MS);
  const promised = senders.map(({ acknowledged }) => [...acknowledged]);
  await site.startGateway();
  await expectEachOnce(site, senders, promised);
  await Promise.all(senders.map((sender) => sender.stopLoad()));
  await expectEachOnce(site, senders);
});
