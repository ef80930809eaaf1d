import { describe } from 'vitest';
import { encodeCoseKey, keyId } from '../../src/cose/key.ts';
import { layGround, testDamages } from './testing/damage.ts';
import { change, FORGER, flip, idOf, ofDevice } from './testing/forge.ts';
import { DEVICES } from './testing/lived-in.ts';

const ground = layGround();

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
