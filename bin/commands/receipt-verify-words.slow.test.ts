/** What `receipt verify` prints, on anchors in real blocks: the words a person reads, and the fields a program reads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Anvil, startAnvil } from '../../contracts/anvil.ts';
import { honest, NodeProxy, type Odd, on } from '../../contracts/testing/node-proxy.ts';
import { fetchEventProof } from '../../gateway/anchor/fetch-event-proof.ts';
import { ChainNode } from '../../gateway/anchor/node.ts';
import { BusyChain } from '../../gateway/anchor/testing/busy-block.ts';
import { bytesToHex, hexToBytes } from '../../src/bytes.ts';
import { decimal } from '../../src/decimal.ts';
import { TEST_DATA_RECORD } from '../../src/payload.ts';
import type { Anchor } from '../../src/receipt/anchor.ts';
import { digest, Ledger, makeDevice, makeStatement } from '../../src/receipt/testing/ledger.ts';
import { encodeSenml, type SenmlRecord } from '../../src/senml.ts';
import { UsageError } from '../cli.ts';
import { runVerify, writeTrustFile } from '../testing/run-verify.ts';

const DEVICE = makeDevice(1);
const CHAIN = 31_337;
/** A day before the beacon's block, by the device. */
const DAY = 86_400;

let folder: string;
let anvil: Anvil;
let chain: BusyChain;
let endpoint: NodeProxy;
let ledger: Ledger;
let proven: Anchor;

let hash: string;
let beaconHash: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'verify-words-'));
  anvil = await startAnvil({ slotsInAnEpoch: 1 });
  chain = await BusyChain.open(anvil.url);
  endpoint = await NodeProxy.start(() => anvil.url);
  const block = await chain.provider.getBlock(1);
  beaconHash = `1:${block?.hash}`;
  const beacon = { blockNumber: 1n, blockHash: hexToBytes(block?.hash?.slice(2) ?? '') };
  const issuedAt = (block?.timestamp ?? 0) - DAY;
  const heartRate = (at: number): SenmlRecord => ({
    ...{ name: 'heart-rate', unit: '/min', time: decimal(String(issuedAt + at)) },
    value: { kind: 'number', value: decimal(String(60 + at)) },
  });
  const readings = Array.from({ length: 70 }, (_, at) => heartRate(at));
  ledger = new Ledger([
    await makeStatement(DEVICE, { beacon, issuedAt, payload: encodeSenml([TEST_DATA_RECORD, ...readings]) }),
    await makeStatement(DEVICE, { boot: 1, beacon, issuedAt, payload: encodeSenml(readings) }),
    await makeStatement(DEVICE, { boot: 2, payload: encodeSenml([hostileText()]) }),
  ]);
  const bare = await chain.anchor(ledger.anchor.size, ledger.anchor.root, 3);
  const eventProof = () => fetchEventProof(new ChainNode({ url: anvil.url, timeoutMs: 5000 }), bare);
  proven = { ...bare, eventProof: await eventProof() };
  hash = `${bare.blockNumber}:0x${bytesToHex(bare.blockHash)}`;
  const hex = (bytes: Uint8Array) => `0x${bytesToHex(bytes)}`;
  const contract = { chainId: CHAIN, address: hex(bare.contract), logId: hex(bare.logId) };
  writeTrustFile(join(folder, 'trust.json'), [DEVICE], contract);
});

afterEach(() => {
  endpoint.hand = honest;
});

afterAll(async () => {
  chain?.close();
  await endpoint?.stop();
  await anvil?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A value that would write a line of ours, and steer the terminal. */
function hostileText(): SenmlRecord {
  return { name: 'note', value: { kind: 'string', value: '\u001b[2J\nPROVEN' } };
}

async function verify(index: number, ...args: string[]) {
  return runVerify(folder, await ledger.exportReceipt(index, [proven]), ...args);
}

async function verifyToJson(index: number, ...args: string[]) {
  const { code, text } = await verify(index, '--json', ...args);
  // biome-ignore lint/suspicious/noExplicitAny: a program's view of the output
  return { code, ...(JSON.parse(text) as any) };
}

test('a block that is not final yet is open, and says when to ask again', async () => {
  const { code, text } = await verify(1, '--rpc', anvil.url);
  expect(text).toMatch(/^final +unknown +not-final: block \d+ of chain 31337 is not final yet$/m);
  expect(text).toMatch(/^endpoint +the node at .* has final blocks up to \d+; the anchor is in block \d+$/m);
  expect(text).toContain(
    'nothing speaks against it, but open are final, not-after. It is not final yet; ask again',
  );
  expect([code, (await verifyToJson(1, '--rpc', anvil.url)).outcome]).toEqual([4, 'open']);
  await chain.mine(8);
});

describe('with hashes alone', () => {
  test('finality is the reader’s word, and the transaction the receipt’s', async () => {
    const { code, text } = await verify(1, '--block-hash', hash);
    expect(text).toMatch(/^final +yes +final-as-told: block \d+ of chain 31337 is final, as you say$/m);
    expect(text).toMatch(
      /^look up .* contract 0x[0-9a-f]{40}, transaction 0x[0-9a-f]{64} \(the receipt’s claim/m,
    );
    const json = await verifyToJson(1, '--block-hash', hash);
    expect([code, json.outcome, json.answers.final.data.by]).toEqual([0, 'proven', 'verifier']);
    const [known] = json.answers.anchored.data.anchors;
    expect(known).not.toHaveProperty('transactionHash');
    expect(known.claimedTransactionHash).toBe(`0x${bytesToHex(proven.transactionHash)}`);
  });

  test('several are taken: that of the beacon’s block proves the order', async () => {
    const { text } = await verify(1, '--block-hash', beaconHash, '--block-hash', hash);
    expect(text).toMatch(/^not-before +yes +beacon-block-told/m);
    expect(text).toMatch(/^interval +not before a block whose time is not known here; not after 2/m);
    expect(text).not.toMatch(/^blocks/m);
    expect(text).toMatch(/^PROVEN$/m);
  });

  test('one of another block is told, with the blocks that are needed', async () => {
    const number = Number(proven.blockNumber);
    const { code, text } = await verify(1, '--block-hash', hash.replace(/^\d+/, String(number + 1)));
    expect(text).toContain(
      `you gave ${number + 1} of chain ${CHAIN}; the receipt needs ${number} (anchor) and 1 (beacon) of chain ${CHAIN}`,
    );
    expect([code, text.includes('the receipt needs')]).toEqual([4, true]);
    expect((await verifyToJson(1)).blocksNeeded).toEqual([
      { purpose: 'anchor', chainId: String(CHAIN), blockNumber: String(number) },
      { purpose: 'beacon', blockNumber: '1' },
    ]);
  });

  test('one that differs speaks against it', async () => {
    const other = `${proven.blockNumber}:0x${bytesToHex(digest('fork'))}`;
    const { code, text } = await verify(1, '--block-hash', hash, '--block-hash', other);
    expect(text).toMatch(/^NOT PROVEN\nanchored speaks against it/m);
    const json = await verifyToJson(1, '--block-hash', hash, '--block-hash', other);
    expect([code, json.outcome]).toEqual([1, 'contradicted']);
  });
});

describe('what the statement says', () => {
  test('device times outside the proven interval are told, by how much', async () => {
    const { text } = await verify(1, '--rpc', anvil.url);
    expect(text).toMatch(
      /^device times .* are the device’s claim, and lie outside the proven interval: up to 1 d before it$/m,
    );
    const [statement] = (await verifyToJson(1, '--rpc', anvil.url)).statements;
    expect(statement.deviceTimes.secondsBeforeInterval).toBe(DAY);
    expect((await verify(2, '--block-hash', hash)).text).not.toContain('device times');
  });

  test('test data is told beside the verdict', async () => {
    const { text } = await verify(0, '--rpc', anvil.url);
    expect(text.split('\n').slice(-2)).toEqual([
      'TEST DATA: the device says that this does not come from a body',
      'PROVEN',
    ]);
    const marks = await Promise.all([0, 1].map(async (at) => (await verifyToJson(at)).testData));
    expect(marks).toEqual([true, false]);
    const pack = await runVerify(folder, await ledger.exportPack([0, 1], [proven]), '--rpc', anvil.url);
    expect(pack.text).toContain('TEST DATA, 1 of 2 statements');
    expect(pack.text.split('\n').at(-1)).toBe('PROVEN');
  });

  test('all readings are printed on demand, and are in the JSON', async () => {
    const short = await verify(1, '--rpc', anvil.url);
    expect(short.text).toContain('and 62 more: --all shows them');
    const long = await verify(1, '--rpc', anvil.url, '--all');
    expect(long.text.match(/^ {2}heart-rate \d+ \/min at 20/gm)).toHaveLength(70);
    const [{ content }] = (await verifyToJson(1)).statements;
    expect(content).toMatchObject({ stream: 'vitals', algorithm: 'Ed25519', testData: false });
    expect(content.readings).toHaveLength(70);
    expect(content.readings[0]).toEqual({
      ...{ name: 'heart-rate', unit: '/min', value: '60', time: content.deviceClock },
    });
  });

  test('nothing of a statement whose signature does not hold is told as its content', async () => {
    const file = await ledger.exportReceipt(1, [proven]);
    const at = Buffer.from(file).indexOf('heart-rate');
    file[at] = 0x69;
    const { code, text } = await runVerify(folder, file, '--json', '--rpc', anvil.url);
    const [statement] = JSON.parse(text).statements;
    expect([code, 'content' in statement, 'deviceTimes' in statement]).toEqual([1, false, false]);
  });

  test('text of the device cannot write lines of ours', async () => {
    const { text } = await verify(2, '--rpc', anvil.url);
    expect(text).toContain('  note \\u{1b}[2J\\u{a}PROVEN at ');
    expect(text.match(/^PROVEN$/gm)).toHaveLength(1);
  });
});

describe('an endpoint', () => {
  test('that found the event has checked the transaction', async () => {
    const { text } = await verify(1, '--rpc', anvil.url);
    expect(text).toMatch(/transaction 0x[0-9a-f]{64} \(checked: the event was found in it\)$/m);
    expect(text).toMatch(/^final +yes +final: block \d+ of chain 31337 is final$/m);
  });

  test('of another chain is named, and its blocks are no beacons', async () => {
    endpoint.hand = on('eth_chainId', () => '0x1');
    const { code, text } = await verify(1, '--rpc', endpoint.url);
    expect(text).toContain(
      `the node at ${endpoint.url} is on chain 1; the receipt is anchored on chain ${CHAIN}`,
    );
    expect(text).toContain('was not asked for the beacon’s block: the trust file does not name chain 1');
    expect(text).toMatch(/^not-before +unknown +beacon-unchecked/m);
    expect(code).toBe(4);
  });

  test('that is behind the anchor’s block is named', async () => {
    endpoint.hand = ({ method, params }, truth) => {
      if (method === 'eth_blockNumber') return '0x2';
      if (method === 'eth_getLogs') return [];
      return method === 'eth_getBlockByNumber' && params[0] !== '0x1' ? null : truth();
    };
    const { text } = await verify(1, '--rpc', endpoint.url);
    expect(text).toMatch(
      /^endpoint .* has blocks up to 2 only; the anchor is in block \d+, so it is behind/m,
    );
  });

  test('that lies about the time of the beacon’s block is found out', async () => {
    endpoint.hand = on('eth_getBlockByNumber', async ({ params }, truth) =>
      params[0] === '0x1' ? { ...((await truth()) as object), timestamp: '0x1' } : truth(),
    );
    const { text } = await verify(1, '--rpc', endpoint.url);
    expect(text).toContain(
      'gave a header of the beacon’s block 1 that does not have its hash; it was not taken',
    );
    expect(text).toMatch(/^not-before +unknown +beacon-unchecked/m);
  });

  test.each<[string, Odd, RegExp]>([
    [
      'that wants to be asked less',
      { odd: 'status', status: 429, headers: { 'retry-after': '30' } },
      /refused eth_chainId because it is asked too much, for 30 s$/,
    ],
    [
      'that is a web page',
      { odd: 'bytes', bytes: '<!doctype html><p>hello' },
      /answered eth_chainId with a web page, not JSON$/,
    ],
    ['that hangs up', { odd: 'bytes', bytes: '{', cut: true }, /could not be asked for eth_chainId: /],
    ['that is silent', { odd: 'silence' }, /did not answer eth_chainId within 10000 ms$/],
  ])('%s is named, without its path', { timeout: 60_000 }, async (_, odd, words) => {
    endpoint.hand = () => odd;
    const url = `${endpoint.url}/key`;
    const failure = await verify(1, '--rpc', url).catch((error: Error) => error.message);
    expect(failure).toMatch(words);
    expect(failure).not.toContain('/key');
    const beside = await verify(1, '--rpc', anvil.url, '--rpc', url);
    expect(beside.code).toBe(0);
    expect(beside.text.split('\n').find((line) => line.startsWith('endpoint'))).toMatch(words);
  });

  test('among several that disagrees speaks against it', async () => {
    endpoint.hand = on('eth_getLogs', async (_call, truth) =>
      ((await truth()) as { data: string }[]).map((log) => ({
        ...log,
        data: `${log.data.slice(0, 66)}${'ab'.repeat(32)}`,
      })),
    );
    for (const urls of [
      [anvil.url, endpoint.url],
      [endpoint.url, anvil.url],
    ]) {
      const { code, text } = await verify(1, ...urls.flatMap((url) => ['--rpc', url]));
      expect([code, /^anchored +no +anchor-contradicted/m.test(text)]).toEqual([1, true]);
    }
    const { code } = await verify(1, '--rpc', anvil.url, '--rpc', anvil.url);
    expect(code).toBe(0);
  });

  test('must be a URL, and other options are given once', async () => {
    await expect(verify(1, '--rpc', 'nonsense')).rejects.toThrow(UsageError);
    await expect(verify(1, '--confirmations', '1', '--confirmations', '2')).rejects.toThrow(
      '--confirmations is given more than once',
    );
  });
});
