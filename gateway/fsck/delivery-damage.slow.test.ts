import { describe } from 'vitest';
import { type Damage, layGround, testDamages } from './testing/damage.ts';
import { change, flip } from './testing/forge.ts';

const ground = layGround();

const STATEMENTS = "provider = 'clinic' AND kind = 'statements'";
const batch = (what: string, sql: string, words: string): Damage => ({
  what,
  damage: (db) => change(db, sql),
  expected: [['batch-wrong', words]],
});

describe('anchors and deliveries', () => {
  testDamages(ground, [
    {
      what: 'the root of an anchor',
      damage: (db) => flip(db, 'anchors', 'root', "state = 'final'"),
      expected: [
        ['anchor-without-checkpoint', 'of size 608 has another root than the checkpoint'],
        ['anchor-malformed', 'anchored another root at this size'],
      ],
    },
    {
      what: 'a signed transaction that is another',
      damage: (db) => change(db, 'UPDATE anchors SET raw = zeroblob(100) WHERE size = 342'),
      expected: [['anchor-malformed', 'keeps a signed transaction that has another hash']],
    },
    {
      what: 'a block hash cut short',
      damage: (db) =>
        change(db, 'UPDATE anchors SET block_hash = zeroblob(31), event_proof = NULL WHERE size = 342'),
      expected: [['anchor-malformed', 'the block hash of anchor 0x']],
    },
    {
      what: 'a bit in the proof of an event',
      damage: (db) => flip(db, 'anchors', 'event_proof', "state = 'final'"),
      expected: [['anchor-malformed', 'keeps a proof of its event that is none']],
    },
    {
      what: 'a proof of an event that cannot be read',
      damage: (db) => change(db, "UPDATE anchors SET event_proof = x'ff' WHERE size = 342"),
      expected: [['anchor-malformed', 'keeps a proof of its event that is none']],
    },
    {
      what: 'the block time of an anchor',
      damage: (db) => change(db, 'UPDATE anchors SET block_time = block_time + 1 WHERE size = 342'),
      expected: [['anchor-malformed', 'the anchor’s block has another time than the anchor says']],
    },
    {
      what: 'a cursor past the end of the log',
      damage: (db) => change(db, `UPDATE delivery_cursors SET next_index = 9999 WHERE ${STATEMENTS}`),
      expected: [['cursor-wrong', 'stands at 9999, outside the log of 613 entries']],
    },
    {
      what: 'receipts ahead of statements',
      damage: (db) => change(db, "INSERT INTO delivery_cursors VALUES ('clinic', 'receipts', 400)"),
      expected: [['cursor-wrong', 'stands at 400, past the statements delivered up to 91']],
    },
    batch(
      'a batch past the end of the log',
      "UPDATE deliveries SET last_index = 9999 WHERE id = 'clinic-3'",
      'open batch clinic-3 for clinic (91 to 9999) reaches past the log',
    ),
    batch(
      'a batch of another provider’s entries',
      "UPDATE deliveries SET provider = 'hospital' WHERE id = 'clinic-3'",
      'starts at an entry that is not for this provider',
    ),
    batch(
      'two batches over the same entries',
      "UPDATE deliveries SET first_index = 80 WHERE id = 'clinic-3'",
      'overlaps batch clinic-2',
    ),
    batch(
      'a dead letter that the cursor has not passed',
      "UPDATE deliveries SET buried_at = 7 WHERE id = 'clinic-3'",
      'dead letter clinic-3 for clinic (91 to 120) was given up, but the cursor is still at 91',
    ),
    batch(
      'receipts of an anchor nobody knows',
      "UPDATE deliveries SET anchor = zeroblob(32) WHERE id = 'clinic-4'",
      'carries receipts of an anchor that is not recorded',
    ),
    batch(
      'receipts past their anchor',
      "UPDATE deliveries SET last_index = 608 WHERE id = 'clinic-4'",
      'carries receipts beyond its anchor of size 608',
    ),
    batch(
      'a batch id that no provider takes',
      "UPDATE deliveries SET id = 'a.b' WHERE id = 'clinic-3'",
      'has no usable id',
    ),
  ]);
});

describe('quarantine', () => {
  testDamages(ground, [
    {
      what: 'a bit of the sealed bytes',
      damage: (db) => flip(db, 'quarantine', 'sealed', 'id = 2'),
      expected: [['quarantine-unreadable', 'refusal 2 (']],
    },
    {
      what: 'the hash, which the seal is bound to',
      damage: (db) => flip(db, 'quarantine', 'entry', 'id = 2'),
      expected: [['quarantine-unreadable', 'refusal 2 (']],
    },
    {
      what: 'the length',
      damage: (db) => change(db, 'UPDATE quarantine SET length = 8 WHERE id = 2'),
      expected: [['quarantine-hash-wrong', 'keeps 7 bytes of 8']],
    },
    {
      what: 'a code that does not exist',
      damage: (db) => change(db, "UPDATE quarantine SET code = 'dull' WHERE id = 2"),
      expected: [['quarantine-unreadable', 'has a code that does not exist']],
    },
    {
      what: 'more than is ever kept of one device',
      damage: (db) =>
        db.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 101)
          INSERT INTO quarantine SELECT 100 + i, 'x', code, rank, detail, received_at, entry, length, owner, sealed
          FROM quarantine, n WHERE id = 2`),
      expected: [['quarantine-over-limit', '101 refusals of x are kept, the limit is 100']],
    },
  ]);
});
