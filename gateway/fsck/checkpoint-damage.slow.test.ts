import { describe } from 'vitest';
import { signCheckpoint } from '../../src/checkpoint.ts';
import type { Db } from '../store/database.ts';
import { layGround, testDamages } from './testing/damage.ts';
import { change, FORGER, flip } from './testing/forge.ts';
import { LOG_SIGNER, ORIGIN } from './testing/scene.ts';

const ground = layGround();

const ROOT = new Uint8Array(32).fill(6);

async function insertCheckpoint(db: Db, size: number, signer = LOG_SIGNER): Promise<void> {
  const note = await signCheckpoint({ origin: ORIGIN, size, root: ROOT }, signer);
  change(db, 'INSERT INTO checkpoints VALUES (?, ?, ?, 1)', size, ROOT, note);
}

describe('tiles and checkpoints', () => {
  testDamages(ground, [
    {
      what: 'a tile deleted',
      damage: (db) => change(db, 'DELETE FROM tiles WHERE idx = 1'),
      expected: [['tile-missing', 'tile/0/001 is not stored']],
    },
    {
      what: 'a hash of a tile',
      damage: (db) => flip(db, 'tiles', 'hashes', 'idx = 0'),
      expected: [['tile-hashes-wrong', 'tile/0/000: 1 of its hashes differ from the tree, the first at 128']],
    },
    {
      what: 'the root beside a tile',
      damage: (db) => flip(db, 'tiles', 'root', 'idx = 1'),
      expected: [['tile-root-wrong', 'tile/0/001']],
    },
    {
      what: 'a tile of a log that is longer',
      damage: (db) => change(db, 'INSERT INTO tiles SELECT 0, 2, root, hashes FROM tiles WHERE idx = 1'),
      expected: [['tile-extra', 'tile 0/2 is stored']],
    },
    {
      what: 'the root of a checkpoint',
      damage: (db) => flip(db, 'checkpoints', 'root', 'size = 342'),
      expected: [
        ['checkpoint-note-bad', 'the note of checkpoint 342 speaks of another size or root'],
        ['checkpoint-root-wrong', 'checkpoint 342'],
        ['anchor-without-checkpoint', 'of size 342 has another root'],
      ],
    },
    {
      what: 'a signed checkpoint over another history',
      damage: (db) => insertCheckpoint(db, 400),
      expected: [['checkpoint-root-wrong', 'checkpoint 400 has the root 0606']],
      signatures: true,
    },
    {
      what: 'a signed checkpoint past the end',
      damage: (db) => insertCheckpoint(db, 10_000),
      expected: [['checkpoint-beyond-log', 'checkpoint 10000']],
    },
    {
      what: 'a checkpoint signed with another key',
      damage: (db) => insertCheckpoint(db, 10_000, FORGER),
      expected: [
        ['checkpoint-note-bad', 'note carries no signature of the expected key'],
        ['checkpoint-beyond-log', 'checkpoint 10000'],
      ],
      signatures: true,
    },
    {
      what: 'the text of a checkpoint',
      damage: (db) =>
        change(db, "UPDATE checkpoints SET note = replace(note, '342', '343') WHERE size = 342"),
      expected: [['checkpoint-note-bad', 'the note of checkpoint 342']],
    },
    {
      what: 'a checkpoint deleted that was anchored',
      damage: (db) => change(db, 'DELETE FROM checkpoints WHERE size = 608'),
      expected: [['anchor-without-checkpoint', 'of size 608 has no checkpoint of its size']],
    },
  ]);
});
