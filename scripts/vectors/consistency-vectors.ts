/** Consistency proofs, good ones and such that must be refused, with what the contract answers to each. */
import { bytesToHex } from '../../src/bytes.ts';
import { EMPTY_ROOT, hashLeaf } from '../../src/merkle/hash.ts';
import { proveConsistency } from '../../src/merkle/proof.ts';
import { flipBit, storeNodes, uniformNodes } from '../../src/merkle/testing/tree.ts';
import {
  damaged,
  LEAVES,
  MAX,
  type Pair,
  POWERS,
  pairs,
  pairsBelow,
  rootOf,
  SMALL,
  treeOf,
} from './proof-trees.ts';

/** A claim that the tree (toSize, toRoot) begins with (fromSize, fromRoot). Hashes are lower-case hexadecimal. */
export interface ConsistencyVector {
  readonly name: string;
  readonly fromSize: number;
  readonly fromRoot: string;
  readonly toSize: number;
  readonly toRoot: string;
  readonly proof: readonly string[];
  /** Whether RFC 9162 section 2.1.4.2 accepts it. */
  readonly valid: boolean;
  /** What ReadingLog's `anchor` answers where (fromSize, fromRoot) is the head: `done`, or the error's name. */
  readonly anchor: string;
}

interface Growth {
  readonly fromSize: number;
  readonly fromRoot: Uint8Array;
  readonly toSize: number;
  readonly toRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

type Refusal = 'SizeNotGrowing' | 'ZeroRoot' | 'InvalidConsistencyProof';

const ZERO = new Uint8Array(32);

const GROWTHS: readonly Pair[] = [
  ...pairsBelow(9).filter(([from]) => from > 0),
  ...pairs(12, 13, 13, 29, 31, 32, 32, 33, 33, 40, 1, 40),
  ...pairs(900, 1_000, 990_000, 1_000_000, 999_999, 1_000_000, 1_000_000, 10_000_000),
  ...POWERS.flatMap((power) =>
    pairs(power - 1, power, power - 1, power + 1, power, power + 1, power + 1, 2 * power + 5),
  ),
  ...pairs(1, MAX, 2 ** 52, MAX, 2 ** 32 + 1, MAX, MAX - 1, MAX),
];
/** What is spoilt: an old tree on the right edge, a complete one, one inside, and one beyond 32 bits. */
const SPOILT: readonly Pair[] = pairs(6, 7, 8, 11, 13, 29, 2 ** 32 + 1, 2 ** 33 + 5);

export function makeConsistencyVectors(): ConsistencyVector[] {
  return [...goodGrowths(), ...badGrowths(), ...otherSizes(), ...withoutTree()];
}

function goodGrowths(): ConsistencyVector[] {
  return GROWTHS.map(([from, to]) => consistencyVector(`${from} to ${to}`, grow(from, to), true));
}

function badGrowths(): ConsistencyVector[] {
  return SPOILT.flatMap(([from, to]) => {
    const good = grow(from, to);
    const bad = (what: string, change: Partial<Growth>): ConsistencyVector =>
      consistencyVector(`${from} to ${to}, ${what}`, { ...good, ...change }, false);
    return [
      bad('a bit of the old root', { fromRoot: flipBit(good.fromRoot, from % 256) }),
      bad('a bit of the new root', { toRoot: flipBit(good.toRoot, to % 256) }),
      bad('the new root for the old', { fromRoot: good.toRoot }),
      bad('the old root for the new', { toRoot: good.fromRoot }),
      ...damaged(good.proof, good.toRoot).map(([what, proof]) => bad(what, { proof })),
      bad('no proof', { proof: [] }),
      bad('the new tree over another history', forged(from, to)),
    ];
  });
}

/** Sizes the proof was not made for. Some have a path of the same shape: the roots do not tell them apart, by the RFC itself. */
function otherSizes(): ConsistencyVector[] {
  const good = grow(13, 29);
  const sized = (fromSize: number, toSize: number, valid: boolean, refusal?: Refusal): ConsistencyVector =>
    consistencyVector(`13 to 29 as ${fromSize} to ${toSize}`, { ...good, fromSize, toSize }, valid, refusal);
  return [
    ...[17, 26, 27, 28, 30, 31, 32].map((toSize) => sized(13, toSize, true)),
    ...[14, 15, 16, 33, 45, 61, 64, 2 ** 32 + 29, MAX].map((toSize) => sized(13, toSize, false)),
    ...[1, 2, 8, 9, 11, 12, 14, 15, 16, 17, 28].map((fromSize) => sized(fromSize, 29, false)),
    sized(13, 13, false, 'SizeNotGrowing'),
    sized(13, 12, false, 'SizeNotGrowing'),
    sized(29, 13, false, 'SizeNotGrowing'),
    sized(13, 0, false, 'SizeNotGrowing'),
  ];
}

/** Where there is no old tree, no new one, or nothing between them. */
function withoutTree(): ConsistencyVector[] {
  const first: Growth = { ...grow(1, 13), fromSize: 0, fromRoot: EMPTY_ROOT, proof: [] };
  const still: Growth = { ...grow(12, 13), fromSize: 13, fromRoot: rootOf(treeOf(SMALL), 13), proof: [] };
  return [
    consistencyVector('a first anchor', first, true),
    consistencyVector('a first anchor with a proof', { ...first, proof: grow(12, 13).proof }, false),
    consistencyVector('a first anchor without a root', { ...first, toRoot: ZERO }, true, 'ZeroRoot'),
    consistencyVector(
      'no leaf after none',
      { ...first, toSize: 0, toRoot: EMPTY_ROOT },
      true,
      'SizeNotGrowing',
    ),
    consistencyVector('the same again', still, true, 'SizeNotGrowing'),
    consistencyVector(
      'the same size, another root',
      { ...still, toRoot: rootOf(treeOf(SMALL), 12) },
      false,
      'SizeNotGrowing',
    ),
    consistencyVector(
      'the same with a proof',
      { ...still, proof: grow(12, 13).proof },
      false,
      'SizeNotGrowing',
    ),
    consistencyVector('13 to 29 without a root', { ...grow(13, 29), toRoot: ZERO }, false, 'ZeroRoot'),
  ];
}

/** A tree with another early leaf (the large one: with other leaves), its own proof, and the honest old root. */
function forged(from: number, to: number): Partial<Growth> {
  const other = hashLeaf(new Uint8Array(32));
  const read = to <= SMALL ? storeNodes(LEAVES.with(3, other)) : uniformNodes(other);
  return { toRoot: rootOf(read, to), proof: proveConsistency(read, from, to) };
}

function consistencyVector(
  name: string,
  claim: Growth,
  valid: boolean,
  refusal?: Refusal,
): ConsistencyVector {
  return {
    name,
    fromSize: claim.fromSize,
    fromRoot: bytesToHex(claim.fromRoot),
    toSize: claim.toSize,
    toRoot: bytesToHex(claim.toRoot),
    proof: claim.proof.map(bytesToHex),
    valid,
    anchor: refusal ?? (valid ? 'done' : 'InvalidConsistencyProof'),
  };
}

function grow(from: number, to: number): Growth {
  const read = treeOf(to);
  const [fromRoot, toRoot] = [rootOf(read, from), rootOf(read, to)];
  return { fromSize: from, fromRoot, toSize: to, toRoot, proof: proveConsistency(read, from, to) };
}
