/** How much may wait, be kept and go together on the way of a reading. */
import Type from 'typebox';
import { closed, count } from './setting.ts';

export const limits = Type.Object(
  {
    quarantinePerDevice: count({
      default: 1_000,
      description:
        'Refused statements kept for each device, and as many that are held back while it is suspended; further ones of those are not acknowledged.',
      attack: 'A low value lets evidence be flushed out.',
    }),
    quarantineTotal: count({
      default: 100_000,
      description: 'Refused statements kept in all, and as many that are held back.',
      attack: 'A high value lets refused statements fill the disk.',
    }),
    checkThreads: Type.Optional(
      count({
        maximum: 256,
        description: 'Threads that verify signatures; without it, one for each core.',
      }),
    ),
    intakeQueue: count({
      default: 20_000,
      description:
        'Statements that may wait to be checked. From there on devices are not read; twice as many are refused unacknowledged.',
      attack: 'A high value lets a flood take the memory.',
    }),
    commitQueue: count({
      default: 20_000,
      description: 'Statements that may wait for a commit; more are not acknowledged.',
    }),
    commitBatch: count({
      default: 1_024,
      maximum: 100_000,
      description: 'Statements in one commit at most.',
    }),
    commitAgeMs: Type.Number({
      default: 5,
      minimum: 0,
      maximum: 1_000,
      description:
        'Longest that a statement waits for others to share its commit, in milliseconds. It never waits longer than the commit before took.',
    }),
    commitBatchBytes: count({
      default: 8_388_608,
      minimum: 65_536,
      description: 'Bytes of statements in one commit at most.',
    }),
    deliveryBatch: count({
      default: 200,
      maximum: 4_096,
      description: 'Statements in one delivery at most.',
    }),
  },
  { ...closed, default: {} },
);
