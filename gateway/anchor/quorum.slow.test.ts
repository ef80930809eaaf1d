/** Fewer than a quorum of nodes are dishonest or ill: nothing comes of it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Hand, honest } from '../../contracts/testing/node-proxy.ts';
import { behind, LIES, TROUBLES } from './testing/lies.ts';
import { BLOCKS_TO_FINAL, CADENCE_MS, said } from './testing/scene.ts';
import { Town, towns } from './testing/town.ts';

const GWEI = 1_000_000_000n;

const startTown = towns();

/** Lies that nobody can tell from another, honest view. */
const IN_GOOD_FAITH = new Set([
  'the newest block as final',
  'block 0 as final',
  'a huge tip',
  'no tip',
  'a huge data fee',
  'too little gas',
  'too much gas',
  'transactions dropped',
  'transactions refused',
  'no receipts',
  'a final block that nobody has',
  'a height that nobody has, and silence about it',
]);

describe('one of three nodes lies', () => {
  test.each(Object.entries(LIES))('%s: everything is anchored and final all the same', async (name, lie) => {
    const town = await startTown([lie(), honest, honest]);
    await town.goOn();
    await town.expectFinal();
    await town.expectNothingFalse();
    await town.expectBeaconsTrue();
    expect(town.life.fatals).toEqual([]);
    expect(said(town.life, 'error')).toEqual([]);
    for (const { fee } of await town.scene.store.list(1_000)) {
      expect(fee.maxFeePerGas).toBeLessThan(10n * GWEI);
      expect(fee.maxPriorityFeePerGas).toBeGreaterThan(0n);
    }
    const [liar, ...others] = (await town.life.anchorer.status()).nodes;
    if (!IN_GOOD_FAITH.has(name)) expect(liar?.disagreements).toBeGreaterThan(0);
    for (const node of others) expect(node).toMatchObject({ state: 'ok', disagreements: 0 });
  });
});

describe('one of three nodes lies, and one of the honest ones is two blocks behind', () => {
  test.each(Object.entries(LIES))('%s: everything is anchored and final all the same', async (_name, lie) => {
    const town = await startTown([lie(), behind(2n), honest]);
    for (let block = 0; block < 12; block++) {
      if (block < 4) town.scene.log.append(3);
      town.scene.clock.advance(block < 4 ? CADENCE_MS : 10_000);
      await town.life.anchorer.tick();
      await town.scene.mine();
    }
    await town.scene.mine(BLOCKS_TO_FINAL);
    await town.life.anchorer.tick();
    await town.expectFinal();
    await town.expectNothingFalse();
    await town.expectBeaconsTrue();
    expect(town.life.fatals).toEqual([]);
  });
});

describe('one of three nodes does not answer as it should', () => {
  test.each(Object.entries(TROUBLES))(
    '%s: everything is anchored and final all the same',
    async (_name, trouble) => {
      const town = await startTown([trouble(), honest, honest]);
      await town.goOn();
      await town.expectFinal();
      await town.expectNothingFalse();
      await town.expectBeaconsTrue();
      expect(town.life.events.filter((event) => event.startsWith('failed'))).toEqual([]);
    },
  );
});

test('two of five nodes, each with a fault of its own, change nothing', async () => {
  const faults = [...Object.entries(LIES), ...Object.entries(TROUBLES)];
  const fault = fc.constantFrom(...faults.map(([name]) => name));
  const handOf = (name: string): Hand => (LIES[name] ?? TROUBLES[name])?.() ?? honest;
  await fc.assert(
    fc.asyncProperty(fault, fault, async (one, other) => {
      const town = await Town.start([handOf(one), honest, handOf(other), honest, honest]);
      try {
        await town.goOn();
        await town.expectFinal();
        await town.expectNothingFalse();
        await town.expectBeaconsTrue();
        expect(town.life.fatals).toEqual([]);
      } finally {
        await town.stop();
      }
    }),
    { numRuns: 20 },
  );
});
