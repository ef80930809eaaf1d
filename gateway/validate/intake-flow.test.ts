/** How messages flow through the intake: each device in order, all devices in turn, whatever the checkers do. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Verdict } from '../ports.ts';
import { spoil, Wearable } from '../testing/wearable.ts';
import { checkBatch } from './check-batch.ts';
import { FlowScene } from './testing/flow-scene.ts';
import { chooser, turns } from './testing/held-checker.ts';
import { codeOf, placeOf } from './testing/verdicts.ts';

let scene: FlowScene;

beforeEach(async () => {
  scene = await FlowScene.open();
});

afterEach(() => scene.close());

describe('order', () => {
  test.each([1, 2, 3])(
    'of each device is kept, whichever of many batches is checked first (seed %i)',
    async (seed) => {
      const wearables = [scene.wearable, new Wearable(2), new Wearable(3)];
      for (const one of wearables.slice(1)) await scene.bench.enrol(one);
      await scene.begin(...wearables);
      const chains = await Promise.all(wearables.map((one) => one.skip(80)));
      const verdicts: Promise<Verdict>[][] = [[], [], []];
      const pick = chooser(seed);
      for (let sent = 0; sent < 240; ) {
        const at = pick(3);
        const bytes = chains[at]?.[verdicts[at]?.length ?? 0];
        if (bytes === undefined) continue;
        verdicts[at]?.push(scene.bench.submit(wearables[at] as Wearable, bytes));
        if (++sent % 20 === 0) await turns(1); // arrivals are spread over many turns, and so over many batches
      }
      await scene.checker.answerUntil(Promise.all(verdicts.flat()), pick);
      for (const own of verdicts)
        expect((await Promise.all(own)).map(placeOf)).toEqual(
          own.map((_, at) => ({ seq: at + 1, flags: [] })),
        );
      expect(scene.bench.gaps).toEqual([]);
      expect(scene.checker.asked.length).toBeGreaterThan(4);
      expect(scene.bench.log.sequences.gaps(1, 10)).toEqual([]);
    },
  );

  test('what was sent later is not recorded before, though it is checked long before', async () => {
    await scene.begin(scene.wearable);
    const first = await scene.wearable.skip(64);
    const later = await scene.wearable.skip(10);
    const verdicts = first.map((bytes) => scene.submit(bytes));
    await turns(1);
    verdicts.push(...later.map((bytes) => scene.submit(bytes)));
    await turns(1);
    expect(scene.checker.open.length).toBe(2);
    await scene.checker.answer(1);
    expect(scene.bench.count('entries', "kind = 'statement'")).toBe(1);
    await scene.checker.answer(0);
    expect((await Promise.all(verdicts)).every((verdict) => placeOf(verdict).flags?.length === 0)).toBe(true);
  });

  test('a boot that is filled up after the next has begun is taken in its order, without a gap', async () => {
    await scene.begin(scene.wearable);
    const rest = await scene.wearable.skip(140);
    const rebooted = scene.submit(await scene.wearable.sign({ boot: 1 }));
    await scene.checker.answerUntil(rebooted);
    // Each is below the head, so the log is asked first whether it holds it, for all of them at once.
    const verdicts = rest.map((bytes) => scene.submit(bytes));
    await scene.checker.answerUntil(Promise.all(verdicts), chooser(7));
    expect((await Promise.all(verdicts)).map(placeOf)).toEqual(
      rest.map((_, at) => ({ seq: at + 1, flags: ['backfill'] })),
    );
    expect(scene.bench.gaps).toEqual([]);
  });

  test('a thread that failed does not change it', async () => {
    await scene.begin(scene.wearable);
    const verdicts = (await scene.wearable.skip(64)).map((bytes) => scene.submit(bytes));
    await turns(1);
    verdicts.push(...(await scene.wearable.skip(30)).map((bytes) => scene.submit(bytes)));
    await turns(1);
    let failures = 0;
    scene.checker.work = (request) => {
      if (request.urns.length === 64 && failures++ === 0) throw new Error('out of memory');
      return checkBatch(request);
    };
    await scene.checker.answerUntil(Promise.all(verdicts), (of) => of - 1);
    expect(failures).toBe(1);
    expect((await Promise.all(verdicts)).map(placeOf)).toEqual(
      verdicts.map((_, at) => ({ seq: at + 1, flags: [] })),
    );
    expect(scene.bench.gaps).toEqual([]);
  });

  test('a device of which nothing is known sends one by one until something is', async () => {
    const first = (await scene.wearable.skip(5)).map((bytes) => scene.submit(bytes));
    await turns();
    expect(scene.checker.asked).toEqual([[scene.wearable.urn]]); // one, though there is room for many
    await scene.checker.answer();
    // The log has said that it holds nothing: the same once more, and all the others with it.
    expect(scene.checker.asked.slice(1)).toEqual([Array(5).fill(scene.wearable.urn)]);
    await scene.checker.answerUntil(Promise.all(first));
    expect((await Promise.all(first)).map(placeOf)).toEqual(
      [0, 1, 2, 3, 4].map((seq) => ({ seq, flags: [] })),
    );
    expect(scene.bench.gaps).toEqual([]);
  });

  test('a forged first statement holds nobody up and teaches the same', async () => {
    const forged = scene.submit(spoil(await scene.wearable.sign({ seq: 9 })));
    const rest = (await scene.wearable.skip(3)).map((bytes) => scene.submit(bytes));
    await scene.checker.answerUntil(Promise.all([forged, ...rest]));
    expect(codeOf(await forged)).toBe('bad-signature');
    expect((await Promise.all(rest)).map(placeOf)).toEqual([0, 1, 2].map((seq) => ({ seq, flags: [] })));
  });
});

describe('fairness', () => {
  test('a device with ten thousand forged statements in its line delays another by a few batches at most', async () => {
    await scene.close();
    scene = await FlowScene.open({
      quarantine: { perDevice: 10, total: 1000 },
      commit: { maxBatch: 1000, maxBatchBytes: 1 << 24, maxQueue: 20_000 },
    });
    const quiet = new Wearable(2);
    await scene.bench.enrol(quiet);
    await scene.begin(scene.wearable, quiet);
    const forged = spoil(await scene.wearable.next());
    const flood = Promise.all(Array.from({ length: 10_000 }, () => scene.submit(forged)));
    await turns(1);
    expect(scene.checker.open.length).toBe(scene.checker.width);
    const own = scene.bench.submit(quiet, await quiet.next());
    const before = scene.checker.asked.length;
    await scene.checker.answerUntil(own);
    expect(codeOf(await own)).toBe('accept');
    const place = scene.checker.asked.findIndex((urns) => urns.includes(quiet.urn));
    expect(place).toBe(before); // in the next batch that begins, with those under way before it
    expect(scene.bench.intake.waiting).toBeGreaterThan(9_000);
    await scene.checker.answerUntil(flood);
    expect(new Set((await flood).map(codeOf))).toEqual(new Set(['bad-signature']));
  });

  test('so does a flood of seventy lines: the quiet one is in the next round', async () => {
    const crowd = Array.from({ length: 70 }, (_, at) => new Wearable(100 + at));
    for (const one of crowd) await scene.bench.enrol(one);
    await scene.begin(scene.wearable, ...crowd);
    const flood: Promise<Verdict>[] = [];
    for (const one of crowd) {
      const forged = spoil(await one.next());
      for (let sent = 0; sent < 20; sent++) flood.push(scene.bench.submit(one, forged));
    }
    await turns(1);
    const own = scene.submit(await scene.wearable.next());
    const before = scene.checker.asked.length;
    await scene.checker.answerUntil(own);
    // A round of seventy lines is two requests.
    expect(scene.checker.asked.findIndex((urns) => urns.includes(scene.wearable.urn))).toBeLessThanOrEqual(
      before + 2,
    );
    await scene.checker.answerUntil(Promise.all(flood));
  });

  test('names that nobody enrolled wait for their own verdicts, and need no checker', async () => {
    const strangers = Array.from({ length: 300 }, (_, at) => new Wearable(1000 + at));
    const bytes = await scene.wearable.next();
    const verdicts = await Promise.all(strangers.map((one) => scene.bench.submit(one, bytes)));
    expect(new Set(verdicts.map(codeOf))).toEqual(new Set(['unknown-device']));
    expect(scene.checker.asked).toEqual([]);
  });
});
