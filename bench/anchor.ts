/** What anchoring costs: gas, the processor's time as the log grows, blocks until it is done, and the time to recover from faults. */

import { Scene } from '../gateway/anchor/testing/scene.ts';
import { measureBlocks } from './anchor/blocks.ts';
import { measureAnchorGas } from './anchor/gas.ts';
import { measureAnchorGrowth } from './anchor/growth.ts';
import { measureRecovery } from './anchor/recovery.ts';
import type { Bench } from './options.ts';
import type { Figure } from './report.ts';

type Group = (say: (line: string) => void) => Promise<readonly Figure[]>;

const GROUPS: Readonly<Record<string, Group>> = {
  gas: measureAnchorGas,
  blocks: measureBlocks,
  recovery: measureRecovery,
  growth: (say) => onScene(async (scene) => [await measureAnchorGrowth(scene, say)]),
};

export const measureAnchor: Bench = async ({ say, only = Object.keys(GROUPS) }) => {
  const figures: Figure[] = [];
  for (const [name, measure] of Object.entries(GROUPS))
    if (only.includes(name)) figures.push(...(await measure(say)));
  return figures;
};

async function onScene<T>(use: (scene: Scene) => Promise<T>): Promise<T> {
  const scene = await Scene.start();
  try {
    return await use(scene);
  } finally {
    await scene.stop();
  }
}
