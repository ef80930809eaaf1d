import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answer, deployTestLog, mined, type TestLog } from './testing/reading-log.ts';

interface Vectors {
  readonly consistency: readonly {
    readonly name: string;
    readonly fromSize: number;
    readonly fromRoot: string;
    readonly toSize: number;
    readonly toRoot: string;
    readonly proof: readonly string[];
    readonly anchor: string;
  }[];
  readonly inclusion: readonly {
    readonly name: string;
    readonly index: number;
    readonly size: number;
    readonly root: string;
    readonly leafHash: string;
    readonly path: readonly string[];
    readonly valid: boolean;
  }[];
}

const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../docs/vectors/merkle-proofs.json', import.meta.url), 'utf8'),
);
const hex = (hash: string): string => `0x${hash}`;

describe('docs/vectors/merkle-proofs.json, on a chain', () => {
  let log: TestLog;
  const logs = new Map<string, string>();
  beforeAll(async () => {
    log = await deployTestLog();
  });
  afterAll(() => log?.close());

  /** A log whose one anchor is this; without any for size 0. Asking changes nothing, so every question may have the same. */
  async function logWith(size: number, root: string): Promise<string> {
    const known = logs.get(`${size} ${root}`);
    if (known !== undefined) return known;
    const logId = await log.open();
    if (size > 0) await mined(log.as(log.operator), 'anchor', logId, size, hex(root), []);
    logs.set(`${size} ${root}`, logId);
    return logId;
  }

  it('answers each consistency proof as published', async () => {
    for (const { name, fromSize, fromRoot, toSize, toRoot, proof, anchor } of vectors.consistency) {
      const logId = await logWith(fromSize, fromRoot);
      const args = [logId, toSize, hex(toRoot), proof.map(hex)];
      const said = await answer(log.as(log.operator), 'anchor', ...args);
      expect(said.split('(')[0], name).toBe(anchor);
    }
  });

  it('answers each inclusion proof as published', async () => {
    for (const { name, index, size, root, leafHash, path, valid } of vectors.inclusion) {
      const logId = await logWith(size, root);
      const verify = log.as(log.stranger).getFunction('verifyInclusion');
      expect(await verify.staticCall(logId, size, index, hex(leafHash), path.map(hex)), name).toBe(valid);
    }
  });
});
