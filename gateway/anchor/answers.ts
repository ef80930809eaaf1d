/**
 * Strict readers of what a node answers. attacker-controlled, every byte: each reader takes `unknown` and either
 * returns the typed value or throws AnswerError, which says what was wrong, never what was received.
 */
import { equalBytes, hexToBytes } from '../../src/bytes.ts';
import type { Block } from './chain.ts';
import { isObject } from './rpc.ts';

/** An answer of the wrong form. The caller turns it into `chain-unreachable`: nothing is known. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

/** A transaction receipt, reduced to what is used. Logs keep only what decoding needs. */
export interface Receipt {
  readonly blockNumber: bigint;
  readonly blockHash: Uint8Array;
  readonly gasUsed: bigint;
  readonly succeeded: boolean;
  readonly logs: readonly EventLog[];
}

export interface EventLog {
  /** 20 bytes. */
  readonly address: Uint8Array;
  /** Lower-case 0x hex, 32 bytes each, at most four. */
  readonly topics: readonly string[];
  readonly data: string;
}

/** The last second of a Date. */
const MAX_TIME_S = 8_640_000_000_000n;
/** Far beyond any transaction, and small enough that the store can add up the gas of a lifetime of lies. */
const MAX_GAS_USED = 10n ** 12n;
/** More events than a transaction of ours could ever cause; an answer with more is nonsense. */
const MAX_LOGS = 64;

/** A JSON-RPC quantity: 0x hex, at most 256 bits. */
export function readQuantity(value: unknown, what: string): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,64}$/i.test(value))
    throw new AnswerError(`${what} is no quantity`);
  return BigInt(value);
}

/** A quantity that must fit a safe integer, or be no more than `most`. */
export function readInteger(value: unknown, what: string, most = BigInt(Number.MAX_SAFE_INTEGER)): number {
  const quantity = readQuantity(value, what);
  if (quantity > most) throw new AnswerError(`${what} is too large`);
  return Number(quantity);
}

/** A heartbeat cannot hold one of more than 64 bits, and no chain comes near 53. */
function readBlockNumber(value: unknown): bigint {
  return BigInt(readInteger(value, 'the block number'));
}

/** Exactly `length` bytes of 0x hex. */
export function readBytes(value: unknown, length: number, what: string): Uint8Array {
  const hex = readHex(value, what);
  if (hex.length !== 2 + 2 * length) throw new AnswerError(`${what} is not ${length} bytes`);
  return hexToBytes(hex.slice(2));
}

/** Any whole number of bytes as lower-case 0x hex. */
export function readHex(value: unknown, what: string): string {
  if (typeof value !== 'string' || !/^0x(?:[0-9a-f]{2})*$/i.test(value))
    throw new AnswerError(`${what} is no hex string`);
  return value.toLowerCase();
}

/** A block header, or `undefined` for the `null` that means there is none. */
export function readBlock(value: unknown): Block | undefined {
  if (value === null) return undefined;
  if (!isObject(value)) throw new AnswerError('the block is no object');
  return {
    number: readBlockNumber(value['number']),
    hash: readBytes(value['hash'], 32, 'the block hash'),
    time: readInteger(value['timestamp'], 'the block time', MAX_TIME_S),
    ...readBaseFee(value['baseFeePerGas']),
  };
}

/** Blocks of a chain without EIP-1559 have no base fee. */
function readBaseFee(value: unknown): Pick<Block, 'baseFee'> {
  return value == null ? {} : { baseFee: readQuantity(value, 'the base fee') };
}

/** The receipt of this transaction, or `undefined` for the `null` that means it is in no block. */
export function readReceipt(value: unknown, transactionHash: Uint8Array): Receipt | undefined {
  if (value === null) return undefined;
  if (!isObject(value)) throw new AnswerError('the receipt is no object');
  // A few nodes answer for pending transactions too, without a block: not in a block, so no receipt.
  if (value['blockHash'] === null || value['blockNumber'] === null) return undefined;
  if (!equalBytes(readBytes(value['transactionHash'], 32, 'the transaction hash'), transactionHash)) {
    throw new AnswerError('it is the receipt of another transaction');
  }
  const logs = value['logs'];
  if (!Array.isArray(logs) || logs.length > MAX_LOGS) throw new AnswerError('the logs are no short list');
  return {
    blockNumber: readBlockNumber(value['blockNumber']),
    blockHash: readBytes(value['blockHash'], 32, 'the block hash'),
    gasUsed: BigInt(readInteger(value['gasUsed'], 'the gas used', MAX_GAS_USED)),
    succeeded: readStatus(value['status']),
    logs: logs.map(readLog),
  };
}

function readStatus(value: unknown): boolean {
  const status = readQuantity(value, 'the status');
  if (status > 1n) throw new AnswerError('the status is neither 0 nor 1');
  return status === 1n;
}

function readLog(value: unknown): EventLog {
  if (!isObject(value)) throw new AnswerError('a log is no object');
  const topics = value['topics'];
  if (!Array.isArray(topics) || topics.length > 4) throw new AnswerError('the topics are no short list');
  return {
    address: readBytes(value['address'], 20, 'a log address'),
    topics: topics.map((topic) => {
      const hex = readHex(topic, 'a topic');
      if (hex.length !== 66) throw new AnswerError('a topic is not 32 bytes');
      return hex;
    }),
    data: readHex(value['data'], 'the data of a log'),
  };
}
