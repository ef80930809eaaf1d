/** One block out of what several nodes call their newest, or their final one. */
import { bytesToHex } from '../../src/bytes.ts';
import type { Block, NodeView } from './chain.ts';
import { isOther, noQuorum, type Quorum } from './quorum/quorum.ts';
import { alikeOrNothing, combined, everyone, orNothing, reachedBy, type Vote } from './quorum/votes.ts';

export interface BlockQuestion {
  readonly about: string;
  /** The node's own newest, or final, block. */
  ask(node: NodeView): Promise<Block>;
  readonly moving: boolean;
}

/**
 * The highest block that a quorum has reached and holds at its height: a node that claims to be far ahead, or far
 * behind, moves nothing. The quorum is of nodes that called this block or a later one newest (or final), so at least
 * one of them is honest as long as fewer than a quorum lie.
 */
export async function agreedBlock(nodes: Quorum<NodeView>, question: BlockQuestion): Promise<Block> {
  const { about, moving, ask } = question;
  let claims: readonly Vote<Block>[] = [];
  // First without waiting for who is late: a node may claim a great height and then keep silent about it. Then with
  // them, from the start: without the claim of one that is honest and slow, a quorum may be missing.
  for (const rule of [combined, everyone]) {
    claims = await nodes.poll<Block, readonly Vote<Block>[]>(
      { about, ask, show: showBlock, differs: isOtherAtItsHeight, moving },
      rule(nodes.size, (votes: readonly Vote<Block>[]) => votes),
    );
    const heard = rule === everyone ? nodes.size : 0;
    for (const height of candidates(claims, nodes.size)) {
      const block = await blockAmong(nodes, claims, height, heard, moving);
      if (block !== undefined) return block;
    }
  }
  const said = claims.map(({ node, value }) => `${node} said ${showBlock(value)}`);
  throw noQuorum(nodes.size, claims.length, about, claims.length, said);
}

export function showBlock(block: Block | undefined): string {
  return block === undefined
    ? 'that there is none'
    : `block ${block.number} ${bytesToHex(block.hash).slice(0, 8)}`;
}

/** The block at this height by those who claim it or more; who claimed just it has said already. */
function blockAmong(
  nodes: Quorum<NodeView>,
  claims: readonly Vote<Block>[],
  height: bigint,
  heard: number,
  moving: boolean,
): Promise<Block | undefined> {
  const claimed = new Map(claims.map(({ node, value }) => [node, value]));
  const among = claims.filter(({ value }) => value.number >= height).map(({ node }) => node);
  return nodes.poll<Block | undefined, Block | undefined>(
    {
      about: 'a block by its height',
      ask: async (node) => {
        const own = claimed.get(node.name);
        return own?.number === height ? own : node.blockAt(height);
      },
      show: showBlock,
      differs: isOther,
      moving,
    },
    orNothing(alikeOrNothing(nodes.size, heard)),
    new Set(among),
  );
}

/**
 * From the height that a quorum has reached downwards: the one below it, because at the tip of the chain two blocks
 * may compete, and every lower one that some node claims.
 */
function candidates(claims: readonly Vote<Block>[], quorum: number): bigint[] {
  const heights = claims.map(({ value }) => value.number);
  const reached = reachedBy(heights, quorum);
  const lower = [...heights, reached - 1n].filter((height) => height >= 0n && height <= reached);
  return [...new Set(lower)].sort((a, b) => (a < b ? 1 : -1));
}

/** Only where a quorum claims one block at once: blocks of other heights say nothing about each other. */
function isOtherAtItsHeight(block: Block, decided: readonly Vote<Block>[]): boolean | undefined {
  const [first] = decided;
  const isOne = decided.every(({ value }) => first !== undefined && isOther(value, first.value) === false);
  return isOne && first?.value.number === block.number ? isOther(block, first.value) : undefined;
}
