/** Receipts of anchors in real blocks: verified with a block hash alone, and against endpoints that lie. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Anvil, startAnvil } from '../../contracts/anvil.ts';
import { type Hand, honest, NodeProxy, on } from '../../contracts/testing/node-proxy.ts';
import { fetchEventProof } from '../../gateway/anchor/fetch-event-proof.ts';
import { ChainNode } from '../../gateway/anchor/node.ts';
import { BusyChain } from '../../gateway/anchor/testing/busy-block.ts';
import { bytesToHex, hexToBytes } from '../../src/bytes.ts';
import type { Anchor } from '../../src/receipt/anchor.ts';
import { ANSWER_CODES, type AnswerCode } from '../../src/receipt/answer.ts';
import { digest, Ledger, makeDevice, makeRun, makeStatement } from '../../src/receipt/testing/ledger.ts';
import { UsageError } from '../cli.ts';
import { type Outcome, runVerify, writeTrustFile } from '../testing/run-verify.ts';

const DEVICE = makeDevice(1);
const CHAIN = 31_337;

let folder: string;
let anvil: Anvil;
let chain: BusyChain;
let endpoint: NodeProxy;
let ledger: Ledger;
let proven: Anchor;
let bare: Anchor;
let hash: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'verify-'));
  anvil = await startAnvil({ slotsInAnEpoch: 1 });
  chain = await BusyChain.open(anvil.url);
  endpoint = await NodeProxy.start(() => anvil.url);
  // A beacon of the chain itself, as a device hears it.
  const block = await chain.provider.getBlock(1);
  const beacon = { blockNumber: 1n, blockHash: hexToBytes(block?.hash?.slice(2) ?? '') };
  const [first, second] = await makeRun(DEVICE, 2);
  ledger = new Ledger([
    await makeStatement(makeDevice(2), { beacon }),
    first as Uint8Array,
    second as Uint8Array,
  ]);
  bare = await chain.anchor(ledger.anchor.size, ledger.anchor.root, 12);
  await chain.mine(8);
  proven = {
    ...bare,
    eventProof: await fetchEventProof(new ChainNode({ url: anvil.url, timeoutMs: 5000 }), bare),
  };
  hash = `${bare.blockNumber}:0x${bytesToHex(bare.blockHash)}`;
  writeTrust('trust.json', { chainId: CHAIN, address: hex(bare.contract), logId: hex(bare.logId) });
  writeTrust('no-contract.json', undefined);
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

function hex(bytes: Uint8Array): string {
  return `0x${bytesToHex(bytes)}`;
}

function writeTrust(name: string, contract: object | undefined): void {
  writeTrustFile(join(folder, name), [DEVICE, makeDevice(2)], contract);
}

async function verify(anchors: readonly Anchor[], ...args: readonly string[]): Promise<Outcome> {
  return verifyFile(await ledger.exportReceipt(0, anchors), ...args);
}

function verifyFile(bytes: Uint8Array, ...args: readonly string[]): Promise<Outcome> {
  return runVerify(folder, bytes, ...args);
}

async function answersOf(anchors: readonly Anchor[], ...args: readonly string[]) {
  const { code, text } = await verify(anchors, '--json', ...args);
  return {
    code,
    ...(JSON.parse(text) as {
      proven: boolean;
      answers: Record<string, { code: string }>;
      statements: { interval: object }[];
    }),
  };
}

describe('offline', () => {
  test('a block hash proves a receipt, and tells when its statement was made', async () => {
    const { code, text } = await verify([proven], '--block-hash', hash);
    expect([code, text.split('\n').at(-1)]).toEqual([0, 'PROVEN']);
    expect(text).toContain(
      `block ${bare.blockNumber} of chain ${CHAIN}: its anchor stands in it by the proof in the file`,
    );
    expect(text).toMatch(/^interval +not before open; not after 2/m);
    const { statements } = await answersOf([proven], '--block-hash', hash);
    const notAfter = {
      time: bare.blockTime,
      chainId: String(CHAIN),
      blockNumber: String(bare.blockNumber),
      by: 'event-proof',
    };
    expect(statements.map(({ interval }) => interval)).toEqual([{ notAfter }]);
  });

  test('a pack too, each statement with its interval', async () => {
    const { code, text } = await verifyFile(
      await ledger.exportPack([0, 1, 2], [proven]),
      '--block-hash',
      hash,
    );
    expect([code, text.split('\n').at(-1)]).toEqual([0, 'PROVEN']);
    const until = new Date(bare.blockTime * 1000).toISOString();
    expect(text).toContain(`index 2 seq 1: ok, open to ${until}`);
  });

  test.each<[string, () => readonly Anchor[], () => string[], AnswerCode]>([
    ['the file alone', () => [proven], () => [], 'block-unvouched'],
    ['a hash, but no proof', () => [bare], () => ['--block-hash', hash], 'anchor-unchecked'],
    [
      'another block’s hash',
      () => [proven],
      () => ['--block-hash', `${bare.blockNumber}:${hex(digest('fork'))}`],
      'anchor-contradicted',
    ],
    [
      'the hash under another number',
      () => [proven],
      () => ['--block-hash', hash.replace(/^\d+/, '9')],
      'block-unvouched',
    ],
    ['the hash of another chain', () => [proven], () => ['--block-hash', `1:${hash}`], 'block-unvouched'],
    [
      'another root',
      () => [{ ...proven, root: digest('x') }],
      () => ['--block-hash', hash],
      'anchor-of-another-state',
    ],
    [
      'another contract',
      () => [{ ...proven, contract: new Uint8Array(20) }],
      () => ['--block-hash', hash],
      'anchor-of-another-contract',
    ],
    [
      'another time',
      () => [{ ...proven, blockTime: 1 }],
      () => ['--block-hash', hash],
      'header-of-another-block',
    ],
  ])('%s proves nothing', async (_, anchors, args, expected) => {
    const { code, proven: isProven, answers } = await answersOf(anchors(), ...args());
    const outcome = ANSWER_CODES[expected] === 'no' ? 1 : 4;
    expect([code, isProven, answers['anchored']?.code]).toEqual([outcome, false, expected]);
  });

  test('who has nothing but the file is told what to bring, and not handed the hash it claims', async () => {
    const { text } = await verify([proven]);
    expect(text).toContain('--block-hash');
    expect(text).not.toContain(bytesToHex(bare.blockHash));
  });

  test('a hash of which nobody says the chain, or that is none, is wrong usage', async () => {
    const noContract = ['--trust', join(folder, 'no-contract.json')];
    await expect(verify([proven], ...noContract, '--block-hash', hash)).rejects.toThrow(UsageError);
    const named = await answersOf([proven], ...noContract, '--block-hash', `${CHAIN}:${hash}`);
    expect([named.proven, named.answers['anchored']?.code]).toEqual([false, 'anchored-anywhere']);
    for (const wrong of ['0x12', '7', `7:${'0'.repeat(64)}`, `7:0x${'g'.repeat(64)}`])
      await expect(verify([proven], '--block-hash', wrong)).rejects.toThrow('NUMBER:0x');
  });
});

describe('an endpoint', () => {
  const ask = (anchors: readonly Anchor[], ...args: string[]) =>
    answersOf(anchors, '--rpc', endpoint.url, ...args);

  test('that is honest proves it, with the beacon, with and without the proof, with and without a hash', async () => {
    for (const anchors of [[proven], [bare]]) {
      for (const args of [[], ['--block-hash', hash]]) {
        const { code, answers, statements } = await ask(anchors, ...args);
        expect([code, answers['final']?.code, answers['not-before']?.code]).toEqual([
          0,
          'final',
          'beacon-on-chain',
        ]);
        expect(statements[0]?.interval).toMatchObject({
          notBefore: { by: 'beacon' },
          notAfter: { by: 'anchor-event' },
        });
      }
    }
  });

  test('that cannot search for events still vouches for the block, and the file does the rest', async () => {
    endpoint.hand = on('eth_getLogs', () => []);
    const { code, statements } = await ask([proven]);
    expect(code).toBe(0);
    expect(statements[0]?.interval).toMatchObject({ notAfter: { by: 'event-proof' } });
    expect((await ask([bare])).answers['anchored']?.code).toBe('anchor-unchecked');
  });

  /** What the node says of the event, of blocks, of the contract. */
  const lies: readonly [string, Hand, AnswerCode][] = [
    [
      'another root in the event',
      inEvents((log) => ({ ...log, data: `${log.data.slice(0, 66)}${'ab'.repeat(32)}` })),
      'anchor-contradicted',
    ],
    [
      'another block of the event',
      inEvents((log) => ({ ...log, blockNumber: '0x4' })),
      'anchor-contradicted',
    ],
    [
      'another hash of the block',
      inBlocks((block) => ({ ...block, hash: hex(digest('orphan')) })),
      'anchor-contradicted',
    ],
    [
      'no event, and no root',
      ({ method }, truth) =>
        method === 'eth_getLogs'
          ? []
          : method === 'eth_call'
            ? { odd: 'refusal', code: 3, message: 'execution reverted' }
            : truth(),
      'anchor-missing',
    ],
    [
      'an old head',
      ({ method, params }, truth) =>
        method === 'eth_blockNumber'
          ? '0x2'
          : method === 'eth_getLogs'
            ? []
            : method === 'eth_getBlockByNumber' && params[0] !== '0x1'
              ? null
              : truth(),
      'block-unvouched',
    ],
  ];
  test.each(lies)('that tells of %s is not believed', async (_, hand, expected) => {
    endpoint.hand = hand;
    const { code, proven: isProven, answers } = await ask([proven]);
    const outcome = ANSWER_CODES[expected] === 'no' ? 1 : 4;
    expect([code, isProven, answers['anchored']?.code]).toEqual([outcome, false, expected]);
  });

  test('that confirms a forged root or an orphaned block is caught by the proof, or by the hash', async () => {
    const forged = new Ledger([
      ...ledger.statements.slice(0, 2),
      await makeStatement(DEVICE, { subject: 'forged' }),
    ]);
    const { root } = forged.anchor;
    const orphan = digest('orphan');
    endpoint.hand = inEvents((log) => ({ ...log, data: `${log.data.slice(0, 66)}${bytesToHex(root)}` }));
    const answersTo = async (file: Uint8Array, ...args: string[]) => {
      const { text } = await verifyFile(file, '--json', '--rpc', endpoint.url, ...args);
      return JSON.parse(text) as { proven: boolean; answers: { anchored: { code: string } } };
    };
    const withProof = await answersTo(await forged.exportReceipt(0, [{ ...proven, root }]));
    expect([withProof.proven, withProof.answers.anchored.code]).toEqual([false, 'event-of-another-root']);

    const events = inEvents((log) => ({ ...log, blockHash: hex(orphan) }));
    const blocks = inBlocks((block) => ({ ...block, hash: hex(orphan) }));
    endpoint.hand = (call, truth) => blocks(call, async () => events(call, truth));
    const withHash = await answersTo(
      await ledger.exportReceipt(0, [{ ...bare, blockHash: orphan }]),
      '--block-hash',
      hash,
    );
    expect([withHash.proven, withHash.answers.anchored.code]).toEqual([false, 'anchor-contradicted']);
  });
});

interface Log {
  readonly data: string;
}

function inEvents(change: (log: Log) => object): Hand {
  return on('eth_getLogs', async (_call, truth) => ((await truth()) as Log[]).map(change));
}

/** The anchor's block alone: by number, and by whatever hash. */
function inBlocks(change: (block: object) => object): Hand {
  return async ({ method, params: [which] }, truth) => {
    const isIt = which === `0x${bare.blockNumber.toString(16)}` || String(which).length === 66;
    if (!method.startsWith('eth_getBlockBy') || !isIt) return truth();
    return change(((await truth()) as object | null) ?? anyBlock());
  };
}

/** A block in the form of the wire, for a hash that no block has. */
function anyBlock(): object {
  const zero = hex(new Uint8Array(32));
  return {
    ...{
      number: `0x${bare.blockNumber.toString(16)}`,
      hash: zero,
      parentHash: zero,
      timestamp: `0x${bare.blockTime.toString(16)}`,
    },
    ...{
      nonce: '0x0000000000000000',
      difficulty: '0x0',
      gasLimit: '0x1',
      gasUsed: '0x0',
      miner: hex(new Uint8Array(20)),
    },
    ...{ extraData: '0x', transactions: [] },
  };
}
