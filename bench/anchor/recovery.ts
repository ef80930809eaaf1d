/**
 * Faults of a real chain, and how long after each is over the newest checkpoint is anchored, in cadences of the gateway's own clock.
 * Time passes by the interval of its looks; a block is mined at each.
 */
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { startAnvil } from '../../contracts/anvil.ts';
import type { CrashPoint } from '../../gateway/anchor/testing/fault-chain.ts';
import { CADENCE_MS, type Life, OPTIONS, Scene } from '../../gateway/anchor/testing/scene.ts';
import type { Figure } from '../report.ts';

const TARGET = 1;
/** After so many cadences it counts as never. */
const GIVE_UP_CADENCES = 5;
/** Deep reorganisations must stay above the final block: twice the slots. */
const DEEP = { slotsInAnEpoch: 40 };
const RPC_TIMEOUT_MS = 150;
const DEAR_GWEI = 500n;
const GWEI = 1_000_000_000n;

interface Fault {
  readonly name: string;
  readonly options?: Parameters<typeof Scene.start>[0];
  /** Happens, and is over when it resolves. Gives the life that goes on, if it is another. */
  readonly happen: (scene: Scene, life: Life) => Promise<Life | undefined>;
}

const CRASH_POINTS: readonly CrashPoint[] = ['sign', 'signed', 'send', 'sent', 'inclusion'];

const FAULTS: readonly Fault[] = [
  {
    name: 'no block for three cadences',
    happen: (scene, life) => withoutBlocks(scene, () => cadences(scene, life, 3)),
  },
  {
    name: 'the pool emptied',
    happen: (scene, life) =>
      withoutBlocks(scene, async () => {
        await cadences(scene, life, 1);
        await scene.rpc('anvil_dropAllTransactions');
      }),
  },
  { name: 'gas above the ceiling for three cadences', happen: dearGas },
  ...[1, 8, 32, 64].map(
    (depth): Fault => ({
      name: `${depth} blocks reorganised`,
      options: DEEP,
      happen: (scene, life) => reorganise(scene, life, depth),
    }),
  ),
  { name: 'the chain set back to before the anchor', happen: setBack },
  { name: 'the node frozen for three cadences', happen: freeze },
  { name: 'the node killed and started without its pool', happen: restartNode },
  ...CRASH_POINTS.map(
    (point): Fault => ({
      name: `the gateway crashed at ${point}`,
      happen: (scene, life) => crash(scene, life, point),
    }),
  ),
];

/** The longest recovery; each is said. */
export async function measureRecovery(say: (line: string) => void): Promise<Figure[]> {
  const recoveries: number[] = [];
  for (const fault of FAULTS) {
    const scene = await Scene.start(fault.options);
    try {
      const first = scene.live({ chain: { timeoutMs: RPC_TIMEOUT_MS } });
      await cadences(scene, first, 1);
      const life = (await fault.happen(scene, first)) ?? first;
      const cadencesTaken = await recover(scene, life);
      if (scene.violations().length > 0) throw new Error(`${fault.name}: ${scene.violations().join('; ')}`);
      say(`recovery: ${fault.name}: ${cadencesTaken.toFixed(2)} cadences`);
      recoveries.push(cadencesTaken);
    } finally {
      await scene.stop();
    }
  }
  return [
    { name: 'recovery-most', value: Math.max(...recoveries), unit: 'cadences', target: TARGET },
    { name: 'recovery-faults', value: recoveries.length, unit: 'faults' },
  ];
}

/** Looks on until the contract holds the newest checkpoint. */
async function recover(scene: Scene, life: Life): Promise<number> {
  const healedAt = scene.clock.now();
  while (scene.clock.now() - healedAt <= GIVE_UP_CADENCES * CADENCE_MS) {
    await life.anchorer.tick();
    await scene.mine();
    const newest = await scene.log.newestCheckpoint();
    if (newest !== undefined && (await scene.contractSize()) === newest.size)
      return (scene.clock.now() - healedAt) / CADENCE_MS;
    scene.clock.advance(OPTIONS.pollEveryMs);
  }
  return Number.POSITIVE_INFINITY;
}

async function cadences(scene: Scene, life: Life, count: number): Promise<undefined> {
  for (let at = 0; at < count; at++) {
    scene.log.append(3);
    await scene.nextCadence(life);
  }
}

async function withoutBlocks(scene: Scene, work: () => Promise<unknown>): Promise<undefined> {
  await scene.rpc('evm_setAutomine', false);
  await work();
  await scene.rpc('evm_setAutomine', true);
}

async function dearGas(scene: Scene, life: Life): Promise<undefined> {
  for (let at = 0; at < 3; at++) {
    await scene.rpc('anvil_setNextBlockBaseFeePerGas', `0x${(DEAR_GWEI * GWEI).toString(16)}`);
    await scene.mine();
    await cadences(scene, life, 1);
  }
  await scene.rpc('anvil_setNextBlockBaseFeePerGas', `0x${GWEI.toString(16)}`);
  await scene.mine();
}

async function reorganise(scene: Scene, life: Life, depth: number): Promise<undefined> {
  await scene.mine(depth);
  await cadences(scene, life, 1);
  await scene.rpc('anvil_reorg', depth, []);
}

async function setBack(scene: Scene, life: Life): Promise<undefined> {
  const snapshot = await scene.rpc('evm_snapshot');
  await cadences(scene, life, 2);
  await scene.rpc('evm_revert', snapshot);
}

async function freeze(scene: Scene, life: Life): Promise<undefined> {
  process.kill(scene.node.pid, 'SIGSTOP');
  try {
    await cadences(scene, life, 3);
  } finally {
    process.kill(scene.node.pid, 'SIGCONT');
  }
  await delay(RPC_TIMEOUT_MS); // what it was asked meanwhile is behind it
}

async function restartNode(scene: Scene, life: Life): Promise<undefined> {
  const state = await scene.rpc('anvil_dumpState');
  await withoutBlocks(scene, () => cadences(scene, life, 1));
  const { port } = scene.node;
  process.kill(scene.node.pid, 'SIGKILL');
  await scene.node.exited;
  await cadences(scene, life, 1);
  scene.node = await startAnvil({ port });
  await scene.rpc('anvil_loadState', state);
}

async function crash(scene: Scene, life: Life, point: CrashPoint): Promise<Life> {
  scene.log.append(3);
  life.chain.crashAt = point;
  await scene.nextCadence(life);
  return scene.live();
}
