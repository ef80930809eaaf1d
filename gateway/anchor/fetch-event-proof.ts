/**
 * Makes the proof of an anchor's event out of what a node says of its block. The node is not trusted with any of it: the header must hash to the
 * block, the receipts must hash to the header's root, and the proof must convince the same check that a verifier makes.
 */
import { equalBytes } from '../../src/bytes.ts';
import { readBlockHeader } from '../../src/evm/block-header.ts';
import { buildListTrie } from '../../src/evm/trie.ts';
import type { Anchor } from '../../src/receipt/anchor.ts';
import { type EventProof, findEventProofFault } from '../../src/receipt/event-proof.ts';
import { AnswerError } from './answers.ts';
import { type RawBlock, type RawReceipt, readRawBlock, readRawReceipt } from './block-answers.ts';
import { toHex } from './ethers-contract.ts';
import type { ChainNode } from './node.ts';
import { RpcError } from './rpc.ts';

/** The receipts of a full block in JSON have a few megabytes. More would hold the main thread up for longer than a proof is worth. */
export const BLOCK_ANSWER_MAX_BYTES = 16 * 1024 * 1024;
/** Where a node has no method for all receipts of a block, so many are asked for, so many at once. */
const ONE_BY_ONE_AT_MOST = 2000;
const AT_ONCE = 8;

/**
 * The proof for an anchor in a block of the node's chain. Takes up to 250 rounds of calls: give it a node with a time for all of them.
 * @throws GatewayError `chain-unreachable` when the node does not give what it takes, or gives something else.
 */
export async function fetchEventProof(node: ChainNode, anchor: Anchor): Promise<EventProof> {
  const block = await node.ask('eth_getBlockByHash', [toHex(anchor.blockHash), false], (answer) =>
    readRawBlock(answer, anchor.blockHash),
  );
  const receipts = await fetchReceipts(node, block, anchor);
  const transactionIndex = block.transactions.indexOf(toHex(anchor.transactionHash));
  const root = readBlockHeader(block.header)?.receiptsRoot;
  if (transactionIndex < 0 || root === undefined)
    throw node.unreachable('does not have the anchor’s transaction in its block');
  const trie = buildListTrie(receipts);
  if (!equalBytes(trie.root, root))
    throw node.unreachable('gave receipts that are not those of the anchor’s block');
  const proof = { header: block.header, transactionIndex, nodes: trie.prove(transactionIndex) };
  const fault = findEventProofFault(anchor, proof);
  if (fault !== undefined) throw node.unreachable(`gave no proof of the anchor: ${fault.detail}`);
  return proof;
}

/** The receipts of all transactions of the block, encoded, in order. */
async function fetchReceipts(node: ChainNode, block: RawBlock, anchor: Anchor): Promise<Uint8Array[]> {
  const number = `0x${anchor.blockNumber.toString(16)}`;
  try {
    return await node.askOrRefuse('eth_getBlockReceipts', [number], (answer) => {
      if (!Array.isArray(answer)) throw new AnswerError('it is no list');
      // Before they are read, which takes its time.
      if (answer.length !== block.transactions.length) throw notOneEach();
      return inOrder(answer.map(readRawReceipt), block);
    });
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
  }
  return fetchOneByOne(node, block);
}

/** Not every node has a method for all of them. */
async function fetchOneByOne(node: ChainNode, block: RawBlock): Promise<Uint8Array[]> {
  const { transactions } = block;
  if (transactions.length > ONE_BY_ONE_AT_MOST)
    throw node.unreachable(`has no eth_getBlockReceipts, and the block ${transactions.length} transactions`);
  const receipts: RawReceipt[] = [];
  for (let at = 0; at < transactions.length; at += AT_ONCE) {
    const some = transactions.slice(at, at + AT_ONCE);
    const ask = (hash: string) => node.ask('eth_getTransactionReceipt', [hash], readRawReceipt);
    receipts.push(...(await Promise.all(some.map(ask))));
  }
  return inOrder(receipts, block);
}

function inOrder(receipts: readonly RawReceipt[], { transactions }: RawBlock): Uint8Array[] {
  const sorted = receipts.toSorted((a, b) => a.index - b.index);
  if (sorted.length !== transactions.length || sorted.some(({ index }, at) => index !== at))
    throw notOneEach();
  return sorted.map(({ bytes }) => bytes);
}

function notOneEach(): AnswerError {
  return new AnswerError('it is not one receipt for each transaction');
}
