import { describe } from 'vitest';
import { signCheckpoint } from '../../src/checkpoint.ts';
import { encodeCoseKey, keyId } from '../../src/cose/key.ts';
import { createSigner } from '../../src/signature.ts';
import { signStatement } from '../../src/statement.ts';
import type { Db } from '../store/database.ts';
import { type Damage, layGround, testDamages } from './testing/damage.ts';
import { appendForged, change, flip, mergeIndex } from './testing/forge.ts';
import { DEVICES } from './testing/lived-in.ts';
import { LOG_SIGNER, ORIGIN } from './testing/scene.ts';

const ground = layGround();

const FORGER = createSigner('Ed25519', new Uint8Array(32).fill(99));
const ROOT = new Uint8Array(32).fill(6);
const idOf = (urn: string): string => `(SELECT id FROM devices WHERE urn = '${urn}')`;
const ofDevice = (urn: string): string => `device = ${idOf(urn)}`;

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

describe('registry and sequences', () => {
  const { steady, gappy, rotated, suspended, revoked } = DEVICES;
  testDamages(ground, [
    {
      what: 'a revoked device let in again',
      damage: (db) => change(db, `UPDATE devices SET status = 'active' WHERE urn = '${revoked.urn}'`),
      expected: [['device-status-mismatch', 'is active in the registry, revoked by its events in the log']],
    },
    {
      what: 'a suspended device let in again',
      damage: (db) => change(db, `UPDATE devices SET status = 'active' WHERE urn = '${suspended.urn}'`),
      expected: [['device-status-mismatch', 'is active in the registry, suspended by']],
    },
    {
      what: 'a device shut out without an event',
      damage: (db) => change(db, `UPDATE devices SET status = 'suspended' WHERE urn = '${steady.urn}'`),
      expected: [['device-status-mismatch', 'is suspended in the registry, active by']],
    },
    {
      what: 'a key slipped in',
      damage: (db) =>
        change(
          db,
          `INSERT INTO device_keys (device, kid, cose_key, added_at) VALUES (${idOf(steady.urn)}, ?, ?, 1)`,
          keyId(FORGER.publicKey),
          encodeCoseKey(FORGER.publicKey),
        ),
      expected: [['device-key-mismatch', 'no event in the log added it']],
    },
    {
      what: 'a key exchanged under its id',
      damage: (db) =>
        change(
          db,
          `UPDATE device_keys SET cose_key = ? WHERE ${ofDevice(steady.urn)}`,
          encodeCoseKey(FORGER.publicKey),
        ),
      expected: [['device-key-mismatch', 'is another key than the log added']],
    },
    {
      what: 'a key deleted',
      damage: (db) => change(db, `DELETE FROM device_keys WHERE ${ofDevice(gappy.urn)}`),
      expected: [['device-key-mismatch', 'was added by the log, but is not in the registry']],
    },
    {
      what: 'a retired key in use again',
      damage: (db) =>
        change(
          db,
          `UPDATE device_keys SET retired_at = NULL WHERE ${ofDevice(rotated.urn)} AND retired_at IS NOT NULL`,
        ),
      expected: [['device-key-mismatch', 'is in use although the log says it was retired']],
    },
    {
      what: 'a key retired without an event',
      damage: (db) => change(db, `UPDATE device_keys SET retired_at = 5 WHERE ${ofDevice(steady.urn)}`),
      expected: [['device-key-mismatch', 'retired without an event']],
    },
    {
      what: 'a retired key that is said to have been good for longer',
      damage: (db) =>
        change(
          db,
          `UPDATE device_keys SET ended_from = retired_at WHERE ${ofDevice(rotated.urn)} AND retired_at IS NOT NULL`,
        ),
      expected: [['device-key-mismatch', 'is retired, but from another time than the log says']],
    },
    {
      what: 'a stolen key that is said to have been in good hands',
      damage: (db) =>
        change(
          db,
          `UPDATE device_keys SET end_reason = NULL WHERE ${ofDevice(rotated.urn)} AND retired_at IS NOT NULL`,
        ),
      expected: [['device-key-mismatch', 'is retired, but for another reason than the log says']],
    },
    {
      what: 'a retirement that leaves good what came after it',
      damage: (db) =>
        change(
          db,
          `UPDATE device_keys SET ended_size = 10000 WHERE ${ofDevice(rotated.urn)} AND retired_at IS NOT NULL`,
        ),
      expected: [['device-key-mismatch', 'more entries are said to be older than the log allows']],
    },
    {
      what: 'a revocation that is said to be of another time',
      damage: (db) => change(db, `UPDATE devices SET ended_from = 5 WHERE urn = '${revoked.urn}'`),
      expected: [['device-status-mismatch', 'is revoked, but from another time than the log says']],
    },
    {
      what: 'a revocation for another reason',
      damage: (db) =>
        change(db, `UPDATE devices SET end_reason = 'decommissioned' WHERE urn = '${revoked.urn}'`),
      expected: [['device-status-mismatch', 'is revoked, but for another reason than the log says']],
    },
    {
      what: 'a device hidden away',
      damage: (db) => change(db, `INSERT INTO arriving_devices VALUES (${idOf(steady.urn)}, 7)`),
      expected: [['enrolments-wrong', `${steady.urn} is hidden, but no file`]],
    },
    {
      what: 'a file of enrolments that lost what is to go',
      damage: (db) =>
        change(
          db,
          "INSERT INTO enrolment_batches (state, size, logged, touched_at) VALUES ('decided', 9, 2, 0)",
        ),
      expected: [
        ['enrolments-wrong', 'of 9 enrolments has 2 in the log and 0 to go'],
        ['enrolments-wrong', 'has 2 devices in the log, of which 0 are hidden'],
      ],
    },
    {
      what: 'a device that was never enrolled',
      damage: (db) =>
        change(
          db,
          "INSERT INTO devices (id, urn, owner, provider, status, status_at, enrolled_at) SELECT 50, 'urn:dev:mac:0000000000000001', owner, provider, status, status_at, enrolled_at FROM devices WHERE id = 1",
        ),
      expected: [['device-not-logged', 'urn:dev:mac:0000000000000001']],
    },
    {
      what: 'a patient who is not there any more',
      damage: (db) => change(db, "DELETE FROM owners WHERE name = 'dora'"),
      expected: [
        ['database-reference-broken', 'row 5 of devices refers to a row of owners'],
        ...Array.from({ length: 13 }, () => ['entry-columns-wrong', 'who does not exist'] as const),
      ],
    },
    {
      what: 'the wrapped key of a patient',
      damage: (db) => flip(db, 'owners', 'wrapped', "name = 'dora'"),
      expected: [['owner-key-unreadable', 'the data key of owner 5 does not open']],
    },
    {
      what: 'the count of a device',
      damage: (db) => change(db, `UPDATE devices SET statements = 470 WHERE urn = '${steady.urn}'`),
      expected: [['sequence-wrong', `470 statements of ${steady.urn} were logged, the log holds 475`]],
    },
    {
      what: 'fewer messages received than statements logged',
      damage: (db) => change(db, `UPDATE devices SET received = 474 WHERE urn = '${steady.urn}'`),
      expected: [
        ['sequence-wrong', `474 messages of ${steady.urn} were received, fewer than its 475 statements`],
      ],
    },
    {
      what: 'a device counted whose statements are gone',
      damage: (db) => db.exec(`DELETE FROM entries WHERE ${ofDevice(revoked.urn)} AND kind = 'statement'`),
      expected: [
        ['entry-missing', 'entries 424 to 433 are not stored'],
        ['sequence-wrong', `10 statements of ${revoked.urn} were logged, the log holds 0`],
      ],
    },
    {
      what: 'a gap forgotten',
      damage: (db) => change(db, `DELETE FROM gaps WHERE ${ofDevice(gappy.urn)} AND first = 20`),
      expected: [['gap-wrong', 'boot 0 misses 20-22, which is not recorded']],
    },
    {
      what: 'a gap too long',
      damage: (db) => change(db, `UPDATE gaps SET last = 24 WHERE ${ofDevice(gappy.urn)} AND first = 20`),
      expected: [
        ['gap-wrong', 'boot 0 misses 20-22, which is not recorded'],
        ['gap-wrong', 'boot 0 is recorded as missing 20-24, which is not so'],
      ],
    },
    {
      what: 'a gap that overlaps another',
      damage: (db) => change(db, `INSERT INTO gaps VALUES (${idOf(gappy.urn)}, 0, 21, 22)`),
      expected: [['gap-wrong', 'is recorded as missing 21-22, which is not so']],
    },
    {
      what: 'a gap of nobody',
      damage: (db) => change(db, 'INSERT INTO gaps VALUES (99, 0, 1, 2)'),
      expected: [
        ['gap-wrong', 'device 99 boot 0 is recorded as missing 1-2, but the log holds no statement of it'],
      ],
    },
  ]);
});

describe('the index by number', () => {
  const { steady, gappy } = DEVICES;
  const indexed = (damage: (db: Db) => unknown) => (db: Db) => {
    mergeIndex(db);
    return damage(db);
  };
  const ofSteady = (seq: number): string => `${ofDevice(steady.urn)} AND boot = 0 AND seq = ${seq}`;
  testDamages(ground, [
    { what: 'no damage: everything merged', damage: indexed(() => undefined), expected: [] },
    {
      what: 'no damage: a merge that was under way, in the order of keys, past the cursor before it',
      damage: (db) => {
        mergeIndex(db, 300);
        db.exec(
          `INSERT INTO sequence_index SELECT device, boot, seq, idx FROM entries WHERE seq IS NOT NULL AND idx >= 300
           ORDER BY device, boot, seq LIMIT 200`,
        );
      },
      expected: [],
    },
    {
      what: 'a number held twice in the log, both truly signed',
      damage: async (db) => {
        const again = {
          issuer: steady.urn,
          subject: 'vitals',
          contentType: 0,
          seq: 474,
          payload: ROOT,
        } as const;
        const bytes = await signStatement({ ...again, prev: ROOT }, steady.signer);
        appendForged(db, { kind: 'statement', bytes, device: steady.urn, boot: 0, seq: 474 });
      },
      expected: [['sequence-wrong', 'device 1 boot 0 seq 474 is held twice, at 612 and at 613']],
      signatures: true,
    },
    {
      what: 'a number held twice in the log that is indexed',
      damage: async (db) => {
        mergeIndex(db);
        const again = {
          issuer: steady.urn,
          subject: 'vitals',
          contentType: 0,
          seq: 474,
          payload: ROOT,
        } as const;
        const bytes = await signStatement({ ...again, prev: ROOT }, steady.signer);
        appendForged(db, { kind: 'statement', bytes, device: steady.urn, boot: 0, seq: 474 });
      },
      expected: [['sequence-wrong', 'device 1 boot 0 seq 474 is held twice, at 612 and at 613']],
    },
    {
      what: 'a statement that is not indexed',
      damage: indexed((db) => change(db, `DELETE FROM sequence_index WHERE ${ofSteady(30)}`)),
      expected: [['sequence-wrong', 'device 1 boot 0 seq 30 at 36 is not indexed']],
    },
    {
      what: 'the last statement of the index, and of the walk, that is not indexed',
      damage: indexed((db) =>
        change(
          db,
          `DELETE FROM sequence_index WHERE (device, boot, seq) IN
          (SELECT device, boot, seq FROM sequence_index ORDER BY device DESC, boot DESC, seq DESC LIMIT 1)`,
        ),
      ),
      expected: [['sequence-wrong', 'is not indexed']],
    },
    {
      what: 'a statement indexed where another lies',
      damage: indexed((db) => change(db, `UPDATE sequence_index SET idx = 40 WHERE ${ofSteady(30)}`)),
      expected: [['sequence-wrong', 'device 1 boot 0 seq 30 is indexed at 40, but lies at 36']],
    },
    {
      what: 'a statement indexed where another lies, by a merge that was under way',
      damage: (db) => {
        mergeIndex(db, 20);
        change(db, `INSERT INTO sequence_index VALUES (${idOf(steady.urn)}, 0, 30, 40)`);
      },
      expected: [['sequence-wrong', 'device 1 boot 0 seq 30 is indexed at 40, but lies at 36']],
    },
    {
      what: 'a row for a number that was never sent',
      damage: indexed((db) =>
        change(db, `INSERT INTO sequence_index VALUES (${idOf(gappy.urn)}, 0, 21, 40)`),
      ),
      expected: [
        ['sequence-wrong', 'device 2 boot 0 seq 21 is indexed at 40, but the log holds no such statement'],
      ],
    },
    {
      what: 'rows behind everything that was sent',
      damage: indexed((db) => db.exec('INSERT INTO sequence_index VALUES (99, 0, 1, 40), (99, 0, 2, 41)')),
      expected: [
        ['sequence-wrong', 'device 99 boot 0 seq 1 is indexed at 40, but'],
        ['sequence-wrong', 'device 99 boot 0 seq 2 is indexed at 41, but'],
      ],
    },
    {
      what: 'a cursor past the end of the log',
      damage: indexed((db) => change(db, 'UPDATE sequence_index_cursor SET next = 614')),
      expected: [['sequence-wrong', 'the index claims entries up to 614, the log has 613']],
    },
    {
      what: 'a cursor moved on without the statements before it',
      damage: (db) => {
        mergeIndex(db, 610);
        change(db, 'UPDATE sequence_index_cursor SET next = 613');
      },
      expected: [
        ['sequence-wrong', 'device 1 boot 0 seq 472 at 610 is not indexed'],
        ['sequence-wrong', 'device 1 boot 0 seq 473 at 611 is not indexed'],
        ['sequence-wrong', 'device 1 boot 0 seq 474 at 612 is not indexed'],
      ],
    },
    {
      what: 'the newest entry cut off that was indexed',
      damage: indexed((db) => change(db, 'DELETE FROM entries WHERE idx = 612')),
      expected: [
        ['sequence-wrong', `475 statements of ${steady.urn} were logged, the log holds 474`],
        ['sequence-wrong', 'the index claims entries up to 613, the log has 612'],
        ['sequence-wrong', 'device 1 boot 0 seq 474 is indexed at 612, but the log holds no such statement'],
      ],
    },
  ]);
});

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
