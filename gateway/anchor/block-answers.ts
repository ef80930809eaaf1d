/**
 * Block headers and transaction receipts as a node answers them, put back into the bytes that the block's hash and its receipts root are of.
 * attacker-controlled: who uses the bytes compares those hashes, so a field that is wrong or missing here cannot pass.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { equalBytes, hexToBytes } from '../../src/bytes.ts';
import { encodeRlp, rlpInteger } from '../../src/evm/rlp.ts';
import { encodeTransactionReceipt } from '../../src/evm/transaction-receipt.ts';
import { AnswerError, readBytes, readHex, readInteger, readQuantity } from './answers.ts';
import { isObject } from './rpc.ts';
import { hashedExtraData } from './sealed-header.ts';

/** A block, with its header as hashed: on some chains without the seals of the validators. */
export interface RawBlock {
  readonly header: Uint8Array;
  /** Hashes of its transactions in order, lower-case 0x hex. */
  readonly transactions: readonly string[];
}

/** The receipt of one transaction: its place, and the bytes that stand in the trie. */
export interface RawReceipt {
  readonly index: number;
  readonly bytes: Uint8Array;
}

type Form = number | 'quantity' | 'bytes';

/** The fields every header has, in order, with the length of those that have a fixed one. */
const FIRST_FIELDS: readonly (readonly [name: string, form: Form])[] = [
  ['parentHash', 32],
  ['sha3Uncles', 32],
  ['miner', 20],
  ['stateRoot', 32],
  ['transactionsRoot', 32],
  ['receiptsRoot', 32],
  ['logsBloom', 256],
  ['difficulty', 'quantity'],
  ['number', 'quantity'],
  ['gasLimit', 'quantity'],
  ['gasUsed', 'quantity'],
  ['timestamp', 'quantity'],
  ['extraData', 'bytes'],
  ['mixHash', 32],
  ['nonce', 8],
];
const EXTRA_DATA = FIRST_FIELDS.findIndex(([name]) => name === 'extraData');
/** What forks have added, in order (EIP-1559, 4895, 4844, 4788, 7685, 7928, 7843). The first that is not there ends the header. */
const LATER_FIELDS: typeof FIRST_FIELDS = [
  ['baseFeePerGas', 'quantity'],
  ['withdrawalsRoot', 32],
  ['blobGasUsed', 'quantity'],
  ['excessBlobGas', 'quantity'],
  ['parentBeaconBlockRoot', 32],
  ['requestsHash', 32],
  ['blockAccessListHash', 32],
  ['slotNumber', 'quantity'],
];

/** What every transaction costs at least, but for a few that the chain itself puts into a block. */
const GAS_OF_A_TRANSACTION = 21_000n;
const FREE_TRANSACTIONS = 64n;
const BLOOM_BYTES = 256;
const LAST_TYPE = 0x7fn;
/** Deposits on an OP-Stack chain: since its Canyon fork their receipts have two more fields in the trie. */
const DEPOSIT_TYPE = 0x7e;

/**
 * The block with this hash. Throws AnswerError when the fields given do not hash to it, or when there are more
 * transactions than the gas that it used allows: each costs the main thread a receipt.
 */
export function readRawBlock(answer: unknown, blockHash: Uint8Array): RawBlock {
  if (!isObject(answer)) throw new AnswerError('it has no such block');
  const present = LATER_FIELDS.findIndex(([name]) => answer[name] == null);
  const names = [...FIRST_FIELDS, ...LATER_FIELDS.slice(0, present === -1 ? LATER_FIELDS.length : present)];
  const fields = names.map(([name, form]) => readField(answer[name], form, name));
  const header = hashedExtraData(fields[EXTRA_DATA] as Uint8Array)
    .map((extraData) => encodeRlp(fields.with(EXTRA_DATA, extraData)))
    .find((bytes) => equalBytes(keccak_256(bytes), blockHash));
  if (header === undefined) throw new AnswerError('the header it gives does not have the hash of the block');
  const { transactions } = answer;
  if (!Array.isArray(transactions)) throw new AnswerError('the transactions are no list');
  const most = readQuantity(answer['gasUsed'], 'the gas used') / GAS_OF_A_TRANSACTION + FREE_TRANSACTIONS;
  if (transactions.length > most) throw new AnswerError('it has more transactions than its gas allows');
  return { header, transactions: transactions.map((hash) => readHex(hash, 'a transaction hash')) };
}

/** The receipt of a transaction of any type, as it is encoded in the block's trie. */
export function readRawReceipt(answer: unknown): RawReceipt {
  if (!isObject(answer)) throw new AnswerError('a receipt is no object');
  const type = answer['type'] === undefined ? 0n : readQuantity(answer['type'], 'the type');
  if (type > LAST_TYPE) throw new AnswerError('the type of a transaction is over 127');
  const status = readQuantity(answer['status'], 'the status');
  if (status > 1n) throw new AnswerError('the status is neither 0 nor 1');
  const logs = answer['logs'];
  if (!Array.isArray(logs)) throw new AnswerError('the logs are no list');
  const bytes = encodeTransactionReceipt({
    type: Number(type),
    succeeded: status === 1n,
    cumulativeGasUsed: readQuantity(answer['cumulativeGasUsed'], 'the cumulative gas'),
    bloom: readBytes(answer['logsBloom'], BLOOM_BYTES, 'the bloom'),
    logs: logs.map(readRawLog),
    further: furtherFields(Number(type), answer),
  });
  return { index: readInteger(answer['transactionIndex'], 'the transaction index'), bytes };
}

function furtherFields(type: number, answer: Readonly<Record<string, unknown>>): bigint[] {
  if (type !== DEPOSIT_TYPE || answer['depositReceiptVersion'] == null) return [];
  return ['depositNonce', 'depositReceiptVersion'].map((name) => readQuantity(answer[name], name));
}

function readRawLog(log: unknown) {
  if (!isObject(log)) throw new AnswerError('a log is no object');
  const { address, topics, data } = log;
  if (!Array.isArray(topics)) throw new AnswerError('the topics are no list');
  return {
    address: readBytes(address, 20, 'a log address'),
    topics: topics.map((topic) => readBytes(topic, 32, 'a topic')),
    data: hexToBytes(readHex(data, 'the data of a log').slice(2)),
  };
}

function readField(value: unknown, form: Form, name: string): Uint8Array {
  if (form === 'quantity') return rlpInteger(readQuantity(value, name));
  return form === 'bytes' ? hexToBytes(readHex(value, name).slice(2)) : readBytes(value, form, name);
}
