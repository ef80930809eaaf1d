/** What the gateway depends on goes away and comes back. Readings are acknowledged only once they are safe, and none is lost. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Anvil, type AnvilOptions, startAnvil } from '../contracts/index.ts';
import { createSigner } from '../src/signature.ts';
import { endPrograms } from './support/command.ts';
import { expectEachOnce } from './support/each-once.ts';
import { Sender } from './support/sender.ts';
import { callChain, Site } from './support/site.ts';
import { until } from './support/wait.ts';

/** Long enough to see that something stays as it is. */
const HOLD_MS = 3_000;
const DISK_BYTES = 4 * 1024 * 1024;

let site: Site;
let sender: Sender;
const chains: Anvil[] = [];

async function startChain(options: AnvilOptions = {}): Promise<Anvil> {
  const chain = await startAnvil({
    ...{ blockTime: 1, slotsInAnEpoch: 1, stateInterval: 1, stateFile: site.file('chain.json') },
    ...options,
  });
  chains.push(chain);
  return chain;
}

/** The chain with everything it held, at the address it had. */
function restart(chain: Anvil): Promise<Anvil> {
  return startChain({ port: chain.port });
}

async function anchorsCover(size: number): Promise<boolean> {
  return ((await site.status()).anchoring?.final ?? 0) >= size;
}

beforeEach(async () => {
  site = await Site.create();
  sender = new Sender('urn:dev:mac:0024befffe80fa01', createSigner('Ed25519', new Uint8Array(32).fill(9)));
}, 60_000);

afterEach(async () => {
  await sender.disconnect();
  await endPrograms();
  for (const chain of chains.splice(0)) await chain.stop();
  site.remove();
}, 60_000);

describe('a chain that is not there', () => {
  it('holds up no reading when it is missing at the start; the anchor follows when it comes', async () => {
    const chain = await startChain();
    await site.openLogOn(chain);
    await chain.stop();
    await site.startProvider();
    await site.startGateway();
    await site.enrol(sender);
    await sender.connect(site.gateway.mqttUrl);
    for (let reading = 0; reading < 5; reading++) await sender.send();
    await until('5 delivered readings', () => site.inbox().length === 5);
    const { anchoring, log } = await until('report of the missing chain', async () => {
      const status = await site.status();
      return status.anchoring?.lastError !== undefined && status;
    });
    expect(anchoring?.lastError?.code).toBe('chain-unreachable');
    expect(site.inbox().map(({ proof }) => proof)).toEqual(Array(5).fill('unproven'));
    expect((await site.get('/health')).status).toBe(200);
    await restart(chain);
    await until('final anchor', () => anchorsCover(log.size));
    await until('5 proven readings', () => site.inbox().every(({ proof }) => proof !== 'unproven'));
  });

  it.each(['killed', 'hanging'] as const)('holds up no reading while it is %s', async (how) => {
    const chain = await startChain();
    await site.openLogOn(chain);
    await site.startProvider();
    await site.startGateway();
    await site.enrol(sender);
    await sender.connect(site.gateway.mqttUrl);
    await sender.send();
    const before = (await site.status()).log.size;
    await until('an anchor', () => anchorsCover(before));
    process.kill(chain.pid, how === 'killed' ? 'SIGKILL' : 'SIGSTOP');
    for (let reading = 0; reading < 5; reading++) await sender.send();
    await until('6 delivered readings', () => site.inbox().length === 6);
    const { log } = await until('report of the missing chain', async () => {
      const status = await site.status();
      return status.anchoring?.lastError !== undefined && status;
    });
    if (how === 'killed') await restart(chain);
    else process.kill(chain.pid, 'SIGCONT');
    await until('final anchor', () => anchorsCover(log.size));
    await until('6 proven readings', () => site.inbox().every(({ proof }) => proof !== 'unproven'));
  });

  it('stops and says so when it is another chain than configured: anchors there would prove nothing', async () => {
    const chain = await startChain();
    await site.openLogOn(chain);
    await chain.stop();
    chains.push(await startAnvil({ port: chain.port, chainId: 4242 }));
    await expect(site.startGateway()).rejects.toThrow(/ended with 3: .*"code":"chain-mismatch".*chain 4242/s);
  });

  it('anchors again what a reorganisation undid', async () => {
    const chain = await startChain({ slotsInAnEpoch: 4 });
    await site.openLogOn(chain);
    // Far enough below what is undone that the contract itself stays.
    await callChain(chain, 'anvil_mine', ['0x8']);
    await site.startGateway();
    await site.enrol(sender);
    await sender.connect(site.gateway.mqttUrl);
    await sender.send();
    const { log } = await site.status();
    await until('an anchor', async () => ((await site.status()).anchoring?.anchored ?? 0) >= log.size);
    await callChain(chain, 'anvil_reorg', [4, []]);
    await until('final anchor', () => anchorsCover(log.size));
  });
});

const mayMount = canMount();

describe.skipIf(!mayMount)(
  `a full disk${mayMount ? '' : ' (skipped: this machine does not let us mount a tmpfs)'}`,
  () => {
    const mounted: string[] = [];
    afterAll(() => unmount(mounted));

    it('acknowledges nothing while it is full, says so, and loses nothing', async () => {
      const disk = mountDisk(site.file('gateway/data'));
      mounted.push(disk);
      await site.startGateway();
      await site.enrol(sender);
      await sender.connect(site.gateway.mqttUrl);
      for (let reading = 0; reading < 20; reading++) await sender.send();
      fillDisk(disk);
      sender.startLoad(4);
      const refused = 'vitalseal_connections_refused_total{reason="gateway-failure"}';
      await until('a refusal for want of room', async () => (await site.metric(refused)) > 0);
      const stuck = await staysStill(() => sender.acknowledged.size);
      expect(site.gateway.err()).toContain('the disk is full; free some space, nothing acknowledged is lost');
      rmSync(`${disk}/ballast`);
      await until('further readings', () => sender.acknowledged.size > stuck + 50);
      await sender.stopLoad();
      await expectEachOnce(site, [sender]);
      // The store is whole for the next start as well.
      site.gateway.kill('SIGTERM');
      expect(await site.gateway.exited).toBe(0);
      await site.startGateway();
      await expectEachOnce(site, [sender]);
      await sender.disconnect();
      site.gateway.kill('SIGTERM');
      await site.gateway.exited;
      unmount(mounted);
    });

    it('starts again after a kill on a full disk once there is room', async () => {
      const disk = mountDisk(site.file('gateway/data'));
      mounted.push(disk);
      await site.startGateway();
      await site.enrol(sender);
      await sender.connect(site.gateway.mqttUrl);
      for (let reading = 0; reading < 20; reading++) await sender.send();
      fillDisk(disk);
      sender.startLoad(4);
      const refused = 'vitalseal_connections_refused_total{reason="gateway-failure"}';
      await until('a refusal for want of room', async () => (await site.metric(refused)) > 0);
      site.gateway.kill('SIGKILL');
      await site.gateway.exited;
      rmSync(`${disk}/ballast`);
      await site.startGateway();
      await sender.stopLoad();
      await expectEachOnce(site, [sender]);
      await sender.disconnect();
      site.gateway.kill('SIGTERM');
      await site.gateway.exited;
      unmount(mounted);
    });
  },
);

describe('a database that another process has locked', () => {
  it('acknowledges a reading only once the lock is gone', async () => {
    await site.startGateway();
    await site.enrol(sender);
    await sender.connect(site.gateway.mqttUrl);
    await sender.send();
    const other = new Database(`${site.dataDirectory}/gateway.db`);
    other.exec('BEGIN IMMEDIATE');
    let acknowledged = false;
    const sent = sender.send().then(() => {
      acknowledged = true;
    });
    await staysStill(() => Number(acknowledged));
    expect(acknowledged).toBe(false);
    other.exec('ROLLBACK');
    other.close();
    await sent;
    await expectEachOnce(site, [sender]);
  });

  it('goes on when the lock outlasts its patience, with what was not acknowledged sent again', async () => {
    await site.startGateway();
    await site.enrol(sender);
    await sender.connect(site.gateway.mqttUrl);
    await sender.send();
    const other = new Database(`${site.dataDirectory}/gateway.db`);
    other.exec('BEGIN IMMEDIATE');
    sender.startLoad(4);
    await until('a complaint', () => site.gateway.err().includes('database is locked'));
    expect(sender.acknowledged.size).toBe(1);
    other.exec('ROLLBACK');
    other.close();
    await until('further readings', () => sender.acknowledged.size > 20);
    await sender.stopLoad();
    await expectEachOnce(site, [sender]);
  });
});

/** Watches a number for a while, which must not change, and returns it. */
async function staysStill(read: () => number): Promise<number> {
  const first = read();
  const end = Date.now() + HOLD_MS;
  await until('the end of the watch', () => {
    expect(read()).toBe(first);
    return Date.now() > end;
  });
  return first;
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const place = join(tmpdir(), `vitalseal-mount-${process.pid}`);
  try {
    unmount([mountDisk(place)]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** A file system in memory of a few megabytes. */
function mountDisk(place: string): string {
  mkdirSync(place, { recursive: true, mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', place], { stdio: 'pipe' });
  return place;
}

function unmount(places: string[]): void {
  for (const place of places.splice(0)) execFileSync('umount', ['-l', place], { stdio: 'pipe' });
}

function fillDisk(disk: string): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(`${disk}/ballast`, Buffer.alloc(bavail * bsize));
  expect(readdirSync(disk)).toContain('ballast');
}
