/** One log, one writer, also where no lock reaches: gateways on copies of one data directory, with one key and one account. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Anvil, startAnvil } from '../contracts/index.ts';
import { type Hand, honest, NodeProxy } from '../contracts/testing/node-proxy.ts';
import { createSigner } from '../src/signature.ts';
import { LogLedger } from './support/anchor-crash/ledger.ts';
import { endPrograms } from './support/command.ts';
import { expectFsck } from './support/crash/checks.ts';
import { Sender } from './support/sender.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

const cut: Hand = () => ({ odd: 'bytes', bytes: '', cut: true });

let chain: Anvil;
let ledger: LogLedger;
let site: Site;
let reader: Sender;
let stray: Sender;
const closers: (() => unknown)[] = [];

/** A gateway that has anchored and is stopped. */
beforeEach(async () => {
  chain = await startAnvil({ blockTime: 1, slotsInAnEpoch: 1 });
  closers.push(() => chain.stop());
  site = await Site.create();
  closers.push(() => site.remove(), endPrograms);
  await site.openLogOn(chain);
  const { contract = '', logId = '' } = site.settings.chain ?? {};
  const { account } = JSON.parse(readFileSync(site.file('gateway/gateway-public.json'), 'utf8')) as {
    account: string;
  };
  ledger = new LogLedger({ contract, logId, operator: account }, () => chain);
  [reader, stray] = [newSender(1), newSender(2)];
  closers.push(() => reader.disconnect());
  await site.enrol(reader, stray);
  await site.startGateway();
  await reader.connect(site.gateway.mqttUrl);
  await takesAndAnchors();
  site.gateway.kill('SIGTERM');
  await site.gateway.exited;
}, 120_000);

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
}, 60_000);

function newSender(number: number): Sender {
  const secret = new Uint8Array(32).fill(number);
  return new Sender(`urn:dev:mac:0024befffe80fe0${number}`, createSigner('Ed25519', secret));
}

async function copySite(): Promise<Site> {
  const copy = await site.copy();
  closers.push(() => copy.remove());
  return copy;
}

async function takesAndAnchors(): Promise<void> {
  await reader.send();
  const { size } = (await site.status()).log;
  await until('final anchor', async () => ((await site.status()).anchoring?.final ?? 0) >= size);
}

/** It ends by itself, for the reason that the manual gives. */
async function expectForked({ gateway }: Site, detail = ''): Promise<void> {
  expect(await gateway.exited).toBe(3);
  expect(gateway.err()).toContain('"code":"log-forked"');
  expect(gateway.err()).toContain(detail);
}

/** Each anchor greater than the one before it, each paid for once, and all of them of this log. */
async function expectOneHistory(of: Site): Promise<void> {
  const paid = (await ledger.transactions()) - DEPLOYMENT;
  const sizes = (await ledger.anchored()).map(({ size }) => size);
  expect(sizes).toEqual([...new Set(sizes)].toSorted((a, b) => a - b));
  expect(paid).toBeLessThanOrEqual(sizes.length);
  await expectFsck(of, ['--fast']);
}

/** Transactions of the account before the first anchor: the contract, and the log in it. */
const DEPLOYMENT = 2;

it('a gateway on an older copy ends, and stands in nobody’s way', async () => {
  const copy = await copySite();
  await site.startGateway();
  await takesAndAnchors();
  await copy.startGateway();
  await expectForked(copy, 'its newest checkpoint has only');
  await takesAndAnchors();
  await expectOneHistory(site);
});

it('a gateway on an older copy that has taken more readings since ends as well', async () => {
  const copy = await copySite();
  const proxy = await NodeProxy.start(() => chain.url, cut);
  closers.push(() => proxy.stop());
  copy.amend((config) => ({ chain: { ...config.chain, rpcUrls: [proxy.url] } }));
  await copy.startGateway();
  closers.push(() => stray.disconnect());
  await stray.connect(copy.gateway.mqttUrl);
  await site.startGateway();
  await takesAndAnchors();
  stray.startLoad(8);
  const sealed = async (): Promise<number> => (await copy.sealedEntries()).length;
  await until('longer log', async () => (await sealed()) > 2 * (await site.status()).log.size);
  await stray.stopLoad();
  proxy.hand = honest;
  await expectForked(copy, 'its root at that size is another');
  await takesAndAnchors();
  await expectOneHistory(site);
});

it('of two gateways on copies of one moment one is left', async () => {
  const copy = await copySite();
  const sites = [site, copy];
  await Promise.all(sites.map((each) => each.startGateway()));
  const ended = await Promise.race(sites.map((each) => each.gateway.exited.then(() => each)));
  await expectForked(ended);
  const left = ended === site ? copy : site;
  const { size } = (await left.status()).log;
  await until('final anchor', async () => ((await left.status()).anchoring?.final ?? 0) >= size);
  await expectOneHistory(left);
});
