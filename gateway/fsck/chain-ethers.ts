/** The checker's chain as one node has it: ABI by ethers, the wire and its strict readers shared with the anchor stage. Signs nothing. */
import { Interface, keccak256 } from 'ethers';
import { READING_LOG_ABI, READING_LOG_CODE_HASH } from '../../contracts/index.ts';
import { bytesToHex } from '../../src/bytes.ts';
import {
  AnswerError,
  type EventLog,
  readBlock,
  readBytes,
  readHex,
  readQuantity,
  readReceipt,
} from '../anchor/answers.ts';
import { RpcClient, RpcError } from '../anchor/rpc.ts';
import { GatewayError } from '../errors.ts';
import type { ChainHead, ChainTransaction, LogChain } from './chain.ts';

export interface EthersLogChainOptions {
  readonly rpcUrl: string;
  /** 0x hex, 20 bytes. */
  readonly contract: string;
  /** 0x hex, 32 bytes. */
  readonly logId: string;
  readonly timeoutMs: number;
}

const CONTRACT = new Interface(READING_LOG_ABI);
/** What the contract says instead of an answer; everything else a node refuses is the node's trouble. */
const NO_SUCH = new Set(['UnknownLog', 'UnknownSize']);

/** See chain.ts for what each method promises. */
export class EthersLogChain implements LogChain {
  readonly #rpc: RpcClient;
  readonly #contract: string;
  readonly #logId: string;

  constructor({ rpcUrl, contract, logId, timeoutMs }: EthersLogChainOptions) {
    this.#rpc = new RpcClient({ url: rpcUrl, timeoutMs });
    this.#contract = contract.toLowerCase();
    this.#logId = logId.toLowerCase();
  }

  /** The node's address without credentials. */
  get name(): string {
    return this.#rpc.name;
  }

  chainId(): Promise<bigint> {
    return this.#call('eth_chainId', [], (value) => readQuantity(value, 'the chain id'));
  }

  async contract(): Promise<'reading-log' | 'none' | 'other'> {
    const code = await this.#call('eth_getCode', [this.#contract, 'latest'], (value) =>
      readHex(value, 'the code'),
    );
    if (code === '0x') return 'none';
    return keccak256(code) === READING_LOG_CODE_HASH ? 'reading-log' : 'other';
  }

  async logKeyHash(): Promise<Uint8Array | undefined> {
    const answer = await this.#view('logOf', [this.#logId]);
    return (
      answer && this.#read('logOf', () => readBytes(answer['logKeyHash'], 32, 'the hash of the log key'))
    );
  }

  async head(): Promise<ChainHead> {
    const answer = await this.#view('head', [this.#logId]);
    return answer === undefined
      ? { size: 0, root: new Uint8Array(32) }
      : this.#read('head', () => toHead(answer));
  }

  async rootAt(size: number): Promise<Uint8Array | undefined> {
    const answer = await this.#view('rootAt', [this.#logId, size]);
    return answer && this.#read('rootAt', () => readBytes(answer['root'], 32, 'the root'));
  }

  async blockHash(number: bigint): Promise<Uint8Array | undefined> {
    const params = [`0x${number.toString(16)}`, false];
    return (await this.#call('eth_getBlockByNumber', params, readBlock))?.hash;
  }

  async transaction(hash: Uint8Array): Promise<ChainTransaction | undefined> {
    const receipt = await this.#call('eth_getTransactionReceipt', [`0x${bytesToHex(hash)}`], (value) =>
      readReceipt(value, hash),
    );
    if (receipt === undefined) return undefined;
    const { blockNumber, blockHash, logs } = receipt;
    const anchored = this.#read('a receipt', () => logs.flatMap((log) => this.#anchored(log)));
    return { blockNumber, blockHash, anchored };
  }

  close(): void {
    this.#rpc.close();
  }

  #anchored(log: EventLog): ChainHead[] {
    if (`0x${bytesToHex(log.address)}` !== this.#contract) return [];
    const event = CONTRACT.parseLog({ topics: log.topics, data: log.data });
    return event?.name === 'Anchored' && event.args['logId'] === this.#logId
      ? [toHead(event.args.toObject())]
      : [];
  }

  /** The named results of a view; undefined when the contract knows no such log or size. */
  async #view(name: string, args: readonly unknown[]): Promise<Record<string, unknown> | undefined> {
    const data = CONTRACT.encodeFunctionData(name, args);
    let result: string;
    try {
      const answer = await this.#rpc.call('eth_call', [{ to: this.#contract, data }, 'latest']);
      result = this.#read(name, () => readHex(answer, name));
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (NO_SUCH.has(revertName(error))) return undefined;
      throw this.#rpc.unreachable(`refused ${name}: ${error.message}`);
    }
    return this.#read(name, () => CONTRACT.decodeFunctionResult(name, result).toObject());
  }

  async #call<T>(method: string, params: readonly unknown[], read: (value: unknown) => T): Promise<T> {
    try {
      const answer = await this.#rpc.call(method, params);
      return this.#read(method, () => read(answer));
    } catch (error) {
      if (error instanceof RpcError) throw this.#rpc.unreachable(`refused ${method}: ${error.message}`);
      throw error;
    }
  }

  /** Runs a reader over an answer; what it cannot read counts as no answer. */
  #read<T>(what: string, read: () => T): T {
    try {
      return read(); // attacker-controlled
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause;
      const reason = cause instanceof AnswerError ? cause.message : 'it cannot be decoded';
      throw this.#rpc.unreachable(`gave an unusable answer to ${what}: ${reason}`);
    }
  }
}

function toHead(values: Record<string, unknown>): ChainHead {
  const size = values['size'];
  if (typeof size !== 'bigint' || size > BigInt(Number.MAX_SAFE_INTEGER))
    throw new AnswerError('the size is no safe integer');
  return { size: Number(size), root: readBytes(values['root'], 32, 'the root') };
}

/** The name of the contract's custom error, or '' when the node handed none through. */
function revertName(error: RpcError): string {
  const data = typeof error.data === 'string' ? error.data : '';
  if (!/^0x(?:[0-9a-f]{2}){4,}$/i.test(data)) return '';
  try {
    return CONTRACT.parseError(data)?.name ?? '';
  } catch {
    return '';
  }
}
