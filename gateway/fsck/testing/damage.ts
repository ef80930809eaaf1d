/** One table for every kind of damage: what was done behind the gateway's back, and exactly what must be said of it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Db } from '../../store/database.ts';
import { checkStore } from '../check-store.ts';
import type { FindingId } from '../findings.ts';
import { type LivedIn, liveIn } from './lived-in.ts';
import { TestFolder } from './scene.ts';

export interface Damage {
  readonly what: string;
  /** Changes a copy of the store, or throws when there was nothing to change. */
  readonly damage: (db: Db, lived: LivedIn) => unknown;
  /** Every finding in order: its id, and words of its detail. */
  readonly expected: readonly (readonly [FindingId, string])[];
  /** The case is about signatures: verify them all. */
  readonly signatures?: true;
}

/** The store that the cases of a test file stand on, written once by the real gateway code. */
export interface Ground {
  readonly folder: TestFolder;
  readonly lived: LivedIn;
}

/** Call at the top of a test file. The result may be called inside tests only. */
export function layGround(): () => Ground {
  let ground: Ground | undefined;
  beforeAll(async () => {
    const folder = new TestFolder();
    ground = { folder, lived: await liveIn(folder) };
  });
  afterAll(() => ground?.folder.remove());
  return () => {
    if (ground === undefined) throw new Error('the ground is not laid yet');
    return ground;
  };
}

/** Defines a test for each case. */
export function testDamages(ground: () => Ground, cases: readonly Damage[]): void {
  test.each(cases)('$what', async ({ damage, expected, signatures }) => {
    const { folder, lived } = ground();
    const config = await folder.damaged(lived.config, (db) => damage(db, lived));
    const report = await checkStore({ config, fast: signatures === undefined });
    const found = report.findings.map(({ id, detail }) => `${id}: ${detail}`);
    const wanted = expected.map(([id, words]) =>
      expect.stringMatching(new RegExp(`^${id}: .*${escaped(words)}`)),
    );
    expect(found).toEqual(wanted);
    expect(report.omitted).toEqual({});
  });
}

function escaped(words: string): string {
  return words.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
