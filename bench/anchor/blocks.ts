/** How many blocks go by from the commit of a reading to its anchor, and to the finality of that, on a chain with a block each second. */
import { BLOCKS_TO_FINAL, CADENCE_MS, OPTIONS, Scene } from '../../gateway/anchor/testing/scene.ts';
import type { Figure } from '../report.ts';
import { median } from '../support/statistics.ts';

const ROUNDS = 10;
/** A block between two looks, as where the looks keep the pace of the chain. */
const LOOKS_AT_MOST = 50;

export async function measureBlocks(): Promise<readonly Figure[]> {
  const scene = await Scene.start();
  try {
    await scene.rpc('evm_setAutomine', false);
    const life = scene.live();
    const [anchored, final]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      scene.log.append(3); // just before the cadence comes round: the cadence itself is the operator's choice
      const size = await scene.log.size();
      const from = await height(scene);
      scene.clock.advance(CADENCE_MS);
      const until = async (state: 'anchored' | 'final'): Promise<number> => {
        for (let look = 0; look < LOOKS_AT_MOST; look++) {
          await life.anchorer.tick();
          if ((await life.anchorer.status())[state] >= size) return (await height(scene)) - from;
          await scene.mine();
          scene.clock.advance(OPTIONS.pollEveryMs);
        }
        throw new Error(`not ${state} after ${LOOKS_AT_MOST} blocks`);
      };
      anchored.push(await until('anchored'));
      final.push(await until('final'));
    }
    return [
      { name: 'blocks-to-anchored', value: median(anchored), unit: 'blocks' },
      {
        name: 'blocks-to-final',
        value: median(final),
        unit: `blocks, where ${BLOCKS_TO_FINAL} more make one final`,
      },
    ];
  } finally {
    await scene.stop();
  }
}

async function height(scene: Scene): Promise<number> {
  return Number(await scene.rpc('eth_blockNumber'));
}
