import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesToHex } from '../../src/bytes.ts';
import { MemoryLog } from './testing/memory-log.ts';
import { BLOCKS_TO_FINAL, CADENCE_MS, type Life, Scene, STUCK_AFTER_MS, said } from './testing/scene.ts';

const GWEI = 1_000_000_000n;

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.start();
});

afterEach(async () => {
  await scene.stop();
  expect(scene.violations()).toEqual([]);
});

/** Transactions wait in the pool until the test mines. */
async function holdBlocks(): Promise<void> {
  await scene.rpc('evm_setAutomine', false);
}

/** Mines until what is anchored is final, and lets the anchorer see it. */
async function finalise(life: Life): Promise<void> {
  await life.anchorer.tick();
  await scene.mine(BLOCKS_TO_FINAL);
  await life.anchorer.tick();
}

/** After a fault has healed: the newest checkpoint is in the contract within one cadence, and becomes final. */
async function expectHealed(life: Life): Promise<void> {
  scene.log.append(2);
  await scene.nextCadence(life);
  await scene.mine();
  await life.anchorer.tick();
  await scene.mine();
  const newest = await scene.log.newestCheckpoint();
  expect(await scene.contractSize()).toBe(newest?.size);
  await finalise(life);
  expect(await life.anchorer.status()).toMatchObject({ recorded: newest?.size, final: newest?.size });
}

describe('the way of a checkpoint', () => {
  test('is sealed, submitted, anchored and final, and says so', async () => {
    await holdBlocks();
    scene.log.append(5);
    const life = scene.live();
    await life.anchorer.tick();
    expect(await life.anchorer.status()).toMatchObject({
      recorded: 6,
      submitted: 6,
      final: 0,
      gasUsed: 0n,
      halted: false,
    });
    expect(life.finals).toEqual([]);

    await scene.mine();
    await life.anchorer.tick();
    const anchored = await life.anchorer.status();
    expect(anchored).toMatchObject({ anchored: 6, final: 0 });
    expect(anchored.submitted).toBeUndefined();
    expect(anchored.gasUsed).toBeGreaterThan(21_000n);

    await scene.mine(BLOCKS_TO_FINAL - 1);
    await life.anchorer.tick();
    expect(life.finals).toEqual([]);
    await scene.mine();
    await life.anchorer.tick();
    expect(await life.anchorer.status()).toMatchObject({ final: 6 });
    expect(life.events).toEqual(['submitted 6 new', 'anchored 6', 'final 6']);
    expect(said(life, 'warn')).toEqual([]);
  });

  test('the record of a final anchor holds what a receipt needs, as the chain has it', async () => {
    const life = scene.live();
    await life.anchorer.tick();
    await finalise(life);
    const [record] = life.finals;
    const hash = `0x${bytesToHex(record?.transactionHash ?? new Uint8Array())}`;
    const receipt = (await scene.rpc('eth_getTransactionReceipt', hash)) as Record<string, string>;
    const block = (await scene.rpc('eth_getBlockByHash', receipt['blockHash'], false)) as Record<
      string,
      string
    >;
    const checkpoint = await scene.log.newestCheckpoint();
    expect(record).toMatchObject({ state: 'final', gasUsed: BigInt(receipt['gasUsed'] ?? 0) });
    expect(record?.rawTransaction).toBeUndefined();
    expect(record?.anchor).toMatchObject({
      ...scene.target,
      size: 1,
      root: checkpoint?.root,
      blockNumber: BigInt(receipt['blockNumber'] ?? 0),
      blockTime: Number(block['timestamp']),
    });
    expect(`0x${bytesToHex(record?.anchor?.blockHash ?? new Uint8Array())}`).toBe(receipt['blockHash']);
    expect(await scene.store.covering(0)).toEqual(record);
  });

  test('checkpoints follow each other on the cadence, each with a heartbeat, with or without readings', async () => {
    const life = scene.live();
    await life.anchorer.tick();
    scene.clock.advance(CADENCE_MS - 1);
    await life.anchorer.tick();
    expect(scene.log.checkpoints.map(({ size }) => size)).toEqual([1]);
    scene.clock.advance(1);
    await life.anchorer.tick();
    scene.log.append(100);
    await scene.nextCadence(life);
    await scene.nextCadence(life);
    expect(scene.log.checkpoints.map(({ size }) => size)).toEqual([1, 2, 103, 104]);
    expect(await scene.contractSize()).toBe(104);
    await finalise(life);
    expect(life.finals.map(({ size }) => size)).toEqual([1, 2, 103, 104]);
  });

  test('a checkpoint also comes after so many entries when that is asked for', async () => {
    const life = scene.live({ anchorer: { anchorEveryEntries: 10 } });
    await life.anchorer.tick();
    scene.log.append(9);
    await life.anchorer.tick();
    expect(scene.log.checkpoints).toHaveLength(1);
    scene.log.append(1);
    await life.anchorer.tick();
    expect(scene.log.checkpoints.map(({ size }) => size)).toEqual([1, 12]);
  });

  test('the newest final block is published as beacon and sealed into the next heartbeat', async () => {
    const life = scene.live();
    await life.anchorer.tick();
    await scene.mine(3);
    await life.anchorer.tick();
    await life.anchorer.tick();
    const height = BigInt((await scene.rpc('eth_blockNumber')) as string);
    expect(life.beacons.at(-1)).toBe(height - BigInt(BLOCKS_TO_FINAL));
    expect(new Set(life.beacons).size).toBe(life.beacons.length);
    await scene.nextCadence(life);
    expect(scene.log.beacons.at(-1)?.blockNumber).toBe(height - BigInt(BLOCKS_TO_FINAL));
  });

  test('the loop runs by itself, and close ends it', async () => {
    const life = scene.live({ anchorer: { pollEveryMs: 20 } });
    const final = new Promise<void>((resolve) => void life.anchorer.onFinal(() => resolve()));
    await scene.rpc('evm_setIntervalMining', 1);
    await scene.mine(1);
    life.anchorer.start();
    await final;
    await life.anchorer.close();
    const seen = life.events.length;
    await scene.mine(BLOCKS_TO_FINAL);
    await life.anchorer.tick();
    expect(life.events).toHaveLength(seen);
  });
});

describe('the pool', () => {
  test('nothing goes behind a pending transaction; the newest checkpoint follows when it is mined', async () => {
    await holdBlocks();
    const life = scene.live();
    await life.anchorer.tick();
    scene.clock.advance(CADENCE_MS);
    scene.log.append(3);
    await life.anchorer.tick();
    expect(life.events).toEqual(['submitted 1 new']);
    await scene.mine();
    await life.anchorer.tick();
    await scene.mine();
    expect(await scene.contractSize()).toBe(5);
  });

  test('a transaction that blocks pass by is replaced by the newest checkpoint under the same nonce', async () => {
    await holdBlocks();
    const life = scene.live();
    await life.anchorer.tick();
    const [stuck] = await scene.store.open();
    // Blocks without our transaction: dropped, mined past, and put back.
    const raw = `0x${bytesToHex(stuck?.rawTransaction ?? new Uint8Array())}`;
    await scene.rpc('anvil_dropTransaction', `0x${bytesToHex(stuck?.transactionHash ?? new Uint8Array())}`);
    await scene.mine(2);
    await scene.rpc('eth_sendRawTransaction', raw);
    scene.log.append(4);
    scene.clock.advance(STUCK_AFTER_MS);
    await life.anchorer.tick();
    await scene.nextCadence(life);
    const [first, second] = await scene.store.open();
    expect(first?.transactionHash).toEqual(stuck?.transactionHash);
    expect(second).toMatchObject({ nonce: first?.nonce, state: 'submitted' });
    expect((second?.fee.maxFeePerGas ?? 0n) * 8n >= (first?.fee.maxFeePerGas ?? 0n) * 9n).toBe(true);
    await expectHealed(life);
    expect(await scene.store.byTransaction(first?.transactionHash ?? new Uint8Array())).toMatchObject({
      state: 'lost',
      setback: 'replaced',
    });
  });

  test('while the chain stands still nothing is replaced, however long it takes', async () => {
    await holdBlocks();
    const life = scene.live();
    await life.anchorer.tick();
    for (let i = 0; i < 5; i++) await scene.nextCadence(life);
    expect(life.events).toEqual(['submitted 1 new']);
    await expectHealed(life);
  });

  test('a dropped transaction is sent again as it was', async () => {
    await holdBlocks();
    const life = scene.live();
    await life.anchorer.tick();
    const [record] = await scene.store.open();
    await scene.rpc('anvil_dropTransaction', `0x${bytesToHex(record?.transactionHash ?? new Uint8Array())}`);
    await life.anchorer.tick();
    expect(life.events).toEqual(['submitted 1 new', 'submitted 1 resent']);
    await scene.mine();
    expect(await scene.contractSize()).toBe(1);
    await expectHealed(life);
  });

  test('gas above the ceiling is waited out, said once, and evicted attempts cost nothing', async () => {
    await holdBlocks();
    const life = scene.live();
    await life.anchorer.tick();
    await scene.rpc('anvil_setNextBlockBaseFeePerGas', `0x${(500n * GWEI).toString(16)}`);
    await scene.mine();
    for (let i = 0; i < 3; i++) await scene.nextCadence(life);
    expect(await scene.contractSize()).toBe(0);
    expect(await life.anchorer.status()).toMatchObject({
      waitingFor: { for: 'fee', neededWei: 500n * GWEI },
      gasUsed: 0n,
    });
    expect(said(life, 'warn')).toMatchInlineSnapshot(`
      [
        "gas costs more than the configured ceiling: anchoring waits, receipts come later",
      ]
    `);
    await scene.rpc('anvil_setNextBlockBaseFeePerGas', `0x${GWEI.toString(16)}`);
    await scene.mine();
    await expectHealed(life);
    expect((await life.anchorer.status()).waitingFor).toBeUndefined();
  });

  test('an empty account is said with its amounts; the anchor follows when it is funded', async () => {
    await scene.rpc('anvil_setBalance', scene.operator.address, '0x64');
    const life = scene.live();
    await life.anchorer.tick();
    const { lastError, balance } = await life.anchorer.status();
    expect(balance).toBe(100n);
    expect(lastError?.code).toBe('anchor-failed');
    expect(lastError?.message.replace(/cost \d+/, 'cost N')).toMatchInlineSnapshot(
      `"the gateway's account holds 100 wei, the next anchor may cost N: fund the account"`,
    );
    await scene.rpc('anvil_setBalance', scene.operator.address, '0x56bc75e2d63100000');
    await expectHealed(life);
    expect((await life.anchorer.status()).lastError).toBeUndefined();
  });

  test('a revert costs one attempt for each checkpoint, not one for each look', async () => {
    await holdBlocks();
    const life = scene.live();
    await life.anchorer.tick();
    const code = await scene.rpc('eth_getCode', `0x${bytesToHex(scene.target.contract)}`, 'latest');
    // PUSH0 PUSH0 REVERT: the contract refuses everything for the length of one block.
    await scene.rpc('anvil_setCode', `0x${bytesToHex(scene.target.contract)}`, '0x5f5ffd');
    await scene.mine();
    await scene.rpc('anvil_setCode', `0x${bytesToHex(scene.target.contract)}`, code);
    for (let i = 0; i < 3; i++) await life.anchorer.tick();
    expect(life.events).toEqual(['submitted 1 new', 'setback reverted']);
    expect(await life.anchorer.status()).toMatchObject({ waitingFor: { for: 'next-checkpoint' } });
    await expectHealed(life);
    expect((await scene.store.list(9)).at(-1)).toMatchObject({ state: 'lost', setback: 'reverted' });
  });
});

test('a transaction that succeeds without the event of the contract is no anchor', async () => {
  await holdBlocks();
  const life = scene.live();
  await life.anchorer.tick();
  const address = `0x${bytesToHex(scene.target.contract)}`;
  const code = await scene.rpc('eth_getCode', address, 'latest');
  // STOP: everything succeeds and nothing happens, for the length of one block.
  await scene.rpc('anvil_setCode', address, '0x00');
  await scene.mine();
  await scene.rpc('anvil_setCode', address, code);
  await life.anchorer.tick();
  const [empty] = await scene.store.list(9).then((records) => records.slice(-1));
  expect(empty).toMatchObject({ nonce: 0, state: 'submitted' });
  await expectHealed(life);
  expect(life.finals).not.toContainEqual(expect.objectContaining({ nonce: 0 }));
});

describe('reorganisations', () => {
  test.each([1, 2, 3])(
    'an anchor that loses its block %i deep goes back to submitted and comes again',
    async (depth) => {
      const life = scene.live();
      await life.anchorer.tick();
      await scene.mine(depth - 1);
      await life.anchorer.tick();
      expect(await life.anchorer.status()).toMatchObject({ anchored: 1 });
      await holdBlocks();
      await scene.rpc('anvil_reorg', depth, []);
      expect(await scene.contractSize()).toBe(0);
      await life.anchorer.tick();
      expect(await scene.store.list(1)).toMatchObject([{ state: 'submitted', setback: 'reorganised' }]);
      expect(life.events).toEqual([
        'submitted 1 new',
        'anchored 1',
        'setback reorganised',
        'submitted 1 resent',
      ]);
      await scene.mine();
      expect(await scene.contractSize()).toBe(1);
      await expectHealed(life);
      expect(life.finals[0]?.anchor?.blockHash).toBeDefined();
    },
  );

  test('several anchors lost together come back as one or more, the newest included', async () => {
    const life = scene.live();
    await life.anchorer.tick();
    await scene.nextCadence(life);
    await scene.nextCadence(life);
    await life.anchorer.tick();
    await scene.rpc('anvil_reorg', 3, []);
    expect(await scene.contractSize()).toBe(0);
    await life.anchorer.tick();
    await expectHealed(life);
    // Attempts at nonces that are free again stay open until something else takes the nonce for good.
    await expectHealed(life);
    expect(await scene.store.open()).toEqual([]);
  });

  test('an attempt that the contract has outgrown is replaced, never sent to revert', async () => {
    const life = scene.live({ anchorer: { anchorEveryEntries: 5, stuckAfterMs: 1.9 * CADENCE_MS } });
    await life.anchorer.tick();
    await scene.nextCadence(life);
    await scene.nextCadence(life);
    await life.anchorer.tick();
    await scene.rpc('anvil_reorg', 3, []);
    await life.anchorer.tick();
    // The first attempt was old enough to be replaced by the third checkpoint; the third attempt, of nonce 2, is not.
    await scene.nextCadence(life);
    expect(await scene.contractSize()).toBe(4);
    scene.log.append(5);
    scene.clock.advance(CADENCE_MS / 2);
    await life.anchorer.tick();
    expect(await scene.contractSize()).toBe(10);
    await life.anchorer.tick();
    expect(life.events).not.toContain('setback reverted');
  });

  test('a block that only changed its number keeps its anchor under the new facts', async () => {
    const life = scene.live();
    await holdBlocks();
    await life.anchorer.tick();
    const [record] = await scene.store.open();
    await scene.mine();
    await life.anchorer.tick();
    const before = await scene.store.newest('anchored');
    // The same transaction in a later block of the other chain.
    await scene.rpc('anvil_reorg', 1, []);
    await scene.rpc('eth_sendRawTransaction', `0x${bytesToHex(record?.rawTransaction ?? new Uint8Array())}`);
    await scene.mine();
    await life.anchorer.tick();
    const after = await scene.store.newest('anchored');
    expect(after?.transactionHash).toEqual(before?.transactionHash);
    expect(after?.anchor?.blockNumber).toBe((before?.anchor?.blockNumber ?? 0n) + 1n);
    expect(after?.anchor?.blockHash).not.toEqual(before?.anchor?.blockHash);
    await expectHealed(life);
  });

  test('a chain that takes back what it called final is believed, loudly', async () => {
    const snapshot = await scene.rpc('evm_snapshot');
    const life = scene.live();
    await life.anchorer.tick();
    await finalise(life);
    expect(life.finals).toHaveLength(1);
    await scene.rpc('evm_revert', snapshot);
    await scene.mine(BLOCKS_TO_FINAL * 3);
    await life.anchorer.tick();
    expect(said(life, 'error')).toMatchInlineSnapshot(`
      [
        "the chain took back a final block: the anchor in it is submitted again",
      ]
    `);
    await expectHealed(life);
  });

  test('what it took back and is too short to show is not final beside what has become final since', async () => {
    const snapshot = await scene.rpc('evm_snapshot');
    const life = scene.live();
    for (let anchor = 0; anchor < 3; anchor++) {
      await scene.nextCadence(life);
      await finalise(life);
    }
    expect(life.finals).toHaveLength(3);
    await scene.rpc('evm_revert', snapshot);
    await scene.nextCadence(life);
    await finalise(life);
    const final = (await scene.store.list(9)).filter(({ state }) => state === 'final');
    expect(final.map(({ size }) => size)).toEqual([await scene.contractSize()]);
    await expectHealed(life);
  });
});

describe('never two histories', () => {
  test('a contract that holds more than the log stops anchoring for good', async () => {
    const ahead = new MemoryLog(scene.clock);
    ahead.append(50);
    const other = scene.live({ log: ahead });
    await other.anchorer.tick();
    const life = scene.live();
    await life.anchorer.tick();
    expect(life.fatals).toHaveLength(1);
    expect(life.fatals[0]).toMatchObject({ code: 'log-forked', fatal: true });
    expect(life.fatals[0]?.message).toMatchInlineSnapshot(
      `"the contract holds 51 entries of a log that this gateway does not have: its newest checkpoint has only 1. Either another gateway writes the same log, or this data directory is an old copy: stop the other, or restore the newest data"`,
    );
    await scene.nextCadence(life);
    expect(life.fatals).toHaveLength(1);
    expect(scene.log.checkpoints).toHaveLength(1);
    expect(await life.anchorer.status()).toMatchObject({ halted: true });
  });

  test.each([3, 9])(
    'a contract that holds another history of %i entries stops anchoring for good',
    async (entries) => {
      const foreign = new MemoryLog(scene.clock, 'another log');
      foreign.append(entries);
      await scene.live({ log: foreign }).anchorer.tick();
      scene.log.append(9);
      const life = scene.live();
      await life.anchorer.tick();
      expect(life.fatals[0]?.message).toContain('its root at that size is another');
      expect(await scene.contractSize()).toBe(entries + 1);
    },
  );
});
