import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hexToBytes } from '../src/bytes.ts';
import { hashLeaf, hashNode } from '../src/merkle/hash.ts';
import { proveInclusion } from '../src/merkle/proof.ts';
import { rangeRoot } from '../src/merkle/shape.ts';
import { flipBit, makeLeaves, storeNodes } from '../src/merkle/testing/tree.ts';
import { answer, deployTestLog, honestAnchor, mined, type TestLog } from './testing/reading-log.ts';

const KNOWN_ANSWERS = join(
  import.meta.dirname,
  '../../shared/data/vectors/merkle/rfc6962-known-answers.json',
);
const HEADS = [1, 2, 3, 7, 8, 21, 64, 1_000, 1_001];
const leaves = makeLeaves(1_001);
const read = storeNodes(leaves);
const rootOf = (size: number): Uint8Array => rangeRoot(read, 0, size, hashNode);
const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;

describe('what a log remembers', () => {
  let log: TestLog;
  let logId: string;
  beforeAll(async () => {
    log = await deployTestLog();
    logId = await log.open();
  });
  afterAll(() => log?.close());
  const ask = (method: string, ...args: readonly unknown[]) =>
    log
      .as(log.stranger)
      .getFunction(method)
      .staticCall(...args);

  it('starts with size 0 and no root', async () => {
    expect([...(await ask('head', logId))]).toEqual([0n, `0x${'00'.repeat(32)}`]);
    expect(await answer(log.as(log.stranger), 'rootAt', logId, 0)).toBe(`UnknownSize(${logId}, 0)`);
  });

  it('grows by anchors, each with its event, and keeps the root of every anchored size and of no other', async () => {
    let from = 0;
    for (const size of HEADS) {
      const events = await mined(log.as(log.operator), 'anchor', logId, ...honestAnchor(read, from, size));
      expect(events).toEqual([['Anchored', logId, BigInt(size), hex(rootOf(size))]]);
      expect([...(await ask('head', logId))]).toEqual([BigInt(size), hex(rootOf(size))]);
      from = size;
    }
    for (const size of HEADS) expect(await ask('rootAt', logId, size)).toBe(hex(rootOf(size)));
    for (const size of [0, 4, 20, 999, 1_002, 2n ** 64n - 1n]) {
      expect(await answer(log.as(log.stranger), 'rootAt', logId, size)).toBe(
        `UnknownSize(${logId}, ${size})`,
      );
    }
  });

  it('never goes back or stands still', async () => {
    const operator = log.as(log.operator);
    for (const size of [0, 1, 1_000, 1_001]) {
      const refusal = `SizeNotGrowing(${logId}, 1001, ${size})`;
      expect(await answer(operator, 'anchor', logId, size, rootOf(1_001), [])).toBe(refusal);
    }
  });

  it('takes no zero root, and no proof with the first anchor', async () => {
    const fresh = await log.open();
    const operator = log.as(log.operator);
    expect(await answer(operator, 'anchor', fresh, 5, new Uint8Array(32), [])).toBe(`ZeroRoot(${fresh}, 5)`);
    expect(await answer(operator, 'anchor', fresh, 5, rootOf(5), [rootOf(1)])).toBe(
      `InvalidConsistencyProof(${fresh}, 0, 5, ${hex(rootOf(5))})`,
    );
  });

  it('proves every leaf of every anchored tree up to 64, and no other leaf, index, path or length', async () => {
    for (const size of HEADS.filter((head) => head <= 64)) {
      await Promise.all(
        Array.from({ length: size }, async (_, index) => {
          const leaf = leaves[index] as Uint8Array;
          const path = proveInclusion(read, index, size);
          const included = (at: number, hash: Uint8Array, nodes: Uint8Array[]): Promise<boolean> =>
            ask('verifyInclusion', logId, size, at, hash, nodes);
          expect(await included(index, leaf, path), `${index} of ${size}`).toBe(true);
          expect(await included(index, flipBit(leaf, index), path)).toBe(false);
          expect(await included(index, leaf, [...path, leaf])).toBe(false);
          expect(await included(index ^ 1, leaf, path)).toBe(false);
          expect(await included(index + 64, leaf, path)).toBe(false);
          if (path.length > 0) expect(await included(index, leaf, path.slice(0, -1))).toBe(false);
        }),
      );
    }
  });

  it('refuses an inner node in place of a leaf', async () => {
    const inner = rangeRoot(read, 0, 2, hashNode);
    expect(await ask('verifyInclusion', logId, 8, 0, inner, proveInclusion(read, 0, 8).slice(1))).toBe(false);
  });

  it('refuses an inclusion path with any one bit changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 1_000 }), fc.nat(), async (index, bit) => {
        const path = proveInclusion(read, index, 1_001);
        expect(await ask('verifyInclusion', logId, 1_001, index, leaves[index], path)).toBe(true);
        const at = bit % path.length;
        const flipped = path.map((node, position) => (position === at ? flipBit(node, bit % 256) : node));
        expect(await ask('verifyInclusion', logId, 1_001, index, leaves[index], flipped)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  describe.skipIf(!existsSync(KNOWN_ANSWERS))(
    'with the RFC 6962 known answers (skipped without ../shared/data)',
    () => {
      it('accepts each published root with our proof, from each published root before it', async () => {
        const known = JSON.parse(readFileSync(KNOWN_ANSWERS, 'utf8')) as {
          leafInputsHex: string[];
          rootHashesHex: Record<string, string>;
        };
        const tree = storeNodes(known.leafInputsHex.map((input) => hashLeaf(hexToBytes(input))));
        const published = (size: number): string => `0x${known.rootHashesHex[size]}`;
        for (let from = 1; from < 8; from++) {
          const fresh = await log.open();
          await mined(log.as(log.operator), 'anchor', fresh, from, published(from), []);
          for (let to = from + 1; to <= 8; to++) {
            const [, , proof] = honestAnchor(tree, from, to);
            expect(await answer(log.as(log.operator), 'anchor', fresh, to, published(to), proof)).toBe(
              'done',
            );
          }
        }
      });
    },
  );
});
