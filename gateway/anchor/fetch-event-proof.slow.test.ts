/** Proofs of events out of real blocks, which anvil made: its receipts roots are another's word on our trie, headers and receipts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Anvil, startAnvil } from '../../contracts/anvil.ts';
import { type Hand, honest, NO_SUCH_METHOD, NodeProxy, on } from '../../contracts/testing/node-proxy.ts';
import { equalBytes, hexToBytes } from '../../src/bytes.ts';
import { readBlockHeader } from '../../src/evm/block-header.ts';
import { readTransactionReceipt } from '../../src/evm/transaction-receipt.ts';
import { buildListTrie } from '../../src/evm/trie.ts';
import { listKey, valueFromTrieProof } from '../../src/evm/trie-proof.ts';
import type { Anchor } from '../../src/receipt/anchor.ts';
import { type EventProof, findEventProofFault } from '../../src/receipt/event-proof.ts';
import { readRawBlock, readRawReceipt } from './block-answers.ts';
import { fetchEventProof } from './fetch-event-proof.ts';
import { ChainNode } from './node.ts';
import { BusyChain } from './testing/busy-block.ts';

const OTHERS = 151;
const SIZE = 1_000_003;
const ROOT = new Uint8Array(32).fill(7);

let anvil: Anvil;
let chain: BusyChain;
let proxy: NodeProxy;
let node: ChainNode;
let anchor: Anchor;
let proof: EventProof;

beforeAll(async () => {
  anvil = await startAnvil();
  chain = await BusyChain.open(anvil.url);
  proxy = await NodeProxy.start(() => anvil.url);
  node = new ChainNode({ url: proxy.url, timeoutMs: 10_000 });
  anchor = await chain.anchor(SIZE, ROOT, OTHERS);
  proof = await fetchEventProof(node, anchor);
});

afterAll(async () => {
  chain?.close();
  await proxy?.stop();
  await anvil?.stop();
});

/** The header of a block, and its receipts as they stand in its trie. */
async function readBlock(number: number) {
  const block = await chain.provider.send('eth_getBlockByNumber', [`0x${number.toString(16)}`, false]);
  const raw = readRawBlock(block, hexToBytes(block.hash.slice(2)));
  const answers: unknown[] = await chain.provider.send('eth_getBlockReceipts', [`0x${number.toString(16)}`]);
  return {
    header: readBlockHeader(raw.header),
    receipts: answers.map((answer) => readRawReceipt(answer).bytes),
  };
}

describe('a block of all sorts', () => {
  test('has a proof of the anchor, which stands in the midst of the others', () => {
    expect(findEventProofFault(anchor, proof)).toBeUndefined();
    expect(proof.transactionIndex).toBeGreaterThan(10);
    expect(proof.transactionIndex).toBeLessThan(OTHERS);
    expect(proof.nodes.length).toBeGreaterThanOrEqual(3);
  });

  test('has a proof of every transaction, of each type, failed ones too', async () => {
    const { header, receipts } = await readBlock(Number(anchor.blockNumber));
    const trie = buildListTrie(receipts);
    expect(receipts).toHaveLength(OTHERS + 1);
    const root = header?.receiptsRoot as Uint8Array;
    for (const [index, receipt] of receipts.entries()) {
      expect(valueFromTrieProof(root, listKey(index), trie.prove(index))).toEqual(receipt);
      expect(valueFromTrieProof(root, listKey(index + 1), trie.prove(index))).toBeUndefined();
    }
    const types = new Set(receipts.map(([first = 0]) => (first > 0x7f ? 0 : first)));
    expect(types).toEqual(new Set([0, 1, 2]));
    const read = receipts.map(readTransactionReceipt);
    expect(read.filter((receipt) => receipt?.succeeded === false).length).toBeGreaterThan(OTHERS / 8);
    expect(read.every((receipt) => receipt !== undefined)).toBe(true);
  });

  test('and the proof of any other transaction proves no anchor', async () => {
    const { receipts } = await readBlock(Number(anchor.blockNumber));
    const trie = buildListTrie(receipts);
    const codes = receipts.map((_, transactionIndex) => {
      return findEventProofFault(anchor, { ...proof, transactionIndex, nodes: trie.prove(transactionIndex) })
        ?.code;
    });
    expect(codes[proof.transactionIndex]).toBeUndefined();
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(new Set(codes)).toEqual(new Set([undefined, 'event-missing', 'transaction-failed']));
  });

  test('each flipped byte of header, index and nodes is refused', () => {
    const flips = (bytes: Uint8Array) =>
      Array.from(bytes, (byte, at) => Uint8Array.from(bytes).fill(byte ^ (1 << (at % 8)), at, at + 1));
    for (const header of flips(proof.header)) {
      expect(findEventProofFault(anchor, { ...proof, header })?.code).toMatch(/^header-/);
    }
    for (const [which, node] of proof.nodes.entries()) {
      for (const flipped of flips(node)) {
        expect(findEventProofFault(anchor, { ...proof, nodes: proof.nodes.with(which, flipped) })?.code).toBe(
          'event-proof-broken',
        );
      }
    }
    for (let bit = 0; bit < 32; bit++) {
      const transactionIndex = (proof.transactionIndex ^ (1 << bit)) >>> 0;
      expect(findEventProofFault(anchor, { ...proof, transactionIndex })?.code).toBe('event-proof-broken');
    }
  });

  test('nodes left out, repeated, in another order or added are refused', () => {
    const { nodes } = proof;
    const wrong = [
      [],
      ...nodes.map((_, at) => nodes.toSpliced(at, 1)),
      nodes.toReversed(),
      [...nodes, ...nodes],
      [nodes[0] as Uint8Array, ...nodes],
    ];
    for (const list of wrong)
      expect(findEventProofFault(anchor, { ...proof, nodes: list })?.code).toBe('event-proof-broken');
  });

  test.each<[string, Partial<Anchor>, string]>([
    ['contract', { contract: new Uint8Array(20) }, 'event-of-another-contract'],
    ['log id', { logId: new Uint8Array(32) }, 'event-of-another-log'],
    ['size', { size: SIZE - 1 }, 'event-of-another-size'],
    ['root', { root: new Uint8Array(32) }, 'event-of-another-root'],
    ['block hash', { blockHash: new Uint8Array(32) }, 'header-of-another-block'],
    ['block number', { blockNumber: 1n }, 'header-of-another-block'],
    ['block time', { blockTime: 1 }, 'header-of-another-block'],
  ])('an anchor with another %s is not the one proven', (_, change, code) => {
    expect(findEventProofFault({ ...anchor, ...change }, proof)?.code).toBe(code);
  });
});

test('blocks of 1 to 300 transactions: headers hash to the block, receipts to its root', async () => {
  const sizes = [
    ...Array.from({ length: 34 }, (_, at) => at + 1),
    ...[64, 126, 127, 128, 129, 130, 143, 144, 145, 160, 255, 256, 257, 272, 300],
  ];
  for (const size of sizes) {
    const { header, receipts } = await readBlock(await chain.mineTransfers(size));
    expect(receipts).toHaveLength(size);
    const trie = buildListTrie(receipts);
    expect(equalBytes(trie.root, header?.receiptsRoot as Uint8Array), `${size} transactions`).toBe(true);
    for (const index of new Set([0, size >> 1, size - 1])) {
      expect(valueFromTrieProof(trie.root, listKey(index), trie.prove(index))).toEqual(receipts[index]);
    }
  }
});

describe('a node', () => {
  const fetchWith = async (hand: Hand) => {
    proxy.hand = hand;
    proxy.asked.length = 0;
    return fetchEventProof(node, anchor).finally(() => {
      proxy.hand = honest;
    });
  };

  test('without eth_getBlockReceipts is asked for each receipt', async () => {
    expect(await fetchWith(on('eth_getBlockReceipts', () => NO_SUCH_METHOD))).toEqual(proof);
    expect(proxy.asked.filter((method) => method === 'eth_getTransactionReceipt')).toHaveLength(OTHERS + 1);
  });

  const aboutBlock = (change: (block: Fields) => unknown): Hand =>
    on('eth_getBlockByHash', async (_call, truth) => change((await truth()) as Fields));
  const aboutReceipts = (change: (list: readonly Fields[]) => unknown): Hand =>
    on('eth_getBlockReceipts', async (_call, truth) => change((await truth()) as Fields[]));
  const transactionsOf = (block: Fields) => block['transactions'] as string[];

  const lies: readonly [string, Hand, string][] = [
    [
      'another header',
      aboutBlock((block) => ({ ...block, timestamp: '0x1' })),
      'does not have the hash of the block',
    ],
    [
      'a header that leaves a field out',
      aboutBlock(({ withdrawalsRoot: _, ...block }) => block),
      'does not have the hash of the block',
    ],
    ['a header that is none', aboutBlock(() => 'a header'), 'has no such block'],
    ['no block', aboutBlock(() => null), 'has no such block'],
    [
      'no transactions',
      aboutBlock((block) => ({ ...block, transactions: [] })),
      'one receipt for each transaction',
    ],
    [
      'the transactions in another order',
      aboutBlock((block) => ({ ...block, transactions: transactionsOf(block).toReversed() })),
      'gave no proof of the anchor',
    ],
    [
      'ten thousand transactions more',
      aboutBlock((block) => ({
        ...block,
        transactions: [...transactionsOf(block), ...Array(10_000).fill(transactionsOf(block)[0])],
      })),
      'more transactions than its gas allows',
    ],
    [
      'receipts more, of whatever kind',
      aboutReceipts((list) => [...list, {}]),
      'one receipt for each transaction',
    ],
    [
      'a log more',
      aboutReceipts((list) => list.with(0, { ...list[0], logs: list[proof.transactionIndex]?.['logs'] })),
      'receipts that are not those of the anchor’s block',
    ],
    ['a receipt less', aboutReceipts((list) => list.slice(1)), 'one receipt for each transaction'],
    [
      'a receipt twice',
      aboutReceipts((list) => list.with(0, list[1] as Fields)),
      'one receipt for each transaction',
    ],
    [
      'another gas',
      aboutReceipts((list) => list.with(0, { ...list[0], cumulativeGasUsed: '0x1' })),
      'receipts that are not those of the anchor’s block',
    ],
    ['text for receipts', aboutReceipts(() => 'all of them'), 'it is no list'],
    ['numbers for receipts', aboutReceipts((list) => list.map(() => 7)), 'a receipt is no object'],
  ];
  test.each(lies)('that gives %s gives no proof', async (_, hand, message) => {
    const error = await fetchWith(hand).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'chain-unreachable', message: expect.stringContaining(message) });
  });
});

type Fields = Readonly<Record<string, unknown>>;
