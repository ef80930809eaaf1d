import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Anchor } from '../src/receipt/anchor.ts';
import { lookUp } from './chain-facts.ts';

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}
/** What the node says to a call: a result, an error object, or undefined for HTTP 500. */
type Answer = { readonly result: unknown } | { readonly error: object } | undefined;

let server: Server | undefined;
let searches = 0;

afterEach(() => {
  server?.close();
  searches = 0;
});

const HEAD = 100;
const BLOCK_HASH = `0x${'bb'.repeat(32)}`;
const anchor: Anchor = {
  chainId: 1n,
  contract: new Uint8Array(20).fill(1),
  logId: new Uint8Array(32).fill(2),
  size: 7,
  root: new Uint8Array(32).fill(3),
  transactionHash: new Uint8Array(32).fill(4),
  blockNumber: 50n,
  blockHash: new Uint8Array(32).fill(0xbb),
  blockTime: 1000,
};
const hex = (bytes: Uint8Array | number): string =>
  typeof bytes === 'number' ? `0x${bytes.toString(16)}` : `0x${Buffer.from(bytes).toString('hex')}`;

const EVENT = {
  address: hex(anchor.contract),
  topics: ['0x', hex(anchor.logId)],
  data: `0x${(7).toString(16).padStart(64, '0')}${'03'.repeat(32)}`,
  blockNumber: hex(50),
  blockHash: BLOCK_HASH,
  transactionHash: hex(anchor.transactionHash),
  transactionIndex: '0x0',
  logIndex: '0x0',
  removed: false,
};

function block(number: number): object {
  return {
    number: hex(number),
    hash: BLOCK_HASH,
    parentHash: BLOCK_HASH,
    timestamp: hex(1000),
    nonce: '0x0000000000000000',
    difficulty: '0x0',
    gasLimit: '0x1',
    gasUsed: '0x0',
    miner: hex(new Uint8Array(20)),
    extraData: '0x',
    transactions: [],
  };
}

/** A node whose `finalized` tag answers as told, and which otherwise holds the anchor in block 50 of 100. */
async function startNode(finalized: Answer): Promise<string> {
  const answerTo = ({ method, params }: Call): Answer => {
    if (method === 'eth_chainId') return { result: '0x1' };
    if (method === 'eth_call') return { error: { code: 3, message: 'execution reverted' } };
    if (method === 'eth_blockNumber') return { result: hex(HEAD) };
    if (method === 'eth_getLogs') searches += 1;
    if (method === 'eth_getLogs')
      return { result: [{ ...EVENT, topics: [topicOf(params), hex(anchor.logId)] }] };
    return params[0] === 'finalized' ? finalized : { result: block(50) };
  };
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const calls = [JSON.parse(body) as Call | Call[]].flat();
      const answers = calls.map((call) => ({ call, answer: answerTo(call) }));
      if (answers.some(({ answer }) => answer === undefined)) return response.writeHead(500).end();
      const replies = answers.map(({ call, answer }) => ({ jsonrpc: '2.0', id: call.id, ...answer }));
      return response.end(JSON.stringify(body.startsWith('[') ? replies : replies[0]));
    });
  });
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/v2/secret-key`;
}

function topicOf([filter]: readonly unknown[]): string {
  return (filter as { topics: string[] }).topics[0] ?? '';
}

const ask = async (rpcUrl: string) =>
  (await lookUp({ anchors: [anchor], beacons: [] }, { rpcUrl, confirmations: 12 })).facts;

test.each<[string, Answer]>([
  ['refuses the tag', { error: { code: -32602, message: 'invalid block tag' } }],
  ['answers the tag with nothing', { result: null }],
])('confirmations count on a chain whose node %s', async (_name, finalized) => {
  const facts = await ask(await startNode(finalized));
  expect(facts.anchors.map(({ final }) => final)).toEqual([true]);
});

test('where the chain has a tag, only the tag counts', async () => {
  const facts = await ask(await startNode({ result: block(49) }));
  expect(facts.anchors.map(({ final }) => final)).toEqual([false]);
});

test('a node that fails to say what is final is not counted past, and its URL stays out of the message', async () => {
  const failure = await ask(await startNode(undefined)).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'chain-unreachable',
    message: expect.stringMatching(
      /^the node at http:\/\/127\.0\.0\.1:\d+ answered eth_getBlockByNumber with HTTP status 500$/,
    ),
  });
});

test('a receipt that names ten thousand anchors does not turn its reader against the endpoint', async () => {
  const rpcUrl = await startNode({ result: block(60) });
  const anchors = Array.from({ length: 10_000 }, (_, at) => ({ ...anchor, size: 7 + at }));
  const { facts } = await lookUp({ anchors, beacons: [] }, { rpcUrl, confirmations: 12 });
  expect(facts.anchors.map(({ size }) => size)).toContain(7);
  expect(searches).toBeLessThanOrEqual(32);
});
