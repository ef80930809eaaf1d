import { describe } from 'vitest';
import { signStatement } from '../../src/statement.ts';
import type { Db } from '../store/database.ts';
import { layGround, testDamages } from './testing/damage.ts';
import { appendForged, change, idOf, mergeIndex, ofDevice } from './testing/forge.ts';
import { DEVICES } from './testing/lived-in.ts';

const ground = layGround();

const ROOT = new Uint8Array(32).fill(6);

/** Forges a second statement under the newest number of a device. */
async function holdTwice(db: Db): Promise<void> {
  const again = {
    issuer: DEVICES.steady.urn,
    subject: 'vitals',
    contentType: 0,
    seq: 474,
    payload: ROOT,
  } as const;
  const bytes = await signStatement({ ...again, prev: ROOT }, DEVICES.steady.signer);
  appendForged(db, { kind: 'statement', bytes, device: DEVICES.steady.urn, boot: 0, seq: 474 });
}

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
      damage: holdTwice,
      expected: [['sequence-wrong', 'device 1 boot 0 seq 474 is held twice, at 612 and at 613']],
      signatures: true,
    },
    {
      what: 'a number held twice in the log that is indexed',
      damage: indexed(holdTwice),
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
