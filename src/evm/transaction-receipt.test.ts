import { describe, expect, test } from 'vitest';
import { concatBytes } from '../bytes.ts';
import { encodeRlp, type RlpItem, rlpInteger } from './rlp.ts';
import {
  encodeTransactionReceipt,
  readTransactionReceipt,
  type TransactionReceiptFields,
} from './transaction-receipt.ts';

const bytes = (length: number, fill = 1) => new Uint8Array(length).fill(fill);
const LOG = { address: bytes(20), topics: [bytes(32, 2), bytes(32, 3)], data: bytes(64, 4) };
const BASE: TransactionReceiptFields = {
  type: 2,
  succeeded: true,
  cumulativeGasUsed: 2n ** 40n,
  bloom: bytes(256, 5),
  logs: [LOG, { address: bytes(20, 6), topics: [], data: bytes(0) }],
};

describe('a receipt', () => {
  test.each([0, 1, 2, 3, 4, 0x64, 0x7e])('of type %i survives its encoding', (type) => {
    for (const succeeded of [true, false]) {
      const read = readTransactionReceipt(encodeTransactionReceipt({ ...BASE, type, succeeded }));
      expect(read).toEqual({ succeeded, logs: BASE.logs });
    }
  });

  test('with further fields is read as far as all are alike', () => {
    const deposit = encodeTransactionReceipt({ ...BASE, type: 0x7e, further: [9n, 1n] });
    expect(readTransactionReceipt(deposit)?.logs).toEqual(BASE.logs);
    expect(deposit.subarray(-2)).toEqual(Uint8Array.of(9, 1));
  });
});

describe('refused are', () => {
  const logItem = (change: Partial<Record<'address' | 'topics' | 'data', RlpItem>> = {}): RlpItem => {
    const { address, topics, data } = { ...LOG, ...change };
    return [address, topics, data];
  };
  const list = (...change: readonly [place: number, item: RlpItem] | []): Uint8Array => {
    const fields: RlpItem[] = [Uint8Array.of(1), rlpInteger(21_000), bytes(256), [logItem()]];
    return encodeRlp(change.length === 0 ? fields : fields.with(change[0], change[1]));
  };

  test('the base case is none of these', () => expect(readTransactionReceipt(list())?.succeeded).toBe(true));

  test.each<[string, Uint8Array]>([
    ['no bytes', bytes(0)],
    ['type 0 as a byte', concatBytes(Uint8Array.of(0), list())],
    ['a type beyond 127', concatBytes(Uint8Array.of(0x80), list())],
    ['a type twice', concatBytes(Uint8Array.of(2, 2), list())],
    ['a type without a list', Uint8Array.of(2)],
    ['a byte behind it', concatBytes(list(), Uint8Array.of(0))],
    ['a string for a list', encodeRlp(list())],
    ['a state root for a status', list(0, bytes(32))],
    ['a status of 2', list(0, Uint8Array.of(2))],
    ['a status of a zero byte', list(0, Uint8Array.of(0))],
    ['gas that is a list', list(1, [])],
    ['a bloom of 255 bytes', list(2, bytes(255))],
    ['logs that are bytes', list(3, bytes(3))],
    ['a log that is bytes', list(3, [bytes(3)])],
    ['a log of two', list(3, [[bytes(20), []]])],
    ['an address of 21 bytes', list(3, [logItem({ address: bytes(21) })])],
    ['topics that are bytes', list(3, [logItem({ topics: bytes(32) })])],
    ['five topics', list(3, [logItem({ topics: [1, 2, 3, 4, 5].map(() => bytes(32)) })])],
    ['a topic of 31 bytes', list(3, [logItem({ topics: [bytes(31)] })])],
    ['data that is a list', list(3, [logItem({ data: [] })])],
    ['three fields', encodeRlp([Uint8Array.of(1), rlpInteger(21_000), bytes(256)])],
  ])('%s', (_, wrong) => expect(readTransactionReceipt(wrong)).toBeUndefined());
});
