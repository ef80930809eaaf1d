import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GasFee } from '../ports.ts';
import type { GasOffer } from './chain.ts';
import { bump, chooseFee, type FeeMarket, isPayable, min, priceOf } from './fees.ts';

const GWEI = 1_000_000_000n;
const wei = fc.bigInt(0n, 10_000n * GWEI);
const eip1559 = (baseFee: bigint, suggestedTip: bigint): FeeMarket => ({
  type: 'eip1559',
  baseFee,
  suggestedTip,
});
const legacy = (gasPrice: bigint): FeeMarket => ({ type: 'legacy', gasPrice });
const market = fc.oneof(
  fc.tuple(wei, wei).map(([base, tip]) => eip1559(base, tip)),
  wei.map(legacy),
);
const offerOf = (choice: ReturnType<typeof chooseFee>): GasOffer | undefined =>
  choice.kind === 'ok' ? choice.offer : undefined;

describe('chooseFee', () => {
  test('leaves room for the base fee to double', () => {
    expect(chooseFee(eip1559(10n * GWEI, GWEI), 100n * GWEI)).toEqual({
      kind: 'ok',
      offer: { type: 'eip1559', maxFeePerGas: 21n * GWEI, maxPriorityFeePerGas: GWEI },
    });
  });

  test('keeps half the ceiling for replacements', () => {
    const first = (baseFee: bigint) => offerOf(chooseFee(eip1559(baseFee, GWEI), 100n * GWEI))?.maxFeePerGas;
    expect(first(30n * GWEI)).toBe(50n * GWEI);
    expect(first(70n * GWEI)).toBe(71n * GWEI);
  });

  test('gives up tip before it passes the ceiling', () => {
    expect(offerOf(chooseFee(eip1559(99n * GWEI, 5n * GWEI), 100n * GWEI))).toMatchObject({
      maxFeePerGas: 100n * GWEI,
      maxPriorityFeePerGas: GWEI,
    });
  });

  test('waits when the base fee, or the gas price, is above the ceiling', () => {
    const dear = { kind: 'too-expensive', needed: 101n };
    expect(chooseFee(eip1559(101n, 1n), 100n)).toEqual(dear);
    expect(chooseFee(legacy(101n), 100n)).toEqual(dear);
  });

  test('offers a gas price as it is advised, because all of it is paid', () => {
    const offer = { type: 'legacy', maxFeePerGas: 30n, maxPriorityFeePerGas: 30n };
    expect(chooseFee(legacy(30n), 100n)).toEqual({ kind: 'ok', offer });
  });

  test('offers nothing where gas is free, whatever the node advises', () => {
    const free = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
    expect(chooseFee(eip1559(0n, GWEI), 0n)).toEqual({ kind: 'ok', offer: { type: 'eip1559', ...free } });
    expect(chooseFee(legacy(GWEI), 0n)).toEqual({ kind: 'ok', offer: { type: 'legacy', ...free } });
    expect(chooseFee(eip1559(0n, 0n), 0n, free)).toEqual({ kind: 'too-expensive', needed: 1n });
    expect(chooseFee(legacy(0n), 0n, free)).toEqual({ kind: 'too-expensive', needed: 1n });
    expect(chooseFee(eip1559(7n, 0n), 0n)).toEqual({ kind: 'too-expensive', needed: 7n });
  });

  test('never passes the ceiling, always offers at least the base fee, tip within the whole', () => {
    fc.assert(
      fc.property(market, wei, fc.option(fc.tuple(wei, wei), { nil: undefined }), (now, ceiling, last) => {
        const previous = last && { maxFeePerGas: last[0] + last[1], maxPriorityFeePerGas: last[1] };
        const offer = offerOf(chooseFee(now, ceiling, previous));
        if (offer === undefined) return;
        expect(offer.maxFeePerGas <= ceiling).toBe(true);
        expect(isPayable(offer, now)).toBe(true);
        expect(offer.maxPriorityFeePerGas <= offer.maxFeePerGas).toBe(true);
        expect(offer.type).toBe(now.type);
        if (offer.type === 'legacy') expect(offer.maxFeePerGas).toBe(offer.maxPriorityFeePerGas);
      }),
    );
  });

  test('after a first offer within half the ceiling, five replacements fit', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, GWEI), fc.bigInt(0n, GWEI), (baseFee, suggestedTip) => {
        const now = eip1559(baseFee, suggestedTip);
        const ceiling = 2n * (baseFee + suggestedTip) + 40n;
        let offer = offerOf(chooseFee(now, ceiling));
        for (let i = 0; i < 5; i++) offer = offer && offerOf(chooseFee(now, ceiling, offer));
        expect(offer).toBeDefined();
      }),
    );
  });
});

/** When each node puts a transaction in the place of a pending one, as its source has it. `baseFee`: of its newest block. */
const RULES: Readonly<Record<string, (old: GasFee, next: GasFee, baseFee: bigint) => boolean>> = {
  // core/txpool/legacypool/list.go: above, and by a tenth above, in both.
  geth: (old, next) =>
    next.maxFeePerGas > old.maxFeePerGas &&
    next.maxPriorityFeePerGas > old.maxPriorityFeePerGas &&
    next.maxFeePerGas >= (old.maxFeePerGas * 110n) / 100n &&
    next.maxPriorityFeePerGas >= (old.maxPriorityFeePerGas * 110n) / 100n,
  // txnprovider/txpool/pool.go
  erigon: (old, next) =>
    next.maxFeePerGas >= (old.maxFeePerGas * 110n) / 100n &&
    next.maxPriorityFeePerGas >= (old.maxPriorityFeePerGas * 110n) / 100n,
  // TransactionReplacementByFeeMarketRule.java: the price that would be paid, or the tip where that is equal.
  besu: (old, next, baseFee) => {
    const [before, after] = [paid(old, baseFee), paid(next, baseFee)];
    if (after * 100n >= before * 110n) return after - baseFee >= before - baseFee;
    return after === before && after * 100n >= before * 110n;
  },
  // CompareReplacedTxByFee.cs: the price that would be paid; a free one always goes.
  nethermind: (old, next, baseFee) => {
    if (old.maxFeePerGas === 0n) return true;
    const [before, after] = [paid(old, baseFee), paid(next, baseFee)];
    return after > before + before / 10n || (after === before + before / 10n && before / 10n > 0n);
  },
};

function paid(fee: GasFee, baseFee: bigint): bigint {
  return min(baseFee + fee.maxPriorityFeePerGas, fee.maxFeePerGas);
}

describe.each(Object.entries(RULES))('a replacement is one that %s takes', (_node, takes) => {
  test('with the fees of EIP-1559, however fees moved since the first', () => {
    fc.assert(
      fc.property(wei, wei, wei, wei, (baseFee, suggestedTip, tip, rest) => {
        const previous = { maxFeePerGas: tip + rest, maxPriorityFeePerGas: tip };
        const offer = offerOf(chooseFee(eip1559(baseFee, suggestedTip), 1_000_000n * GWEI, previous));
        expect(offer && takes(previous, offer, baseFee)).toBe(true);
      }),
    );
  });

  test('with one gas price', () => {
    fc.assert(
      fc.property(wei, wei, (gasPrice, before) => {
        const previous = { maxFeePerGas: before, maxPriorityFeePerGas: before };
        const offer = offerOf(chooseFee(legacy(gasPrice), 1_000_000n * GWEI, previous));
        expect(offer && takes(previous, offer, 0n)).toBe(true);
      }),
    );
  });
});

test('the price is what a transaction into the next block would pay', () => {
  expect([priceOf(eip1559(10n, 2n)), priceOf(legacy(7n))]).toEqual([12n, 7n]);
});

test('bump grows by one wei where an eighth rounds to nothing', () => {
  expect([0n, 1n, 7n, 8n, 1000n].map(bump)).toEqual([1n, 2n, 8n, 9n, 1125n]);
});
