import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { startAnvil } from '../../contracts/anvil.ts';
import { bytesToHex } from '../../src/bytes.ts';
import type { AnchorRecord } from '../ports.ts';
import type { EthersChainOptions } from './ethers-chain.ts';
import type { CrashPoint } from './testing/fault-chain.ts';
import { BLOCKS_TO_FINAL, type Life, Scene, SLOTS_IN_AN_EPOCH, said } from './testing/scene.ts';

const GWEI = 1_000_000_000n;
const TIMEOUT_MS = 150;

const scenes: Scene[] = [];

async function start(...options: Parameters<typeof Scene.start>): Promise<Scene> {
  const scene = await Scene.start(...options);
  scenes.push(scene);
  return scene;
}

afterEach(async () => {
  for (const scene of scenes.splice(0)) {
    await scene.stop();
    expect(scene.violations()).toEqual([]);
  }
});

/** The contract and the records agree, and the newest checkpoint is final. Within one cadence of a healthy chain. */
async function expectHealed(scene: Scene, life: Life): Promise<void> {
  await scene.rpc('evm_setAutomine', true);
  await scene.nextCadence(life);
  await scene.mine();
  await life.anchorer.tick();
  await scene.mine();
  const newest = await scene.log.newestCheckpoint();
  expect(await scene.contractSize()).toBe(newest?.size);
  await life.anchorer.tick();
  await scene.mine(BLOCKS_TO_FINAL);
  await life.anchorer.tick();
  expect(await life.anchorer.status()).toMatchObject({ final: newest?.size });
  for (const record of await scene.store.list(1_000)) await expectTrue(scene, record);
}

/** What a record says of itself is what the chain says of it. */
async function expectTrue(scene: Scene, record: AnchorRecord): Promise<void> {
  const hash = `0x${bytesToHex(record.transactionHash)}`;
  const receipt = (await scene.rpc('eth_getTransactionReceipt', hash)) as Record<string, string> | null;
  const placed = receipt !== null && receipt['status'] === '0x1';
  expect(record.state === 'anchored' || record.state === 'final', `${hash} is ${record.state}`).toBe(placed);
  if (placed)
    expect(`0x${bytesToHex(record.anchor?.blockHash ?? new Uint8Array())}`).toBe(receipt['blockHash']);
}

describe('a crash, and a new life over the same store', () => {
  const points: readonly CrashPoint[] = ['sign', 'signed', 'send', 'sent', 'inclusion'];

  test.each(points)('at %s', async (point) => {
    const scene = await start();
    const first = scene.live();
    first.chain.crashAt = point;
    await first.anchorer.tick();
    if (point === 'inclusion') await first.anchorer.tick();
    expect(first.chain.crashAt).toBeUndefined();
    const sent = point === 'sent' || point === 'inclusion';
    expect(await scene.contractSize()).toBe(sent ? 1 : 0);

    const second = scene.live();
    await second.anchorer.tick();
    expect(await scene.contractSize()).toBe(1);
    expect(await scene.store.list(9)).toHaveLength(1);
    await expectHealed(scene, second);
  });

  test.each(['beforeSave', 'afterSave'] as const)('%s of what became of an anchor', async (side) => {
    const scene = await start();
    await scene.live().anchorer.tick();
    for (const state of ['anchored', 'final'] as const) {
      let crashes = 0;
      scene.store[side] = (record) => {
        if (record.state !== state) return;
        crashes += 1;
        throw new Error('crash');
      };
      if (state === 'final') await scene.mine(BLOCKS_TO_FINAL);
      await scene.live().anchorer.tick();
      expect(crashes).toBe(1);
      scene.store[side] = () => undefined;
      await scene.live().anchorer.tick();
      expect((await scene.store.list(1))[0]?.state).toBe(state);
    }
    await expectHealed(scene, scene.live());
  });

  test('while a store that cannot be written to keeps every transaction back', async () => {
    const scene = await start();
    const life = scene.live();
    scene.store.beforeSave = () => {
      throw new Error('disk I/O error');
    };
    for (let i = 0; i < 3; i++) await scene.nextCadence(life);
    expect(await scene.rpc('eth_getTransactionCount', scene.operator.address, 'pending')).toBe('0x0');
    scene.store.beforeSave = () => undefined;
    await expectHealed(scene, life);
  });
});

describe('the node', () => {
  test('gone and back with its chain: said once, measured, made up for', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'chain-'));
    const options = {
      stateFile: join(folder, 'state.json'),
      stateInterval: 1,
      slotsInAnEpoch: SLOTS_IN_AN_EPOCH,
    };
    const scene = await start(options);
    const life = scene.live();
    await life.anchorer.tick();
    await life.anchorer.tick();
    const { port } = scene.node;
    await scene.node.stop();
    const gone = scene.clock.now();
    for (let i = 0; i < 4; i++) {
      scene.log.append(10);
      await scene.nextCadence(life);
    }
    expect(scene.log.checkpoints).toHaveLength(5);
    const status = await life.anchorer.status();
    expect(status).toMatchObject({ recorded: 45, anchored: 1, lastError: { code: 'chain-unreachable' } });
    expect(status.unreachableSince).toBeGreaterThan(gone);
    expect(said(life, 'warn')).toHaveLength(1);

    scene.node = await startAnvil({ ...options, port });
    await scene.nextCadence(life);
    expect(await scene.contractSize()).toBe(46);
    expect((await life.anchorer.status()).unreachableSince).toBeUndefined();
    expect(said(life, 'info')).toContain('the chain answers again');
    await expectHealed(scene, life);
    await rm(folder, { recursive: true, force: true });
  });

  test('killed with a transaction in its pool', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'chain-'));
    const options = {
      stateFile: join(folder, 'state.json'),
      stateInterval: 1,
      slotsInAnEpoch: SLOTS_IN_AN_EPOCH,
    };
    const scene = await start(options);
    const { port } = scene.node;
    await scene.node.stop(); // writes the contract to the file, as its interval would have
    scene.node = await startAnvil({ ...options, port });
    await scene.rpc('evm_setAutomine', false);
    await scene.live().anchorer.tick();
    expect(await scene.rpc('txpool_status')).toMatchObject({ pending: '0x1' });
    process.kill(scene.node.pid, 'SIGKILL');
    await scene.node.exited;
    scene.node = await startAnvil({ ...options, port });
    const life = scene.live();
    await life.anchorer.tick();
    expect(life.events).toEqual(['submitted 1 resent']);
    await expectHealed(scene, life);
    await rm(folder, { recursive: true, force: true });
  });

  test('hanging: a turn ends, sealing goes on, close is prompt', async () => {
    const scene = await start();
    const life = scene.live({ chain: { timeoutMs: TIMEOUT_MS } });
    await life.anchorer.tick();
    process.kill(scene.node.pid, 'SIGSTOP');
    try {
      for (let i = 0; i < 3; i++) await scene.nextCadence(life);
      expect(scene.log.checkpoints).toHaveLength(4);
      const { lastError } = await life.anchorer.status();
      expect(lastError?.message).toMatch(/did not answer eth_\w+ within 150 ms/);
      expect(said(life, 'warn')).toHaveLength(1);

      const patient = scene.live({ chain: { timeoutMs: 3_600_000 } });
      const turn = patient.anchorer.tick();
      await setImmediate(); // the turn has sealed and waits for the node
      await patient.anchorer.close();
      await turn;
      expect(said(patient, 'warn')).toEqual([]);
    } finally {
      process.kill(scene.node.pid, 'SIGCONT');
    }
    await scene.nextCadence(life);
    await expectHealed(scene, life);
  });

  test('away for long: tries grow further apart, never beyond a cadence', async () => {
    const scene = await start();
    const life = scene.live({ anchorer: { pollEveryMs: 1_000, retryAtMostMs: 8_000 } });
    await scene.node.stop();
    const start_ = scene.clock.now();
    const tries: number[] = [];
    for (let second = 0; second <= 40; second++) {
      const before = life.events.length;
      await life.anchorer.tick();
      if (life.events.length > before) tries.push((scene.clock.now() - start_) / 1_000);
      scene.clock.advance(1_000);
    }
    expect(tries).toEqual([0, 1, 3, 7, 15, 23, 31, 39]);
  });
});

describe('a chain that is not ours to use', () => {
  test('another chain id ends anchoring', async () => {
    const scene = await start();
    const life = scene.live({ chain: { target: { ...scene.target, chainId: 5n } } });
    await life.anchorer.tick();
    expect(life.fatals.map(({ code }) => code)).toEqual(['chain-mismatch']);
    expect(life.fatals[0]?.message.replace(/:\d+ /, ':PORT ')).toMatchInlineSnapshot(
      `"the node at http://127.0.0.1:PORT is on chain 31337, this gateway is configured for chain 5: correct the RPC URL or the chain id"`,
    );
  });

  test('another chain behind the same address, found after an outage, ends anchoring', async () => {
    const scene = await start();
    const life = scene.live();
    await life.anchorer.tick();
    const { port } = scene.node;
    await scene.node.stop();
    await scene.nextCadence(life);
    scene.node = await startAnvil({ port, chainId: 5 });
    await scene.nextCadence(life);
    expect(life.fatals.map(({ code }) => code)).toEqual(['chain-mismatch']);
  });

  test.each<[string, (scene: Scene) => Partial<EthersChainOptions>, string]>([
    [
      'no contract',
      (scene) => ({ target: { ...scene.target, contract: new Uint8Array(20).fill(9) } }),
      'there is no contract at ADDRESS on chain 31337: deploy it or correct the contract address; a node that is still syncing says so too',
    ],
    [
      'a log never opened',
      (scene) => ({ target: { ...scene.target, logId: new Uint8Array(32).fill(9) } }),
      'the log LOG was never opened in ADDRESS: open it or correct the log id',
    ],
    [
      'another operator',
      (scene) => ({ signer: scene.owner }),
      "the operator of log LOG is ADDRESS, this gateway's key is ADDRESS: use the key of the operator, or have the owner make this key the operator (vitalseal contract propose-operator, then accept-operator)",
    ],
  ])('%s is said with what to do, and tried again', async (_name, change, text) => {
    const scene = await start();
    const life = scene.live({ chain: change(scene) });
    for (let i = 0; i < 3; i++) await scene.nextCadence(life);
    expect(life.fatals).toEqual([]);
    expect(life.events).toEqual(['failed chain-mismatch', 'failed chain-mismatch', 'failed chain-mismatch']);
    const warnings = said(life, 'warn').map((line) =>
      line.replaceAll(/0x[0-9a-f]{64}/gi, 'LOG').replaceAll(/0x[0-9a-f]{40}/gi, 'ADDRESS'),
    );
    expect(warnings).toEqual([text]);
    expect(await scene.rpc('eth_getTransactionCount', scene.operator.address, 'latest')).toBe('0x0');
  });

  test('a contract that appears later is used without a restart', async () => {
    const scene = await start();
    const life = scene.live();
    const code = await scene.rpc('eth_getCode', `0x${bytesToHex(scene.target.contract)}`, 'latest');
    await scene.rpc('anvil_setCode', `0x${bytesToHex(scene.target.contract)}`, '0x');
    await life.anchorer.tick();
    expect((await life.anchorer.status()).lastError?.code).toBe('chain-mismatch');
    await scene.rpc('anvil_setCode', `0x${bytesToHex(scene.target.contract)}`, code);
    await expectHealed(scene, life);
  });
});

test('whatever happens to the chain and to us, once both are well the newest checkpoint is anchored', async () => {
  const faults = [
    'append',
    'cadence',
    'look',
    'mine',
    'drop',
    'reorg',
    'dear',
    'crash',
    'hold',
    'release',
  ] as const;
  const point = fc.constantFrom<CrashPoint>('sign', 'signed', 'send', 'sent', 'inclusion');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...faults), point), { minLength: 4, maxLength: 24 }),
      async (story) => {
        const scene = await Scene.start();
        try {
          let life = scene.live();
          for (const [fault, crashAt] of story) life = await suffer(scene, life, fault, crashAt);
          await scene.rpc('anvil_setNextBlockBaseFeePerGas', `0x${GWEI.toString(16)}`);
          await scene.mine();
          await expectHealed(scene, life);
          expect(scene.violations()).toEqual([]);
        } finally {
          await scene.stop();
        }
      },
    ),
    { numRuns: 40 },
  );
});

async function suffer(scene: Scene, life: Life, fault: string, crashAt: CrashPoint): Promise<Life> {
  switch (fault) {
    case 'append':
      scene.log.append(3);
      break;
    case 'cadence':
      await scene.nextCadence(life);
      break;
    case 'look':
      scene.clock.advance(1_000);
      await life.anchorer.tick();
      break;
    case 'mine':
      await scene.mine();
      break;
    case 'drop':
      await scene.rpc('anvil_dropAllTransactions');
      break;
    case 'reorg':
      // Not beyond what is final: that is another test.
      await scene.mine(BLOCKS_TO_FINAL);
      await scene.rpc('anvil_reorg', BLOCKS_TO_FINAL - 1, []);
      break;
    case 'dear':
      await scene.rpc('anvil_setNextBlockBaseFeePerGas', `0x${(500n * GWEI).toString(16)}`);
      await scene.mine();
      break;
    case 'crash':
      life.chain.crashAt = crashAt;
      await scene.nextCadence(life);
      return scene.live();
    default:
      await scene.rpc('evm_setAutomine', fault === 'release');
  }
  return life;
}
