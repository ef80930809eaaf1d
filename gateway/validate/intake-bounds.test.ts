/** How much the intake takes, and how it ends: within bounds, with an answer to everything it took. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Verdict } from '../ports.ts';
import { FlowScene } from './testing/flow-scene.ts';
import { chooser, turns } from './testing/held-checker.ts';
import { codeOf, placeOf } from './testing/verdicts.ts';

let scene: FlowScene;

beforeEach(async () => {
  scene = await FlowScene.open();
});

afterEach(() => scene.close());

describe('bounds', () => {
  beforeEach(async () => {
    await scene.close();
    scene = await FlowScene.open({ maxQueue: 100 }, 1);
  });

  test('room is gone when the queue is full and comes back when half of it is empty, not before', async () => {
    await scene.begin(scene.wearable);
    const bytes = await scene.wearable.next();
    const all: Promise<Verdict>[] = [];
    const send = (count: number): void => {
      for (let sent = 0; sent < count; sent++) all.push(scene.submit(bytes));
    };
    expect(scene.bench.intake.room()).toBeUndefined();
    send(64);
    await turns(1); // those are under way
    send(99);
    expect(scene.bench.intake.room()).toBeUndefined();
    send(50);
    let isThere = false;
    const room = scene.bench.intake.room();
    expect(room).toBeInstanceOf(Promise);
    expect(scene.bench.intake.room()).toBe(room);
    void room?.then(() => {
      isThere = true;
    });
    await scene.checker.answer(); // 149 - 64 = 85 wait: less than full, more than half
    expect(isThere).toBe(false);
    expect(scene.bench.intake.room()).toBeUndefined(); // who asks anew may send: the bound is the queue's, the promise's is lower
    await scene.checker.answer(); // 21 wait
    expect(isThere).toBe(true);
    await scene.checker.answerUntil(Promise.all(all));
    expect(scene.bench.intake.room()).toBeUndefined();
  });

  test('past twice the queue the answer is overloaded, at once, and what was taken is kept', async () => {
    await scene.begin(scene.wearable);
    const bytes = await scene.wearable.next();
    const taken = Array.from({ length: 200 }, () => scene.submit(bytes));
    const refused = scene.submit(bytes);
    await expect(refused).rejects.toMatchObject({ code: 'overloaded', fatal: false });
    expect(scene.checker.asked).toEqual([]);
    await scene.checker.answerUntil(Promise.all(taken));
    const codes = (await Promise.all(taken)).map(codeOf);
    expect(codes.filter((code) => code === 'accept')).toHaveLength(1);
    expect(codes.filter((code) => code === 'duplicate')).toHaveLength(199);
  });
});

describe('close', () => {
  test('settles everything that was taken: under check, in the queue, with the log; and takes no more', async () => {
    await scene.begin(scene.wearable);
    const statements = await scene.wearable.skip(300);
    const verdicts = statements.map((bytes) => scene.submit(bytes));
    await scene.checker.answer();
    const closed = scene.bench.intake.close();
    await expect(scene.submit(statements[0] as Uint8Array)).rejects.toMatchObject({
      code: 'shutting-down',
    });
    await scene.checker.answerUntil(closed, chooser(3));
    expect(scene.bench.intake.waiting).toBe(0);
    expect((await Promise.all(verdicts)).map(placeOf)).toEqual(
      statements.map((_, at) => ({ seq: at + 1, flags: [] })),
    );
    await scene.bench.intake.close();
  });

  test('is over at once when nothing waits', async () => {
    await scene.bench.intake.close();
    await expect(scene.submit(await scene.wearable.next())).rejects.toMatchObject({
      code: 'shutting-down',
    });
  });

  test('comes to an end though checks and commits fail', async () => {
    await scene.begin(scene.wearable);
    scene.checker.work = () => {
      throw new Error('no');
    };
    const checks = (await scene.wearable.skip(100)).map((bytes) => scene.submit(bytes));
    const results = Promise.allSettled(checks);
    await scene.checker.answerUntil(scene.bench.intake.close());
    for (const result of await results) expect(result).toMatchObject({ reason: { code: 'check-failed' } });
    expect(scene.bench.intake.waiting).toBe(0);
  });
});
