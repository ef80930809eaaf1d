import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AnswerError,
  readBlock,
  readBytes,
  readHex,
  readInteger,
  readQuantity,
  readReceipt,
} from './answers.ts';

const HASH = `0x${'ab'.repeat(32)}`;
const ID = new Uint8Array(32).fill(0xab);
const BLOCK = { number: '0x10', hash: HASH, timestamp: '0x65', baseFeePerGas: '0x7' };
const LOG = { address: `0x${'cd'.repeat(20)}`, topics: [HASH], data: '0x00FF' };
const RECEIPT = {
  transactionHash: HASH,
  blockNumber: '0x1',
  blockHash: HASH,
  gasUsed: '0x5208',
  status: '0x1',
  logs: [LOG],
};

/** Values that a hostile node may put anywhere. */
const HOSTILE = [
  undefined,
  true,
  0,
  -1,
  1.5,
  Number.NaN,
  '',
  '0x',
  '0xg1',
  '1',
  '-0x1',
  ' 0x1',
  '0x1 ',
  `0x${'f'.repeat(65)}`,
  [],
  ['0x1'],
  {},
  { toString: () => '0x1' },
];

test('reads a block', () => {
  expect(readBlock(BLOCK)).toEqual({
    number: 16n,
    hash: new Uint8Array(32).fill(0xab),
    time: 101,
    baseFee: 7n,
  });
  expect(readBlock(null)).toBeUndefined();
});

test('reads a receipt', () => {
  expect(readReceipt(RECEIPT, ID)).toEqual({
    blockNumber: 1n,
    blockHash: new Uint8Array(32).fill(0xab),
    gasUsed: 21_000n,
    succeeded: true,
    logs: [{ address: new Uint8Array(20).fill(0xcd), topics: [HASH], data: '0x00ff' }],
  });
  expect(readReceipt({ ...RECEIPT, status: '0x0' }, ID)?.succeeded).toBe(false);
  expect(readReceipt({ ...RECEIPT, blockHash: null, blockNumber: null }, ID)).toBeUndefined();
  expect(readReceipt(null, ID)).toBeUndefined();
});

test('a block of a chain without EIP-1559 has no base fee', () => {
  const { baseFeePerGas: _, ...block } = BLOCK;
  expect(readBlock(block)).not.toHaveProperty('baseFee');
});

/** Fields of a block that a value like this cannot stand for. A chain without EIP-1559 has no base fee. */
function fieldsNeeded(value: unknown): string[] {
  return Object.keys(BLOCK).filter((field) => field !== 'baseFeePerGas' || value != null);
}

describe('a hostile node', () => {
  test.each(HOSTILE.map((value) => [value]))(
    '%j is no quantity, no 32 bytes, no block, no receipt',
    (value) => {
      for (const read of [readQuantity, readInteger]) expect(() => read(value, 'x')).toThrow(AnswerError);
      expect(() => readBytes(value, 32, 'x')).toThrow(AnswerError);
      for (const field of fieldsNeeded(value))
        expect(() => readBlock({ ...BLOCK, [field]: value }), field).toThrow(AnswerError);
      for (const field of Object.keys(RECEIPT)) {
        if (field === 'logs' && Array.isArray(value) && value.length === 0) continue;
        expect(() => readReceipt({ ...RECEIPT, [field]: value }, ID), field).toThrow(AnswerError);
      }
      for (const field of Object.keys(LOG)) {
        const harmless =
          (field === 'topics' && Array.isArray(value) && value.length === 0) ||
          (field === 'data' && value === '0x');
        if (!harmless)
          expect(() => readReceipt({ ...RECEIPT, logs: [{ ...LOG, [field]: value }] }, ID), field).toThrow(
            AnswerError,
          );
      }
    },
  );

  test('lists longer than a transaction of ours can cause', () => {
    expect(() => readReceipt({ ...RECEIPT, logs: Array.from({ length: 65 }, () => LOG) }, ID)).toThrow(
      AnswerError,
    );
    expect(() =>
      readReceipt({ ...RECEIPT, logs: [{ ...LOG, topics: Array.from({ length: 5 }, () => HASH) }] }, ID),
    ).toThrow(AnswerError);
  });

  test('the receipt of another transaction', () => {
    expect(() => readReceipt(RECEIPT, new Uint8Array(32))).toThrow(AnswerError);
  });

  test('a status that is neither yes nor no, a number past 2^53', () => {
    expect(() => readReceipt({ ...RECEIPT, status: '0x2' }, ID)).toThrow(AnswerError);
    expect(() => readInteger('0x20000000000000', 'x')).toThrow(AnswerError);
    expect(() => readHex('0x123', 'x')).toThrow(AnswerError);
  });

  test.each([
    ['a block number past 2^53', () => readBlock({ ...BLOCK, number: '0x20000000000000' })],
    ['a block time past the end of all dates', () => readBlock({ ...BLOCK, timestamp: '0x7dba8218001' })],
    ['the block number of a receipt', () => readReceipt({ ...RECEIPT, blockNumber: '0x20000000000000' }, ID)],
    ['more gas than the store can add up', () => readReceipt({ ...RECEIPT, gasUsed: '0xe8d4a51001' }, ID)],
  ])('%s is too large', (_what, read) => {
    expect(read).toThrow(/ is too large$/);
  });

  test('numbers in capitals and with leading zeros are what they say', () => {
    for (const hex of ['0xff', '0x00fF', '0XFF']) expect(readQuantity(hex, 'x')).toBe(255n);
  });

  test('any JSON is read or refused with our own error', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const read of [readBlock, (any: unknown) => readReceipt(any, ID)]) {
          try {
            read(value);
          } catch (error) {
            expect(error).toBeInstanceOf(AnswerError);
          }
        }
      }),
    );
  });
});
