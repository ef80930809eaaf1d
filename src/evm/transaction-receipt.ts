/**
 * The receipt of a transaction, as it stands in the trie of a block: what the transaction did. Legacy (a list) and typed (EIP-2718: the
 * type, then the list). Not to be confused with the receipt of a statement.
 */
import { concatBytes } from '../bytes.ts';
import { decodeRlp, encodeRlp, integerFromRlp, type RlpItem, rlpInteger } from './rlp.ts';

/** An event that a contract recorded. */
export interface EventLog {
  /** 20 bytes. */
  readonly address: Uint8Array;
  /** At most four, 32 bytes each. */
  readonly topics: readonly Uint8Array[];
  readonly data: Uint8Array;
}

export interface TransactionReceipt {
  /** Whether the transaction did not revert (EIP-658). */
  readonly succeeded: boolean;
  readonly logs: readonly EventLog[];
}

/** What a receipt is encoded from. */
export interface TransactionReceiptFields extends TransactionReceipt {
  /** EIP-2718; 0 is legacy. */
  readonly type: number;
  readonly cumulativeGasUsed: bigint;
  /** 256 bytes. */
  readonly bloom: Uint8Array;
  /** What a type of some chain has behind the four fields that all have. */
  readonly further?: readonly bigint[];
}

const BLOOM_BYTES = 256;
/** EIP-2718: a first byte from here on is that of a list, so of a legacy receipt. */
const FIRST_OF_LIST = 0xc0;
const LAST_TYPE = 0x7f;
const MAX_TOPICS = 4;

/** The bytes under a transaction's index in the trie of receipts. */
export function encodeTransactionReceipt(fields: TransactionReceiptFields): Uint8Array {
  const { type, succeeded, cumulativeGasUsed, bloom, logs, further = [] } = fields;
  const list = encodeRlp([
    rlpInteger(succeeded ? 1 : 0),
    rlpInteger(cumulativeGasUsed),
    bloom,
    logs.map(({ address, topics, data }) => [address, topics, data]),
    ...further.map(rlpInteger),
  ]);
  return type === 0 ? list : concatBytes(Uint8Array.of(type), list);
}

/**
 * Reads a receipt of any type; `undefined` for bytes that are none, and for receipts from before EIP-658, which hold a state root in
 * place of the status. Fields behind the four that every type has are left aside.
 */
export function readTransactionReceipt(bytes: Uint8Array): TransactionReceipt | undefined {
  const [first = 0] = bytes;
  if (first === 0 || (first > LAST_TYPE && first < FIRST_OF_LIST)) return undefined;
  const fields = decodeRlp(first <= LAST_TYPE ? bytes.subarray(1) : bytes);
  if (fields === undefined || fields instanceof Uint8Array) return undefined;
  const [status, gas, bloom, list] = fields;
  const succeeded = integerFromRlp(status);
  if (succeeded === undefined || succeeded > 1n || integerFromRlp(gas) === undefined) return undefined;
  if (!isBytes(bloom, BLOOM_BYTES) || list === undefined || list instanceof Uint8Array) return undefined;
  const logs = list.map(readLog);
  if (!logs.every((log) => log !== undefined)) return undefined;
  return { succeeded: succeeded === 1n, logs };
}

function readLog(item: RlpItem): EventLog | undefined {
  if (item instanceof Uint8Array || item.length !== 3) return undefined;
  const [address, topics, data] = item;
  if (!isBytes(address, 20) || !(data instanceof Uint8Array)) return undefined;
  if (topics === undefined || topics instanceof Uint8Array || topics.length > MAX_TOPICS) return undefined;
  return topics.every((topic) => isBytes(topic, 32)) ? { address, topics, data } : undefined;
}

function isBytes(item: RlpItem | undefined, length: number): item is Uint8Array {
  return item instanceof Uint8Array && item.length === length;
}
