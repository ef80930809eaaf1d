/** One RPC endpoint, asked what a receipt claims of its chain: typed questions over JSON-RPC. */
import { Interface } from 'ethers';
import { READING_LOG_ABI } from '../contracts/index.ts';
import { AnswerError, readBlock, readBytes, readHex, readQuantity } from '../gateway/anchor/answers.ts';
import { readRawBlock } from '../gateway/anchor/block-answers.ts';
import type { Block } from '../gateway/anchor/chain.ts';
import { ChainNode } from '../gateway/anchor/node.ts';
import { isObject, RpcError } from '../gateway/anchor/rpc.ts';
import { bytesToHex, equalBytes } from '../src/bytes.ts';
import { readBlockHeader } from '../src/evm/block-header.ts';
import type { Anchor } from '../src/receipt/anchor.ts';

const READING_LOG = new Interface(READING_LOG_ABI);
/** Long enough for a slow public endpoint, short enough for a person to wait. */
const TIMEOUT_MS = 10_000;
const WORD_BYTES = 32;

/** An `Anchored` event where the endpoint found it. */
export type FoundEvent = Pick<Anchor, 'root' | 'transactionHash' | 'blockNumber' | 'blockHash'>;

export class ChainEndpoint {
  readonly #node: ChainNode;

  /** @throws TypeError for a URL that is none. */
  constructor(url: string) {
    this.#node = new ChainNode({ url, timeoutMs: TIMEOUT_MS, meanwhile: '' });
  }

  /** Without credentials, path and query. */
  get name(): string {
    return this.#node.name;
  }

  chainId(): Promise<bigint> {
    return this.#node.ask('eth_chainId', [], (answer) => readQuantity(answer, 'the chain id'));
  }

  newestBlock(): Promise<bigint> {
    return this.#node.ask('eth_blockNumber', [], (answer) => readQuantity(answer, 'the block number'));
  }

  /**
   * By the chain's own tag, or so many blocks behind the newest where the node has none. Some nodes refuse the tag, others answer it with
   * nothing. No answer is neither: to count blocks then would call final what the chain itself may still undo.
   */
  async finalBlock(newest: bigint, confirmations: number): Promise<bigint> {
    const tagged = await this.#node
      .askOrRefuse('eth_getBlockByNumber', ['finalized', false], readBlock)
      .catch((error: unknown) => {
        if (error instanceof RpcError) return undefined;
        throw error;
      });
    return tagged?.number ?? newest - BigInt(confirmations) + 1n;
  }

  /** By its number or its hash; `undefined` when the node has none. */
  block(which: bigint | Uint8Array): Promise<Block | undefined> {
    const [method, name] =
      which instanceof Uint8Array
        ? ['eth_getBlockByHash', hex(which)]
        : ['eth_getBlockByNumber', quantity(which)];
    return this.#node.ask(method, [name, false], readBlock);
  }

  /**
   * A block whose hash was computed from the header the node gives, so that its time is true of that hash. `unproven` when the header does not
   * have the hash that the node says: it lies, or its chain hashes its headers in a way of its own.
   */
  provenBlock(number: bigint): Promise<Block | 'none' | 'unproven'> {
    return this.#node.ask('eth_getBlockByNumber', [quantity(number), false], (answer) => {
      if (answer === null) return 'none';
      const claimed = readBlock(answer);
      if (claimed === undefined || claimed.number !== number) return 'unproven';
      const header = headerOf(answer, claimed.hash);
      return header?.number === number ? { number, hash: claimed.hash, time: header.time } : 'unproven';
    });
  }

  /** The event of an anchor's log and size, in one block or, without, anywhere. */
  async findEvent(anchor: Anchor, block?: bigint): Promise<FoundEvent | undefined> {
    const address = hex(anchor.contract);
    const topics = READING_LOG.encodeFilterTopics('Anchored', [hex(anchor.logId)]);
    const range =
      block === undefined
        ? { fromBlock: '0x0', toBlock: 'latest' }
        : { fromBlock: quantity(block), toBlock: quantity(block) };
    return this.#node.ask('eth_getLogs', [{ address, topics, ...range }], (answer) => {
      if (!Array.isArray(answer)) throw new AnswerError('it is no list');
      return (answer as readonly unknown[]).map((log) => readEvent(log, anchor)).find(Boolean);
    });
  }

  /** Whether the contract holds a root for the anchor's size. */
  async hasRoot({ contract, logId, size }: Anchor): Promise<boolean> {
    const data = READING_LOG.encodeFunctionData('rootAt', [hex(logId), size]);
    try {
      return await this.#node.askOrRefuse(
        'eth_call',
        [{ to: hex(contract), data }, 'latest'],
        (answer) => readHex(answer, 'the root').length === 2 + 2 * WORD_BYTES,
      );
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.code === 3 || /revert|VM execution error/i.test(error.message)) return false;
      throw this.#node.refused('eth_call', error);
    }
  }

  close(): void {
    this.#node.close();
  }
}

function headerOf(answer: unknown, hash: Uint8Array) {
  try {
    return readBlockHeader(readRawBlock(answer, hash).header);
  } catch (error) {
    if (error instanceof AnswerError) return undefined;
    throw error;
  }
}

/** attacker-controlled */
function readEvent(log: unknown, { contract, size }: Anchor): FoundEvent | undefined {
  if (!isObject(log)) throw new AnswerError('a log is no object');
  if (!equalBytes(readBytes(log['address'], 20, 'a log address'), contract)) return undefined;
  const data = readBytes(log['data'], 2 * WORD_BYTES, 'the data of a log');
  if (BigInt(hex(data.subarray(0, WORD_BYTES))) !== BigInt(size)) return undefined;
  return {
    root: data.slice(WORD_BYTES),
    transactionHash: readBytes(log['transactionHash'], 32, 'a transaction hash'),
    blockNumber: readQuantity(log['blockNumber'], 'a block number'),
    blockHash: readBytes(log['blockHash'], 32, 'a block hash'),
  };
}

function hex(bytes: Uint8Array): string {
  return `0x${bytesToHex(bytes)}`;
}

function quantity(value: bigint): string {
  return `0x${value.toString(16)}`;
}
