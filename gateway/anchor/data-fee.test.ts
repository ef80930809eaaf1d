import { Interface, Transaction } from 'ethers';
import { describe, expect, test } from 'vitest';
import { hashLeaf, hashNode } from '../../src/merkle/hash.ts';
import { proveConsistency } from '../../src/merkle/proof.ts';
import { rangeRoot } from '../../src/merkle/shape.ts';
import { uniformNodes } from '../../src/merkle/testing/tree.ts';
import { dataFeeRequest, largestAnchor, nextDataFee, readDataFee } from './data-fee.ts';

describe('largestAnchor', () => {
  const read = uniformNodes(hashLeaf(new Uint8Array(1)));

  test.each([1, 2, 3, 4, 5, 7, 8, 9, 100, 127, 128, 129, 257])(
    'has as long a proof as any anchor of a log of %i entries',
    (size) => {
      expect(rangeRoot(read, 0, size, hashNode)).toHaveLength(32);
      const lengths = Array.from({ length: size }, (_, from) => proveConsistency(read, from, size).length);
      const { consistencyProof } = largestAnchor(size);
      const longest = Math.max(...lengths);
      expect(consistencyProof.length).toBeGreaterThanOrEqual(longest);
      expect(consistencyProof.length).toBeLessThanOrEqual(longest + 2);
    },
  );

  test('is of hashes that differ', () => {
    const { root, consistencyProof } = largestAnchor(2 ** 50);
    expect(new Set([root, ...consistencyProof].map(String)).size).toBe(1 + consistencyProof.length);
  });
});

test('the oracle is asked about the transaction as it would be signed', () => {
  const to = `0x${'11'.repeat(20)}`;
  const request = dataFeeRequest({ chainId: 84_532n, to, data: '0x1234' });
  expect(request).toMatchObject({ to: '0x420000000000000000000000000000000000000F' });
  const { data } = request as { data: string };
  expect(data.slice(0, 10)).toBe('0x49948e0e');
  const [unsigned] = new Interface(['function getL1Fee(bytes)']).decodeFunctionData('getL1Fee', data);
  expect(Transaction.from(unsigned)).toMatchObject({ type: 2, chainId: 84_532n, to, data: '0x1234' });
});

test('an answer is a fee, nothing, or no answer', () => {
  expect(readDataFee(`0x${'00'.repeat(31)}07`)).toBe(7n);
  expect(readDataFee(`0x${'ff'.repeat(32)}`)).toBe(2n ** 256n - 1n);
  expect(readDataFee('0x')).toBe(0n);
  for (const nonsense of ['0x00', `0x${'00'.repeat(31)}`]) expect(() => readDataFee(nonsense)).toThrow();
});

test('a ceiling of 0 asks nobody', async () => {
  const asked: number[] = [];
  const chain = { dataFee: async ({ size }: { size: number }) => BigInt(asked.push(size)) };
  expect(await nextDataFee(chain, 0n, 9)).toBe(0n);
  expect(await nextDataFee(chain, 1n, 9)).toBe(1n);
  expect(asked).toEqual([9]);
});
