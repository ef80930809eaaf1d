import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { concatBytes } from '../../src/bytes.ts';
import { hashLeaf as nobleHashLeaf } from '../../src/merkle/hash.ts';
import { verifyMany } from '../../src/merkle/multiproof.ts';
import { proveConsistency, proveInclusion } from '../../src/merkle/proof.ts';
import { computeRoot } from '../../src/merkle/root.ts';
import type { NodeReader } from '../../src/merkle/shape.ts';
import { verifyConsistency, verifyInclusion } from '../../src/merkle/verify.ts';
import { hashLeaf, hashNode, sha256 } from '../crypto/hash.ts';
import { type Db, openDatabase } from '../store/database.ts';
import { LOG_SCHEMA, LogStore } from '../store/log-store.ts';
import { LogTree } from './tree.ts';

const entryOf = (index: number): Uint8Array => Uint8Array.from(sha256(Buffer.from(`entry ${index}`)));
const plain = (hashes: readonly Uint8Array[]): Uint8Array[] => hashes.map((hash) => Uint8Array.from(hash));

let db: Db;
let store: LogStore;
let tree: LogTree;

beforeEach(() => {
  db = openDatabase(':memory:', [LOG_SCHEMA]);
  store = new LogStore(db);
  tree = new LogTree(store);
});

afterEach(() => db.close());

function append(index: number): void {
  const entry = entryOf(index);
  store.insertEntry({
    idx: index,
    entry,
    kind: 'heartbeat',
    owner: 1,
    device: null,
    provider: null,
    boot: null,
    seq: null,
    received_at: 0,
    flags: '',
    sealed: new Uint8Array(0),
  });
  tree.append(entry);
}

/** Grows the log to `size` in one transaction. */
function growTo(size: number): void {
  db.transaction(() => {
    while (tree.size < size) append(tree.size);
  })();
}

const leavesOf = (size: number) => Array.from({ length: size }, (_, index) => hashLeaf(entryOf(index)));

/** Appends in a transaction that fails at its end. */
function growAndFall(growth: number): void {
  db.transaction(() => {
    for (let i = 0; i < growth; i++) append(tree.size);
    throw new Error('the disk is full');
  })();
}

/** The definition of RFC 9162; OpenSSL hashes, because noble needs seconds for the larger trees. */
const rootOf = (leaves: readonly Uint8Array[]) => Uint8Array.from(computeRoot(leaves, hashNode));

/** All complete subtrees of a list of leaves, level by level. */
function nodesOf(leaves: readonly Uint8Array[]): NodeReader {
  const levels = [leaves];
  for (let below = leaves; below.length > 1; ) {
    const level: Uint8Array[] = [];
    for (let i = 0; i + 1 < below.length; i += 2)
      level.push(hashNode(below[i] as Uint8Array, below[i + 1] as Uint8Array));
    levels.push(level);
    below = level;
  }
  return (level, index) => levels[level]?.[index] as Uint8Array;
}

/** Roots, proofs and tiles of the tree as it stands, beside those of src/merkle. */
function compareWithReference(leaves: readonly Uint8Array[], reference = nodesOf(leaves)): void {
  const size = leaves.length;
  expect(tree.size).toBe(size);
  const root = Uint8Array.from(tree.root());
  expect(root).toEqual(rootOf(leaves));
  const indices = [...new Set([0, 1, 127, 128, 255, 256, 257, size >> 1, size - 2, size - 1])].filter(
    (index) => index >= 0 && index < size,
  );
  for (const index of indices) {
    const path = plain(tree.inclusionProof(index, size));
    expect(path).toEqual(plain(proveInclusion(reference, index, size, hashNode)));
    expect(verifyInclusion({ leafHash: leaves[index] as Uint8Array, index, size, path, root })).toBe(true);
  }
  const sorted = indices.toSorted((a, b) => a - b);
  if (sorted.length > 0) {
    const chosen = sorted.map((index) => ({ index, leafHash: leaves[index] as Uint8Array }));
    expect(verifyMany({ leaves: chosen, size, proof: tree.multiproof(sorted, size), root })).toBe(true);
  }
  for (const from of [...indices, size]) {
    expect(plain(tree.consistencyProof(from, size))).toEqual(
      plain(proveConsistency(reference, from, size, hashNode)),
    );
  }
}

describe('against the reference of src/merkle', () => {
  test.each([0, 1, 2, 3, 127, 128, 255, 256, 257, 511, 512, 513, 1000])('%i leaves', (size) => {
    growTo(size);
    compareWithReference(leavesOf(size));
    tree.reload();
    compareWithReference(leavesOf(size));
  });

  test('around 65,536 leaves, where a tile of level 1 fills, after a rollback across that place', () => {
    const leaves = leavesOf(65_537);
    const reference = nodesOf(leaves); // a complete subtree is the same at every size
    growTo(65_500);
    expect(() => growAndFall(100)).toThrow('the disk is full');
    tree.reload();
    for (const size of [65_535, 65_536, 65_537]) {
      growTo(size);
      compareWithReference(leaves.slice(0, size), reference);
      const root = Buffer.from(tree.root());
      tree.reload();
      expect(Buffer.from(tree.root())).toEqual(root);
    }
    expect(store.tile(1, 0)?.length).toBe(256 * 32);
    expect(store.tile(0, 255)?.length).toBe(256 * 32);
    expect(store.tile(0, 256)).toBeUndefined();
    expect(tree.tile(2, 0, 1)).toEqual(Buffer.from(rootOf(leaves.slice(0, 65_536))));
  });
});

test('every size from 0 to 520, grown in one piece, has the reference root and survives a reload', () => {
  const leaves = leavesOf(520);
  for (let size = 0; size <= 520; size++) {
    growTo(size);
    expect(Uint8Array.from(tree.root())).toEqual(rootOf(leaves.slice(0, size)));
    if (size % 37 === 0 || size % 256 < 2) {
      const other = new LogTree(store);
      expect([other.size, Buffer.from(other.root())]).toEqual([size, Buffer.from(tree.root())]);
    }
  }
});

test('proofs for older sizes stay the same while the log grows, from memory, cache and store', () => {
  const leaves = leavesOf(1300);
  const asked = [
    [0, 1],
    [5, 200],
    [255, 256],
    [200, 257],
    [256, 300],
    [511, 700],
  ] as const;
  const roots = new Map(asked.map(([, size]) => [size, rootOf(leaves.slice(0, size))]));
  for (const now of [1, 200, 256, 257, 300, 512, 700, 768, 1024, 1025, 1300]) {
    growTo(now);
    for (const [index, size] of asked.filter(([, size]) => size <= now)) {
      const root = roots.get(size) as Uint8Array;
      const path = tree.inclusionProof(index, size);
      expect(verifyInclusion({ leafHash: leaves[index] as Uint8Array, index, size, path, root })).toBe(true);
      const proof = tree.consistencyProof(size, now);
      expect(
        verifyConsistency({ fromSize: size, fromRoot: root, toSize: now, toRoot: tree.root(), proof }),
      ).toBe(true);
    }
  }
});

test.each([
  [0, 3],
  [250, 270],
  [255, 1],
  [256, 600],
])('a rolled-back growth from %i by %i leaves nothing behind once reloaded', (size, growth) => {
  growTo(size);
  const root = Buffer.from(tree.root());
  expect(() => growAndFall(growth)).toThrow('the disk is full');
  expect(tree.size).toBe(size + growth);
  tree.reload();
  expect([tree.size, Buffer.from(tree.root())]).toEqual([size, root]);
  growTo(size + growth + 1);
  expect(Uint8Array.from(tree.root())).toEqual(rootOf(leavesOf(size + growth + 1)));
});

describe('C2SP tiles', () => {
  test('hold the leaf hashes, and above them the roots of full tiles', () => {
    growTo(600);
    const leaves = leavesOf(600);
    expect(tree.tile(0, 0, 256)).toEqual(Buffer.from(concatBytes(...leaves.slice(0, 256))));
    expect(tree.tile(0, 1, 256)).toEqual(Buffer.from(concatBytes(...leaves.slice(256, 512))));
    expect(tree.tile(0, 2, 88)).toEqual(Buffer.from(concatBytes(...leaves.slice(512))));
    expect(tree.tile(1, 0, 2)).toEqual(
      Buffer.from(concatBytes(rootOf(leaves.slice(0, 256)), rootOf(leaves.slice(256, 512)))),
    );
  });

  test('any width up to what is there can be asked for, also of a tile that has filled since', () => {
    growTo(300);
    const leaves = leavesOf(300);
    for (const width of [1, 43, 44]) {
      expect(tree.tile(0, 1, width)).toEqual(Buffer.from(concatBytes(...leaves.slice(256, 256 + width))));
    }
    expect(tree.tile(0, 0, 100)).toEqual(Buffer.from(concatBytes(...leaves.slice(0, 100))));
  });

  test('what is not there yet is undefined', () => {
    growTo(300);
    expect(tree.tile(0, 1, 45)).toBeUndefined();
    expect(tree.tile(0, 2, 1)).toBeUndefined();
    expect(tree.tile(1, 0, 2)).toBeUndefined();
    expect(tree.tile(1, 1, 1)).toBeUndefined();
    expect(tree.tile(7, 0, 1)).toBeUndefined();
    expect(tree.tile(63, 0, 256)).toBeUndefined();
  });
});

test('proofs beyond the log are misuse, not wrong proofs', () => {
  growTo(300);
  expect(() => tree.inclusionProof(300, 300)).toThrow(RangeError);
  expect(() => tree.inclusionProof(0, 301)).toThrow(RangeError);
  expect(() => tree.inclusionProof(0, 0)).toThrow(RangeError);
  expect(() => tree.consistencyProof(10, 400)).toThrow(RangeError);
  expect(() => tree.consistencyProof(10, 5)).toThrow(RangeError);
  expect(() => tree.multiproof([3, 3], 300)).toThrow(RangeError);
  expect(tree.consistencyProof(0, 300)).toEqual([]);
  expect(tree.consistencyProof(300, 300)).toEqual([]);
});

test('the hashes of the tree are those of src, by another library', () => {
  const [a, b] = [entryOf(1), entryOf(2)];
  expect(Uint8Array.from(hashLeaf(a))).toEqual(nobleHashLeaf(a));
  expect(Uint8Array.from(hashNode(a, b))).toEqual(computeRoot([a, b]));
});
