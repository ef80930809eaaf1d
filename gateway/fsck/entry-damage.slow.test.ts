import { describe } from 'vitest';
import { type LogStatement, signLogStatement } from '../../src/log-statement.ts';
import { signStatement } from '../../src/statement.ts';
import type { Db } from '../store/database.ts';
import { type Damage, layGround, testDamages } from './testing/damage.ts';
import { appendForged, change, FORGER, flip, ofDevice, replaceBytes } from './testing/forge.ts';
import { DEVICES } from './testing/lived-in.ts';
import { LOG_SIGNER, ORIGIN } from './testing/scene.ts';

const ground = layGround();

const STEADY = DEVICES.steady.urn;
/** The steady device's next number, and the index of its statement before that. */
const NEXT = 475;
const LAST = `${ofDevice(STEADY)} AND seq = ${NEXT - 1}`;

describe('entries changed, moved, cut out', () => {
  testDamages(ground, [
    {
      what: 'the hash of an entry under a full tile: the tile tells which is wrong',
      damage: (db) => flip(db, 'entries', 'entry', 'idx = 30'),
      expected: [['entry-hash-wrong', 'entry 30 (statement)']],
    },
    {
      what: 'the hash of an entry that no full tile covers: the root over it is wrong too',
      damage: (db) => flip(db, 'entries', 'entry', 'idx = 560'),
      expected: [
        ['entry-hash-wrong', 'entry 560 (statement)'],
        ['checkpoint-root-wrong', 'checkpoint 608'],
      ],
    },
    {
      what: 'a bit of the sealed bytes',
      damage: (db) => flip(db, 'entries', 'sealed', 'idx = 200'),
      expected: [['entry-unreadable', 'entry 200 (statement) does not open']],
    },
    {
      what: 'the sealed bytes of two entries of one patient, exchanged',
      damage: (db) =>
        db.exec(`CREATE TEMP TABLE t AS SELECT idx, sealed FROM entries WHERE idx IN (50, 51);
          UPDATE entries SET sealed = (SELECT sealed FROM t WHERE t.idx = 101 - entries.idx) WHERE idx IN (50, 51)`),
      expected: [
        ['entry-unreadable', 'entry 50'],
        ['entry-unreadable', 'entry 51'],
      ],
    },
    {
      what: 'other bytes in an entry, sealed as they should be',
      damage: (db) => replaceBytes(db, 60, Buffer.from('not what was signed')),
      expected: [
        ['entry-hash-wrong', 'entry 60'],
        ['entry-undecodable', 'entry 60'],
      ],
    },
    {
      what: 'an entry given to another provider',
      damage: (db) => change(db, "UPDATE entries SET provider = 'hospital' WHERE idx = 30"),
      expected: [['entry-columns-wrong', 'entry 30 (statement) has another owner or provider']],
    },
    {
      what: 'an entry filed under another number',
      damage: (db) => change(db, `UPDATE entries SET seq = 9999 WHERE ${LAST}`),
      expected: [
        ['entry-columns-wrong', `seq ${NEXT - 1}`],
        ['gap-wrong', `misses ${NEXT - 1}-9998, which is not recorded`],
      ],
    },
    {
      what: 'an entry filed under a device that is not there',
      damage: (db) => change(db, `UPDATE entries SET device = 77 WHERE ${LAST}`),
      expected: [
        ['entry-columns-wrong', 'names device 77, which is not in the registry'],
        ['gap-wrong', `device 77 boot 0 misses 0-${NEXT - 2}`],
        ['sequence-wrong', `${NEXT} statements of ${STEADY} were logged, the log holds ${NEXT - 1}`],
      ],
    },
    {
      what: 'a heartbeat tied to a device',
      damage: (db) => change(db, 'UPDATE entries SET device = 1 WHERE idx = 0'),
      expected: [['entry-columns-wrong', 'entry 0 (heartbeat) is tied to a device']],
    },
    {
      what: 'a flag that nobody knows',
      damage: (db) => change(db, "UPDATE entries SET flags = 'gap forged' WHERE idx = 30"),
      expected: [['entry-columns-wrong', 'entry 30 (statement) carries an unknown flag']],
    },
    {
      what: 'an entry of an owner who is not there',
      damage: (db) => change(db, 'UPDATE entries SET owner = 4711 WHERE idx = 30'),
      expected: [
        ['entry-columns-wrong', 'another owner'],
        ['entry-columns-wrong', 'owner 4711, who does not exist'],
      ],
    },
    {
      what: 'a heartbeat cut out under a full tile: the tree stays whole',
      damage: (db) => change(db, 'DELETE FROM entries WHERE idx = 341'),
      expected: [['entry-missing', 'entry 341 is not stored']],
    },
    {
      what: 'entries cut out where no full tile remembers them',
      damage: (db) => db.exec('DELETE FROM entries WHERE idx IN (555, 556)'),
      expected: [
        ['entry-missing', 'entries 555 to 556 are not stored'],
        ['gap-wrong', 'which is not recorded'],
        ['sequence-wrong', `${NEXT} statements of ${STEADY} were logged, the log holds ${NEXT - 2}`],
      ],
    },
    {
      what: 'the enrolment of a device cut out',
      damage: (db) => change(db, 'DELETE FROM entries WHERE idx = 5'),
      expected: [
        ['entry-missing', 'entry 5 is not stored'],
        ...Array.from({ length: 10 }, () => ['statement-key-unknown', DEVICES.revoked.urn] as const),
        ['device-event-out-of-order', 'says suspend'],
        ['device-key-mismatch', 'no event in the log added it'],
      ],
    },
    {
      what: 'the newest entries cut off',
      damage: (db, { size }) => db.exec(`DELETE FROM entries WHERE idx >= ${size - 3}`),
      expected: [
        ['sequence-wrong', `${NEXT} statements of ${STEADY} were logged, the log holds ${NEXT - 3}`],
      ],
    },
    {
      what: 'everything from before the last checkpoint on cut off',
      damage: (db) => db.exec('DELETE FROM entries WHERE idx >= 500'),
      expected: [
        ['checkpoint-beyond-log', 'checkpoint 608 lies outside the log of 500 entries'],
        ['tile-extra', 'tile 0/1 is stored, but the log of 500 entries'],
        ['sequence-wrong', `${NEXT} statements of ${STEADY} were logged`],
      ],
    },
  ]);
});

const statement = {
  issuer: STEADY,
  subject: 'vitals',
  contentType: 'text/plain',
  seq: NEXT,
  prev: new Uint8Array(32),
  payload: Buffer.from('forged'),
};
const event: LogStatement = {
  kind: 'device-event',
  origin: ORIGIN,
  event: 'resume',
  device: DEVICES.revoked.urn,
  time: 1,
  cti: new Uint8Array(16),
};
const heartbeat: LogStatement = { kind: 'heartbeat', origin: ORIGIN, time: 1, cti: new Uint8Array(16) };

/** The next numbers of devices that may not send any more. */
const ENDED = { revoked: 10, suspended: 40 };

/** The last byte of a COSE_Sign1 is the last of its signature. */
function spoilt(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
}

function append(db: Db, bytes: Uint8Array): void {
  appendForged(db, { kind: 'statement', bytes, device: STEADY, boot: 0, seq: NEXT });
}

describe('entries appended by who holds the files and some of the keys', () => {
  testDamages(ground, [
    {
      what: 'a statement of a key that was never enrolled',
      damage: async (db) => append(db, await signStatement(statement, FORGER)),
      expected: [['statement-key-unknown', 'had not enrolled for urn:dev:mac:']],
    },
    {
      what: 'a statement of a key of another device',
      damage: async (db) => append(db, await signStatement(statement, DEVICES.suspended.signer)),
      expected: [['statement-key-unknown', 'had not enrolled']],
    },
    {
      what: 'a statement with a spoilt signature',
      damage: async (db) => append(db, spoilt(await signStatement(statement, DEVICES.steady.signer))),
      expected: [['statement-signature-bad', 'entry 613 (statement) is not signed by the key it names']],
      signatures: true,
    },
    {
      what: 'a statement under another number than the device signed',
      damage: async (db) =>
        append(db, await signStatement({ ...statement, seq: NEXT + 1 }, DEVICES.steady.signer)),
      expected: [['entry-columns-wrong', `seq ${NEXT + 1}`]],
    },
    ...(['revoked', 'suspended'] as const).map(
      (status): Damage => ({
        what: `a statement of a device that is ${status}`,
        damage: async (db) => {
          const { urn, signer } = DEVICES[status];
          const bytes = await signStatement({ ...statement, issuer: urn, seq: ENDED[status] }, signer);
          appendForged(db, { kind: 'statement', bytes, device: urn, boot: 0, seq: ENDED[status] });
        },
        expected: [['statement-not-allowed', `, which was ${status} by then`]],
      }),
    ),
    {
      what: 'a statement of a key that was retired',
      damage: async (db) => {
        const { urn, signer } = DEVICES.rotated;
        const bytes = await signStatement({ ...statement, issuer: urn, seq: 40 }, signer);
        appendForged(db, { kind: 'statement', bytes, device: urn, boot: 0, seq: 40 });
      },
      expected: [['statement-not-allowed', 'follows the retirement of its key']],
    },
    {
      what: 'a heartbeat signed with another key',
      damage: async (db) =>
        appendForged(db, { kind: 'heartbeat', bytes: await signLogStatement(heartbeat, FORGER) }),
      expected: [['log-statement-foreign', 'entry 613 (heartbeat)']],
    },
    {
      what: 'a heartbeat of another log',
      damage: async (db) => {
        const bytes = await signLogStatement({ ...heartbeat, origin: 'log.test/other' }, LOG_SIGNER);
        appendForged(db, { kind: 'heartbeat', bytes });
      },
      expected: [['log-statement-foreign', 'entry 613 (heartbeat)']],
    },
    {
      what: 'a heartbeat with a spoilt signature',
      damage: async (db) =>
        appendForged(db, { kind: 'heartbeat', bytes: spoilt(await signLogStatement(heartbeat, LOG_SIGNER)) }),
      expected: [['log-signature-bad', 'entry 613 (heartbeat)']],
      signatures: true,
    },
    {
      what: 'a heartbeat filed as an event of a device',
      damage: async (db) => {
        const bytes = await signLogStatement(heartbeat, LOG_SIGNER);
        appendForged(db, { kind: 'device-event', bytes, device: STEADY });
      },
      expected: [['entry-columns-wrong', 'filed as another kind than heartbeat']],
    },
    {
      what: 'an event after the end of a device',
      damage: async (db) => {
        const bytes = await signLogStatement(event, LOG_SIGNER);
        appendForged(db, { kind: 'device-event', bytes, device: DEVICES.revoked.urn });
      },
      expected: [
        ['device-event-out-of-order', 'but it has been revoked'],
        ['device-status-mismatch', 'is revoked in the registry, active by its events in the log'],
      ],
    },
    {
      what: 'an event filed under another device',
      damage: async (db) => {
        const bytes = await signLogStatement(
          { ...event, event: 'resume', device: DEVICES.gappy.urn },
          LOG_SIGNER,
        );
        appendForged(db, { kind: 'device-event', bytes, device: STEADY });
      },
      expected: [['entry-columns-wrong', `filed under another device than ${DEVICES.gappy.urn}`]],
    },
  ]);
});
