/** Inclusion proofs, good ones and such that must be refused. */
import { bytesToHex } from '../../src/bytes.ts';
import { hashNode } from '../../src/merkle/hash.ts';
import { proveInclusion } from '../../src/merkle/proof.ts';
import { flipBit } from '../../src/merkle/testing/tree.ts';
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

/** A claim that `leafHash` is the `index`-th leaf of the tree (size, root). */
export interface InclusionVector {
  readonly name: string;
  readonly index: number;
  readonly size: number;
  readonly root: string;
  readonly leafHash: string;
  readonly path: readonly string[];
  /** Whether RFC 9162 section 2.1.3.2 accepts it, and what ReadingLog's `verifyInclusion` answers where (size, root) is anchored. */
  readonly valid: boolean;
}

interface Place {
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly leafHash: Uint8Array;
  readonly path: readonly Uint8Array[];
}

const PLACES: readonly Pair[] = [
  ...pairsBelow(9),
  ...pairs(0, 33, 31, 33, 32, 33, 38, 40),
  ...pairs(0, 1_000_000, 567_890, 1_000_000, 999_999, 1_000_000),
  ...POWERS.flatMap((power) => pairs(power - 1, power, power - 1, power + 1, power, power + 1)),
  ...pairs(0, MAX, 2 ** 32, MAX, MAX - 1, MAX),
];
/** What is spoilt: leaves inside, on the right edge, in a complete tree, and beyond 32 bits. */
const SPOILT: readonly Pair[] = pairs(4, 7, 6, 7, 5, 8, 2 ** 32 + 1, 2 ** 33 + 5);

export function makeInclusionVectors(): InclusionVector[] {
  return [...goodPlaces(), ...badPlaces()];
}

function goodPlaces(): InclusionVector[] {
  return PLACES.map(([index, size]) => inclusionVector(`${index} of ${size}`, place(index, size), true));
}

function badPlaces(): InclusionVector[] {
  return SPOILT.flatMap(([index, size]) => {
    const good = place(index, size);
    const bad = (what: string, change: Partial<Place>): InclusionVector =>
      inclusionVector(`${index} of ${size}, ${what}`, { ...good, ...change }, false);
    const [sibling, ...rest] = good.path as [Uint8Array, ...Uint8Array[]];
    return [
      bad('a bit of the root', { root: flipBit(good.root, size % 256) }),
      bad('a bit of the leaf', { leafHash: flipBit(good.leafHash, index % 256) }),
      ...damaged(good.path, good.root).map(([what, path]) => bad(what, { path })),
      bad('no path', { path: [] }),
      bad('the size for the index', { index: size }),
      bad('an index beyond 2^32', { index: index + 2 ** 33 + 2 ** 34 }),
      bad('the largest index', { index: MAX }),
      bad('the size doubled', { size: size * 2 }),
      bad('the parent for the leaf', { leafHash: hashNode(good.leafHash, sibling), path: rest }),
    ];
  });
}

function inclusionVector(name: string, claim: Place, valid: boolean): InclusionVector {
  return {
    name,
    index: claim.index,
    size: claim.size,
    root: bytesToHex(claim.root),
    leafHash: bytesToHex(claim.leafHash),
    path: claim.path.map(bytesToHex),
    valid,
  };
}

function place(index: number, size: number): Place {
  const read = treeOf(size);
  const leafHash = LEAVES[size <= SMALL ? index : 0] as Uint8Array;
  return { index, size, root: rootOf(read, size), leafHash, path: proveInclusion(read, index, size) };
}
