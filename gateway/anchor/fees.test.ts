import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bump, chooseFee, isPayable } from './fees.ts';

const GWEI = 1_000_000_000n;
const wei = fc.bigInt(0n, 10_000n * GWEI);
const feeOf = (choice: ReturnType<typeof chooseFee>) => (choice.kind === 'ok' ? choice.fee : undefined);

describe('chooseFee', () => {
  test('leaves room for the base fee to double', () => {
    const choice = chooseFee({ baseFee: 10n * GWEI, suggestedTip: GWEI }, 100n * GWEI);
    expect(choice).toEqual({ kind: 'ok', fee: { maxFeePerGas: 21n * GWEI, maxPriorityFeePerGas: GWEI } });
  });

  test('keeps half the ceiling for replacements', () => {
    const fee = feeOf(chooseFee({ baseFee: 30n * GWEI, suggestedTip: GWEI }, 100n * GWEI));
    expect(fee?.maxFeePerGas).toBe(50n * GWEI);
    expect(feeOf(chooseFee({ baseFee: 70n * GWEI, suggestedTip: GWEI }, 100n * GWEI))?.maxFeePerGas).toBe(
      71n * GWEI,
    );
  });

  test('gives up tip before it passes the ceiling', () => {
    const choice = chooseFee({ baseFee: 99n * GWEI, suggestedTip: 5n * GWEI }, 100n * GWEI);
    expect(choice).toEqual({ kind: 'ok', fee: { maxFeePerGas: 100n * GWEI, maxPriorityFeePerGas: GWEI } });
  });

  test('waits when the base fee is above the ceiling', () => {
    expect(chooseFee({ baseFee: 101n, suggestedTip: 1n }, 100n)).toEqual({
      kind: 'too-expensive',
      needed: 101n,
    });
  });

  test('works on a chain where gas is free', () => {
    const free = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
    expect(chooseFee({ baseFee: 0n, suggestedTip: 0n }, 0n)).toEqual({ kind: 'ok', fee: free });
    expect(chooseFee({ baseFee: 0n, suggestedTip: 0n }, 0n, free)).toEqual({
      kind: 'too-expensive',
      needed: 1n,
    });
  });

  test('never passes the ceiling, always offers at least the base fee, tip within the whole', () => {
    fc.assert(
      fc.property(
        wei,
        wei,
        wei,
        fc.option(fc.tuple(wei, wei), { nil: undefined }),
        (baseFee, suggestedTip, ceiling, last) => {
          const previous = last && { maxFeePerGas: last[0] + last[1], maxPriorityFeePerGas: last[1] };
          const fee = feeOf(chooseFee({ baseFee, suggestedTip }, ceiling, previous));
          if (fee === undefined) return;
          expect(fee.maxFeePerGas <= ceiling).toBe(true);
          expect(isPayable(fee, baseFee)).toBe(true);
          expect(fee.maxPriorityFeePerGas <= fee.maxFeePerGas).toBe(true);
        },
      ),
    );
  });

  test('a replacement raises both fees by an eighth at least', () => {
    fc.assert(
      fc.property(wei, wei, wei, wei, (baseFee, suggestedTip, tip, rest) => {
        const previous = { maxFeePerGas: tip + rest, maxPriorityFeePerGas: tip };
        const fee = feeOf(chooseFee({ baseFee, suggestedTip }, 100_000n * GWEI, previous));
        expect(fee).toBeDefined();
        if (fee === undefined) return;
        expect(
          fee.maxFeePerGas * 8n >= previous.maxFeePerGas * 9n && fee.maxFeePerGas > previous.maxFeePerGas,
        ).toBe(true);
        expect(fee.maxPriorityFeePerGas * 8n >= tip * 9n && fee.maxPriorityFeePerGas > tip).toBe(true);
      }),
    );
  });

  test('after a first offer within half the ceiling, five replacements fit', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, GWEI), fc.bigInt(0n, GWEI), (baseFee, suggestedTip) => {
        const market = { baseFee, suggestedTip };
        const ceiling = 2n * (baseFee + suggestedTip) + 40n;
        let fee = feeOf(chooseFee(market, ceiling));
        for (let i = 0; i < 5; i++) fee = fee && feeOf(chooseFee(market, ceiling, fee));
        expect(fee).toBeDefined();
      }),
    );
  });
});

test('bump grows by one wei where an eighth rounds to nothing', () => {
  expect([0n, 1n, 7n, 8n, 1000n].map(bump)).toEqual([1n, 2n, 8n, 9n, 1125n]);
});
