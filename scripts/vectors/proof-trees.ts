/** The trees of docs/vectors/merkle-proofs.json, and how their proofs are spoilt. */
import { hashNode } from '../../src/merkle/hash.ts';
import { type NodeReader, rangeRoot } from '../../src/merkle/shape.ts';
import { flipBit, makeLeaves, storeNodes, uniformNodes } from '../../src/merkle/testing/tree.ts';

/** Up to this size leaves are distinct; larger trees have one leaf many times. */
export const SMALL = 40;
export const MAX = Number.MAX_SAFE_INTEGER;
/** Round which counters carry and words end. */
export const POWERS = [2 ** 16, 2 ** 31, 2 ** 32, 2 ** 48] as const;
export const LEAVES = makeLeaves(SMALL);

const small = storeNodes(LEAVES);
const large = uniformNodes(LEAVES[0] as Uint8Array);

export const treeOf = (size: number): NodeReader => (size <= SMALL ? small : large);
export const rootOf = (read: NodeReader, size: number): Uint8Array => rangeRoot(read, 0, size, hashNode);

export type Pair = readonly [first: number, second: number];

/** 1, 2, 3, 4 as [1, 2], [3, 4]. */
export function pairs(...numbers: readonly number[]): Pair[] {
  return numbers.flatMap((first, at) => (at % 2 === 0 ? [[first, numbers[at + 1] as number] as const] : []));
}

/** Every pair of both below `end`, the first less than the second. */
export function pairsBelow(end: number): Pair[] {
  const numbers = Array.from({ length: end }, (_, number) => number);
  return numbers.flatMap((second) => numbers.slice(0, second).map((first) => [first, second] as const));
}

/** Wrong in one way each: a bit of each hash, a hash missing, added, twice, the order. */
export function damaged(
  proof: readonly Uint8Array[],
  extra: Uint8Array,
): [what: string, proof: Uint8Array[]][] {
  const last = proof.length - 1;
  return [
    ...proof.map((hash, at): [string, Uint8Array[]] => [
      `a bit of hash ${at}`,
      proof.toSpliced(at, 1, flipBit(hash, (at * 37) % 256)),
    ]),
    ['without the first hash', proof.slice(1)],
    ['without the last hash', proof.slice(0, last)],
    ['a hash before the first', [extra, ...proof]],
    ['a hash behind the last', [...proof, extra]],
    ['the last hash twice', [...proof, proof[last] as Uint8Array]],
    ['65 hashes', Array.from({ length: 65 }, () => extra)],
  ];
}
