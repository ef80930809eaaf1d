import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesToHex, hexToBytes } from '../bytes.ts';
import { Frontier } from './frontier.ts';
import { EMPTY_ROOT, hashLeaf } from './hash.ts';
import { proveConsistency, proveInclusion } from './proof.ts';
import { computeRoot } from './root.ts';
import { storeNodes } from './testing/tree.ts';
import { verifyConsistency, verifyInclusion } from './verify.ts';

const FILE = new URL('../../../shared/data/vectors/merkle/rfc6962-known-answers.json', import.meta.url);

interface KnownAnswers {
  readonly leafInputsHex: readonly string[];
  readonly rootHashesHex: Readonly<Record<string, string>>;
  readonly nodeHashesByLevelHex: readonly (readonly string[])[];
  readonly emptyRootHex: string;
}

describe.skipIf(!existsSync(FILE))('RFC 6962 known answers (skipped without ../shared/data)', () => {
  const vectors = (existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {}) as KnownAnswers;
  const leaves = (vectors.leafInputsHex ?? []).map((input) => hashLeaf(hexToBytes(input)));
  const rootOf = (size: number) => hexToBytes(vectors.rootHashesHex[String(size)] as string);

  test('roots of every size, by definition and by appending', () => {
    expect(bytesToHex(EMPTY_ROOT)).toBe(vectors.emptyRootHex);
    expect(bytesToHex(computeRoot([]))).toBe(vectors.emptyRootHex);
    const frontier = new Frontier();
    for (const [index, leaf] of leaves.entries()) {
      frontier.append(leaf);
      const size = index + 1;
      expect(frontier.root()).toEqual(rootOf(size));
      expect(computeRoot(leaves.slice(0, size))).toEqual(rootOf(size));
    }
  });

  test('every complete subtree', () => {
    const read = storeNodes(leaves);
    const levels = vectors.nodeHashesByLevelHex.map((level, height) =>
      level.map((_, index) => bytesToHex(read(height, index))),
    );
    expect(levels).toEqual(vectors.nodeHashesByLevelHex);
  });

  test('every inclusion and consistency proof leads to the published roots', () => {
    const read = storeNodes(leaves);
    for (let size = 1; size <= leaves.length; size++) {
      for (let index = 0; index < size; index++) {
        const leafHash = leaves[index] as Uint8Array;
        const path = proveInclusion(read, index, size);
        expect(verifyInclusion({ leafHash, index, size, path, root: rootOf(size) })).toBe(true);
        const proof = proveConsistency(read, index + 1, size);
        const from = { fromSize: index + 1, fromRoot: rootOf(index + 1) };
        expect(verifyConsistency({ ...from, toSize: size, toRoot: rootOf(size), proof })).toBe(true);
      }
    }
  });

  // RFC 9162 section 2.1.5 prints these for its tree of seven leaves.
  test('the paths printed in RFC 9162 section 2.1.5', () => {
    const read = storeNodes(leaves);
    const node = (level: number, index: number) => bytesToHex(read(level, index));
    const hexes = (proof: Uint8Array[]) => proof.map(bytesToHex);
    const l = bytesToHex(computeRoot(leaves.slice(4, 7)));
    expect(hexes(proveInclusion(read, 0, 7))).toEqual([node(0, 1), node(1, 1), l]);
    expect(hexes(proveInclusion(read, 3, 7))).toEqual([node(0, 2), node(1, 0), l]);
    expect(hexes(proveInclusion(read, 4, 7))).toEqual([node(0, 5), node(0, 6), node(2, 0)]);
    expect(hexes(proveInclusion(read, 6, 7))).toEqual([node(1, 2), node(2, 0)]);
    expect(hexes(proveConsistency(read, 3, 7))).toEqual([node(0, 2), node(0, 3), node(1, 0), l]);
    expect(hexes(proveConsistency(read, 4, 7))).toEqual([l]);
    expect(hexes(proveConsistency(read, 6, 7))).toEqual([node(1, 2), node(0, 6), node(2, 0)]);
  });
});
