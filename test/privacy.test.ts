/** What lies on the gateway's disk and what stands on the chain, looked at as raw bytes: no reading in either. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Interface, keccak256, sha256 } from 'ethers';
import { connect } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Anvil, READING_LOG_ABI, startAnvil } from '../contracts/index.ts';
import { bytesToHex, hexToBytes, utf8ToBytes } from '../src/bytes.ts';
import { hashLeaf } from '../src/merkle/hash.ts';
import { computeRoot } from '../src/merkle/root.ts';
import { encodeSenml } from '../src/senml.ts';
import { createSigner } from '../src/signature.ts';
import { endPrograms, vitalseal } from './support/command.ts';
import { entryOf } from './support/each-once.ts';
import { heartRate, Sender } from './support/sender.ts';
import { callChain, Site } from './support/site.ts';
import { until } from './support/wait.ts';

const READING_LOG = new Interface(READING_LOG_ABI);
/** Words that only a payload holds. */
const SAID = ['felt dizzy after breakfast', 'second dose at noon', 'sent by a stranger'] as const;
const PIECE_BYTES = 20;
/** More than ever come in one cadence: the sizes on the chain grow in steps of this. */
const PADDING = 256;

interface Transaction {
  readonly to: string | null;
  readonly input: string;
}

let site: Site;
let chain: Anvil;
let entries: string[];
/** Everything that must be nowhere: payloads, signatures and statements. */
const secrets: Uint8Array[] = SAID.map((words) => utf8ToBytes(words));
const senders = (['Ed25519', 'ESP256', 'ES256K'] as const).map(
  (algorithm, at) =>
    new Sender(`urn:dev:mac:0024befffe80ab0${at}`, createSigner(algorithm, new Uint8Array(32).fill(at + 1))),
);

/** A reading as a note in words, which no encoding hides. */
function note(words: string): Uint8Array {
  return encodeSenml([{ name: 'note', value: { kind: 'string', value: words } }]);
}

/** Whole, and in pieces such as a page boundary leaves. */
function piecesOf(secret: Uint8Array): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at === 0 || at + PIECE_BYTES <= secret.length; at += PIECE_BYTES)
    pieces.push(Buffer.from(secret.subarray(at, at + PIECE_BYTES)));
  return pieces;
}

/** Files below a directory that hold any of these pieces. */
function filesWith(directory: string, pieces: readonly Buffer[]): string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((file) =>
    file.isFile(),
  );
  expect(files.length).toBeGreaterThan(1);
  return files
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => {
      const bytes = readFileSync(file);
      return pieces.some((piece) => bytes.includes(piece));
    });
}

/** Sends bytes under another name than their signer's: they end in quarantine. */
async function sendForeign(sender: Sender, statement: Uint8Array): Promise<void> {
  const client = connect(site.gateway.mqttUrl, { protocolVersion: 4, username: sender.urn });
  await client.publishAsync(sender.topic, Buffer.from(statement), { qos: 1 });
  await client.endAsync();
}

beforeAll(async () => {
  [site, chain] = await Promise.all([Site.create(), startAnvil({ blockTime: 1, slotsInAnEpoch: 1 })]);
  await site.openLogOn(chain);
  site.amend(() => ({ checkpointPadding: PADDING }));
  await site.startProvider();
  await site.startGateway();
  await site.enrol(...senders);
  const [first, second, third] = senders as [Sender, Sender, Sender];
  for (const sender of senders) await sender.connect(site.gateway.mqttUrl);
  await first.send({ payload: note(SAID[0]) });
  await second.send({ contentType: 'text/plain', payload: utf8ToBytes(SAID[1]) });
  for (const sender of senders) for (let beat = 0; beat < 40; beat++) await sender.send();
  await third.sign({ payload: note(SAID[2]) });
  await sendForeign(first, third.statements.at(-1) ?? new Uint8Array());
  const statements = senders.flatMap((sender) => sender.statements);
  // The ends of statements are signatures; their middle holds the payload.
  secrets.push(...statements.map((statement) => statement.subarray(-100)));
  const { log, quarantine } = await site.status();
  expect(quarantine.kept).toBe(1);
  await until('final anchor', async () => ((await site.status()).anchoring?.final ?? 0) >= log.size);
  await until('proven delivery', () => site.inbox().every(({ proof }) => proof !== 'unproven'));
  entries = await site.sealedEntries();
}, 120_000);

afterAll(async () => {
  for (const sender of senders) await sender.disconnect();
  await endPrograms();
  await chain?.stop();
  site?.remove();
});

describe('on the disk of the gateway', () => {
  it('no file holds a payload, a signature or a piece of a statement, running or stopped', async () => {
    const pieces = secrets.flatMap(piecesOf);
    expect(filesWith(site.dataDirectory, pieces)).toEqual([]);
    site.gateway.kill('SIGTERM');
    expect(await site.gateway.exited).toBe(0);
    expect(filesWith(site.dataDirectory, pieces)).toEqual([]);
    // The same search finds them where they belong: with the provider.
    expect(filesWith(join(site.directory, 'provider'), pieces)).not.toEqual([]);
  });

  it('the log lines hold none either', () => {
    const said = site.gateway.err();
    expect(said).toContain('"code":"wrong-issuer"');
    for (const words of SAID) expect(said).not.toContain(words);
    for (const statement of senders.flatMap((sender) => sender.statements)) {
      expect(said).not.toContain(bytesToHex(statement.subarray(-32)));
      expect(said).not.toContain(Buffer.from(statement.subarray(-33)).toString('base64'));
    }
    expect(said).not.toContain(bytesToHex(heartRate(61)));
  });
});

describe('on the chain', () => {
  async function transactions(): Promise<Transaction[]> {
    const head = Number(await callChain(chain, 'eth_blockNumber', []));
    const all: Transaction[] = [];
    for (let number = 1; number <= head; number++) {
      const block = await callChain(chain, 'eth_getBlockByNumber', [`0x${number.toString(16)}`, true]);
      all.push(...(block as { transactions: Transaction[] }).transactions);
    }
    return all;
  }

  it('a transaction holds log id, size, root and proof, to the last byte, and nothing else', async () => {
    const calls = (await transactions()).filter(({ to }) => to !== null);
    const parsed = calls.map(({ input }) => READING_LOG.parseTransaction({ data: input }));
    expect(parsed.map((call) => call?.name)).toEqual(['open', ...Array(calls.length - 1).fill('anchor')]);
    expect(calls.length).toBeGreaterThan(2);
    const leaves = entries.map((entry) => hashLeaf(hexToBytes(entry)));
    for (const [at, call] of parsed.entries()) {
      if (call === null) throw new Error('a call of something else');
      expect(READING_LOG.encodeFunctionData(call.fragment, call.args)).toBe(calls[at]?.input);
      if (call.name !== 'anchor') continue;
      expect(Object.keys(call.args.toObject())).toEqual(['logId', 'size', 'root', 'consistencyProof']);
      const size = Number(call.args['size']);
      if (size <= leaves.length)
        expect(call.args['root']).toBe(`0x${bytesToHex(computeRoot(leaves.slice(0, size)))}`);
    }
  });

  /** Code and storage of every account, as the node keeps them. */
  async function state(): Promise<string> {
    const dump = String(await callChain(chain, 'anvil_dumpState', []));
    return gunzipSync(hexToBytes(dump.slice(2))).toString('utf8');
  }

  it('the sizes grow in equal steps, whether or not anyone wore a device, and fsck finds the log whole', async () => {
    const sizes = (await transactions())
      .map(({ input }) => READING_LOG.parseTransaction({ data: input }))
      .filter((call) => call?.name === 'anchor')
      .map((call) => Number(call?.args['size']));
    expect(sizes.length).toBeGreaterThan(1);
    expect(sizes.filter((size) => size % PADDING !== 0)).toEqual([]);
    expect(await vitalseal(['fsck', '--config', site.config, '--fast'])).toMatchObject({ code: 0 });
  });

  it('neither calldata, logs nor storage name a device, a patient or a statement, or a hash of one that can be guessed', async () => {
    const logs = (await callChain(chain, 'eth_getLogs', [{ fromBlock: '0x0', toBlock: 'latest' }])) as {
      topics: string[];
      data: string;
    }[];
    const events = logs.map((log) => READING_LOG.parseLog(log)?.name);
    expect(events).toEqual(['Opened', ...Array(events.length - 1).fill('Anchored')]);
    const stored = await state();
    const newest = logs.map((log) => READING_LOG.parseLog(log)).at(-1);
    expect(stored).toContain(String(newest?.args['root']).slice(2)); // what is looked through is the contract's storage
    const onChain = [
      ...(await transactions()).map(({ input }) => input),
      ...logs.flatMap(({ topics, data }) => [...topics, data]),
      stored,
    ]
      .join(' ')
      .toLowerCase();
    const names = [...senders.map(({ urn }) => urn), ...senders.map((_sender, at) => `patient-${at}`)];
    const guesses = [
      ...names.map(utf8ToBytes),
      ...SAID.map((words) => utf8ToBytes(words)),
      ...SAID.map(note),
    ];
    const personal = [
      ...guesses.map(bytesToHex),
      ...guesses.flatMap((guess) => [keccak256(guess).slice(2), sha256(guess).slice(2)]),
      ...secrets.flatMap(piecesOf).map((piece) => piece.toString('hex')),
      ...senders.flatMap(({ statements }) => statements.map(entryOf)),
    ];
    expect(personal.filter((hex) => onChain.includes(hex))).toEqual([]);
  });
});
