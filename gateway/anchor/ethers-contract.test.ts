import { Interface } from 'ethers';
import { describe, expect, test } from 'vitest';
import { READING_LOG_ABI } from '../../contracts/index.ts';
import { AnswerError } from './answers.ts';
import { LogContract, revertName, toHex } from './ethers-contract.ts';

const ABI = new Interface(READING_LOG_ABI);
const fill = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);
const TARGET = { chainId: 1n, contract: fill(20, 0xab), logId: fill(32, 0xcd) };
const ROOT = fill(32, 3);
const contract = new LogContract(TARGET);

/** An `Anchored` event as a node gives it. */
function anchored(address: Uint8Array, logId: Uint8Array, size: bigint) {
  const { topics, data } = ABI.encodeEventLog('Anchored', [logId, size, ROOT]);
  return { address, topics, data };
}

describe('readAnchored', () => {
  test('takes the event of this contract and this log', () => {
    expect(contract.readAnchored(anchored(TARGET.contract, TARGET.logId, 9n))).toEqual([
      { size: 9, root: ROOT },
    ]);
  });

  test.each([
    ['another contract', anchored(fill(20, 1), TARGET.logId, 9n)],
    ['another log', anchored(TARGET.contract, fill(32, 1), 9n)],
    ['another event', { address: TARGET.contract, topics: [toHex(ROOT), toHex(TARGET.logId)], data: '0x' }],
    ['an event without topics', { address: TARGET.contract, topics: [], data: '0x' }],
  ])('takes nothing from %s', (_name, log) => {
    expect(contract.readAnchored(log)).toEqual([]);
  });

  test('refuses a size that no log of ours can have, and cut data', () => {
    expect(() => contract.readAnchored(anchored(TARGET.contract, TARGET.logId, 2n ** 53n))).toThrow(
      AnswerError,
    );
    const log = anchored(TARGET.contract, TARGET.logId, 9n);
    expect(() => contract.readAnchored({ ...log, data: log.data.slice(0, -2) })).toThrow();
  });
});

test('the zero address operates nothing', () => {
  const zero = '0x0000000000000000000000000000000000000000';
  const answer = ABI.encodeFunctionResult('logOf', [toHex(fill(20, 1)), zero, zero, zero, ROOT]);
  expect(contract.readOperator(answer)).toBeUndefined();
});

test('a revert has the name the contract gave it, or none', () => {
  const named = ABI.encodeErrorResult('NotOperator', [TARGET.logId, toHex(fill(20, 1)), toHex(fill(20, 2))]);
  expect(revertName(named)).toBe('NotOperator');
  for (const data of ['0xdeadbeef', '0x', named.slice(0, 40), undefined, null, 7, { data: named }]) {
    expect(revertName(data)).toBeUndefined();
  }
});
