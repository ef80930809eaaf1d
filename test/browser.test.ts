/** src runs unchanged in a real browser, and says there what it says in Node. */
import { readFileSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inBlock, trusting } from '../src/receipt/testing/event-block.ts';
import { Ledger, makeDevice, makeStatement, trustIn } from '../src/receipt/testing/ledger.ts';
import { findProgram } from './support/installed.ts';
import {
  type Case,
  judgeVectors,
  pack,
  signSamples,
  unpack,
  type Vector,
  verifyReceipts,
} from './support/page-checks.ts';
import { startPageServer } from './support/page-server.ts';

/** Debian names it chromium, others as they please. */
const executablePath = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  .map(findProgram)
  .find((path) => path !== undefined);
const note = executablePath === undefined ? ' (skipped: not installed: chromium)' : '';
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** Receipts of all three algorithms, sound and tampered with, with and without the proof of their anchor's event. */
async function makeCases(): Promise<Case[]> {
  const devices = [makeDevice(1, 'Ed25519'), makeDevice(2, 'ESP256'), makeDevice(3, 'ES256K')];
  const ledger = new Ledger(await Promise.all(devices.map((device) => makeStatement(device))));
  const trust = trustIn(...devices);
  const cases: Case[] = [];
  for (const index of devices.keys()) {
    const receipt = await ledger.exportReceipt(index);
    const { facts } = ledger;
    cases.push({ receipt, trust, facts }, { receipt, trust, facts: undefined });
    cases.push({ receipt, trust: trustIn(), facts });
    // With the proof of the event, and a block hash in place of what was looked up.
    const anchor = inBlock(ledger.anchor);
    const offline = await ledger.exportReceipt(index, [anchor]);
    cases.push({ receipt: offline, trust, facts: undefined });
    cases.push({ receipt: offline, trust, facts: { anchors: [], trustedBlocks: [trusting(anchor)] } });
    // A bit here and there: in the header, the claims, the payload, the signature, the path, the anchor.
    for (let at = 7; at < receipt.length; at += 31) {
      const tampered = Uint8Array.from(receipt);
      tampered[at] = (tampered[at] ?? 0) ^ 1;
      cases.push({ receipt: tampered, trust, facts });
    }
  }
  return cases;
}

describe.skipIf(executablePath === undefined)(`in a real browser${note}`, () => {
  let browser: Browser;
  let page: Page;
  let server: Awaited<ReturnType<typeof startPageServer>>;
  const complaints: string[] = [];

  beforeAll(async () => {
    server = await startPageServer();
    browser = await chromium.launch({ ...(executablePath && { executablePath }), args: FLAGS });
    page = await browser.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => complaints.push(message.text()));
    await page.goto(server.url);
    await page.waitForFunction('globalThis.checks !== undefined');
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  /** Calls a function of page-checks.ts inside the page. */
  function ask(name: string, argument = ''): Promise<string> {
    return page.evaluate(`checks.${name}(${JSON.stringify(argument)})`);
  }

  it('verifies receipts of all three algorithms with the same answers as Node', async () => {
    const cases = await makeCases();
    const here = unpack(verifyReceipts(pack(cases))) as { proven: boolean }[];
    const there = unpack(await ask('verifyReceipts', pack(cases)));
    expect(there).toEqual(here);
    const proven = here.flatMap(({ proven }, at) => (proven ? [cases[at]?.facts] : []));
    expect(proven).toHaveLength(6);
  });

  it('judges every published vector as it is published', async () => {
    const { statements } = JSON.parse(
      readFileSync(new URL('../docs/vectors/statements.json', import.meta.url), 'utf8'),
    ) as { statements: Vector[] };
    const judged = JSON.parse(await ask('judgeVectors', JSON.stringify(statements))) as object[];
    expect(statements.length).toBeGreaterThan(100);
    expect(judged).toEqual(statements.map(({ name, verdict, entry }) => ({ name, verdict, entry })));
    expect(judged).toEqual(JSON.parse(judgeVectors(JSON.stringify(statements))));
  });

  it('signs the same bytes', async () => {
    expect(await ask('signSamples')).toBe(await signSamples());
  });

  it('loads the whole public entry, and nothing but src and its three packages', async () => {
    const names: string[] = await page.evaluate('Object.keys(src)');
    expect(names.toSorted()).toEqual(Object.keys(await import('../src/index.ts')).toSorted());
    expect(server.served).toContain('/src/receipt/verify.ts');
    expect(complaints).toEqual([]);
  });
});
