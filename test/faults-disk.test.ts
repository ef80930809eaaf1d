/** A real file system under the store that fills up, turns read-only, or loses its power; and a data directory that is taken away. */
import { renameSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSigner } from '../src/signature.ts';
import { endPrograms, vitalseal } from './support/command.ts';
import { expectEachOnce } from './support/each-once.ts';
import { LoopDisk, loopDiskNote } from './support/faults/disk.ts';
import { Sender } from './support/sender.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

const DISK_MEGABYTES = 32;
const IN_FLIGHT = 8;
const POWER_CUTS = 3;
const UNSAFE = 3;
const STILL_MS = 300;
const note = loopDiskNote();

describe.skipIf(note !== '')(`a real disk${note}`, () => {
  let site: Site;
  let sender: Sender;
  let disk: LoopDisk;
  let start: number;

  // One after another on one installation, each with all that the ones before it went through.
  beforeAll(async () => {
    site = await Site.create();
    disk = new LoopDisk(site.file('image'), site.file('gateway/data'), DISK_MEGABYTES);
    sender = new Sender('urn:dev:mac:0024befffe80fd01', createSigner('Ed25519', new Uint8Array(32).fill(13)));
    await site.startGateway();
    await site.enrol(sender);
    await sender.connect(site.gateway.mqttUrl);
  }, 60_000);

  beforeEach(() => {
    start = sender.acknowledged.size;
  });

  afterAll(async () => {
    await sender.disconnect();
    await endPrograms();
    disk.unmount();
    site.remove();
  }, 60_000);

  async function endAndFsck(): Promise<void> {
    await expectEachOnce(site, [sender]); // before what is missing is waited for
    await sender.stopLoad();
    await expectEachOnce(site, [sender]);
    const { code, out } = await vitalseal(['fsck', '--fast', '--config', site.config]);
    expect({ code, out }).toMatchObject({ code: 0 });
  }

  /** How many are acknowledged, once that has not changed for a while. */
  async function standstill(): Promise<number> {
    let before = -1;
    await until('standstill', async () => {
      await delay(STILL_MS);
      const isStill = sender.acknowledged.size === before;
      before = sender.acknowledged.size;
      return isStill;
    });
    return before;
  }

  it(`keeps everything acknowledged over ${POWER_CUTS} power cuts`, async () => {
    for (let cut = 0; cut < POWER_CUTS; cut++) {
      const before = sender.acknowledged.size;
      sender.startLoad(IN_FLIGHT);
      await until('progress', () => sender.acknowledged.size > before + 20 * (cut + 1));
      disk.abort();
      site.gateway.kill('SIGKILL');
      await site.gateway.exited;
      disk.unmount();
      disk.check();
      disk.mount();
      await site.startGateway();
      await endAndFsck();
    }
  });

  it('stops when the disk turns read-only under load, and goes on once it can be written', async () => {
    sender.startLoad(IN_FLIGHT);
    await until('progress', () => sender.acknowledged.size > start + 50);
    disk.abort();
    await until('the gateway noticing', () => site.gateway.err().includes('"code":"store-unavailable"'));
    expect(await site.gateway.exited).toBe(UNSAFE);
    const refused = await vitalseal(['serve', '--config', site.config]);
    expect(refused).toMatchObject({ code: UNSAFE });
    expect(refused.err).toMatch(/cannot (use|lock) the data directory|cannot open the database/);
    disk.unmount();
    disk.check();
    disk.mount();
    await site.startGateway();
    await endAndFsck();
  });

  it('acknowledges nothing while the disk is full, and goes on by itself once there is room', async () => {
    sender.startLoad(IN_FLIGHT);
    await until('progress', () => sender.acknowledged.size > start + 50);
    const free = disk.fill();
    await until('a complaint', () => site.gateway.err().includes('the disk is full'));
    // A commit that fits into what the log had of the disk already still comes through; then none does.
    const stuck = await standstill();
    await delay(1_000);
    expect(sender.acknowledged.size).toBe(stuck);
    free();
    await until('further readings', () => sender.acknowledged.size > stuck + 50);
    await endAndFsck();
  });

  it('starts again after a kill on the full disk, with room or without', async () => {
    sender.startLoad(IN_FLIGHT);
    await until('progress', () => sender.acknowledged.size > start + 50);
    const free = disk.fill();
    await until('a complaint', () => site.gateway.err().includes('the disk is full'));
    site.gateway.kill('SIGKILL');
    await site.gateway.exited;
    const without = await Promise.race([
      vitalseal(['serve', '--config', site.config]),
      delay(4_000, undefined),
    ]);
    // It may refuse to start for want of room, but only as documented.
    if (without !== undefined) expect(without).toMatchObject({ code: UNSAFE });
    await endPrograms();
    free();
    await site.startGateway();
    await endAndFsck();
  });
});

describe('a data directory that is taken away', () => {
  let site: Site;
  const sender = new Sender(
    'urn:dev:mac:0024befffe80fd02',
    createSigner('Ed25519', new Uint8Array(32).fill(14)),
  );

  beforeEach(async () => {
    site = await Site.create();
  }, 60_000);

  afterEach(async () => {
    await sender.disconnect();
    await endPrograms();
    site.remove();
  }, 60_000);

  it('stops the gateway: nothing more is acknowledged into files that nobody will find', async () => {
    await site.startGateway();
    await site.enrol(sender);
    await sender.connect(site.gateway.mqttUrl);
    sender.startLoad(IN_FLIGHT);
    await until('progress', () => sender.acknowledged.size > 20);
    const promised = [...sender.acknowledged];
    const elsewhere = `${site.dataDirectory}-elsewhere`;
    renameSync(site.dataDirectory, elsewhere);
    expect(await site.gateway.exited).toBe(UNSAFE);
    expect(site.gateway.err()).toContain('put the data directory back where it was');
    renameSync(elsewhere, site.dataDirectory);
    await site.startGateway();
    await sender.stopLoad();
    await expectEachOnce(site, [sender], [promised]);
    await expectEachOnce(site, [sender]);
  });
});
