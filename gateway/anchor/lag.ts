/** How far a node is behind what a quorum of them has. */
import type { Block } from './chain.ts';

/** One block behind is what comes between two answers. */
const LAGGING_BLOCKS = 2;
const LAGGING_SECONDS = 30;

/** @param reached the newest block of the quorum, if one is known. */
export function blocksBehind(own: Block, reached: Block | undefined): number {
  return reached === undefined || own.number >= reached.number ? 0 : Number(reached.number - own.number);
}

/** By the time of the blocks: on a fast chain a node in good order is many of them behind. */
export function isLagging(own: Block, reached: Block | undefined): boolean {
  const seconds = (reached?.time ?? 0) - own.time;
  return blocksBehind(own, reached) >= LAGGING_BLOCKS && seconds > LAGGING_SECONDS;
}
