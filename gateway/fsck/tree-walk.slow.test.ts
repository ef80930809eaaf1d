import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { createSigner } from '../../src/signature.ts';
import { hashLeaf, sha256 } from '../crypto/hash.ts';
import { LogTree } from '../log/tree.ts';
import type { Db } from '../store/database.ts';
import { LOG_SCHEMA, LogStore } from '../store/log-store.ts';
import { REGISTRY_SCHEMA } from '../store/registry-schema.ts';
import { type FsckContext, nothingChecked, Pace } from './context.ts';
import { Findings } from './findings.ts';
import { OwnerKeys } from './owner-keys.ts';
import { TreeWalk } from './tree-walk.ts';

/** One full tile on level 1, a second one begun, and a ragged end. */
const SIZE = 65_536 + 2 * 256 + 77;

const ENTRIES = Array.from({ length: SIZE }, (_, index) => sha256(Buffer.from(`entry ${index}`)));
const LEAVES = ENTRIES.map(hashLeaf);
const leafOf = (index: number): Uint8Array => LEAVES[index] as Uint8Array;

function contextOf(db: Db): FsckContext {
  return {
    db,
    origin: 'log.test',
    logKey: createSigner('Ed25519', new Uint8Array(32)).publicKey,
    owners: new OwnerKeys(db, new Uint8Array(32)),
    size: SIZE,
    fast: true,
    findings: new Findings(),
    checked: nothingChecked(),
    pace: new Pace(() => undefined, undefined),
  };
}

function walk(context: FsckContext, candidates = (index: number): Uint8Array[] => [leafOf(index)]): TreeWalk {
  const tree = new TreeWalk(context);
  for (let index = 0; index < SIZE; index++) tree.append(candidates(index));
  tree.finish();
  return tree;
}

const details = (context: FsckContext): string[] =>
  context.findings.kept.map(({ id, detail }) => `${id}: ${detail}`);

describe('against the tiles that the log itself writes', () => {
  const db = new Database(':memory:');
  for (const schema of [REGISTRY_SCHEMA, LOG_SCHEMA]) db.exec(schema);
  const written = new LogTree(new LogStore(db));
  for (const entry of ENTRIES) written.append(entry);

  /** Damages inside a transaction that is rolled back. */
  const damaged = (sql: string, check: (context: FsckContext) => void): void => {
    db.exec('BEGIN');
    db.exec(sql);
    check(contextOf(db));
    db.exec('ROLLBACK');
  };

  test('two levels of tiles and the root agree', () => {
    const context = contextOf(db);
    const tree = walk(context);
    expect(details(context)).toEqual([]);
    expect(context.checked.tiles).toBe(Math.floor(SIZE / 256) + 1);
    expect(tree.root()).toEqual(Uint8Array.from(written.root()));
  });

  test.each([
    [
      'DELETE FROM tiles WHERE level = 1 OR idx = 257',
      ['tile-missing: tile/1/000 is not stored', 'tile-missing: tile/0/257 is not stored'],
    ],
    [
      'UPDATE tiles SET hashes = CAST(substr(hashes, 1, 6400) || zeroblob(32) || substr(hashes, 6433) AS BLOB) WHERE level = 1',
      ['tile-hashes-wrong: tile/1/000: 1 of its hashes differ from the tree, the first at 200'],
    ],
    [
      'UPDATE tiles SET root = zeroblob(32) WHERE level = 1',
      ['tile-root-wrong: tile/1/000: the root stored beside it is not the root of its leaves'],
    ],
    [
      'UPDATE tiles SET hashes = substr(hashes, 1, 100) WHERE level = 1',
      ['tile-hashes-wrong: tile/1/000 holds 100 bytes instead of 8192'],
    ],
    [
      `INSERT INTO tiles SELECT level + 1, 0, root, hashes FROM tiles WHERE level = 1;
       INSERT INTO tiles SELECT 1, idx + 1, root, hashes FROM tiles WHERE level = 1;
       INSERT INTO tiles SELECT 0, -1, root, hashes FROM tiles WHERE level = 1 AND idx = 0`,
      [
        'tile-extra: tile 0/-1 is stored, but the log of 66125 entries has no such full tile',
        'tile-extra: tile 1/1 is stored, but the log of 66125 entries has no such full tile',
        'tile-extra: tile 2/0 is stored, but the log of 66125 entries has no such full tile',
      ],
    ],
  ])('%s', (sql, expected) => {
    damaged(sql, (context) => {
      walk(context);
      expect(details(context)).toEqual(expected);
    });
  });

  test('of two candidates for a leaf the tile decides, so the tree above stays whole', () => {
    const context = contextOf(db);
    walk(context, (index) => (index === 300 ? [new Uint8Array(32), leafOf(index)] : [leafOf(index)]));
    expect(details(context)).toEqual([]);
  });

  test('a wrong leaf shows in its tile and in the one above', () => {
    const context = contextOf(db);
    walk(context, (index) => [index === 300 ? new Uint8Array(32) : leafOf(index)]);
    expect(context.findings.kept.map(({ id }) => id)).toEqual([
      'tile-hashes-wrong',
      'tile-root-wrong',
      'tile-hashes-wrong',
      'tile-root-wrong',
    ]);
  });

  test('a leaf that is gone is taken from its tile; where there is no full tile the tree ends', () => {
    const context = contextOf(db);
    expect(walk(context, (index) => (index === 300 ? [] : [leafOf(index)])).root()).toEqual(
      Uint8Array.from(written.root()),
    );
    const ragged = walk(context, (index) => (index === SIZE - 10 ? [] : [leafOf(index)]));
    expect(ragged.lost).toBe(true);
    expect(ragged.size).toBe(SIZE - 10);
    expect(details(context)).toEqual([]);
  });
});
