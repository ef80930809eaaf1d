/** Failures of ours while messages flow through the intake: they concern no other message, and nothing gets stuck. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GatewayError } from '../errors.ts';
import { heartRate, Wearable } from '../testing/wearable.ts';
import { checkBatch } from './check-batch.ts';
import { type CheckRequest, questionAt } from './check-request.ts';
import { FlowScene } from './testing/flow-scene.ts';
import { codeOf, placeOf } from './testing/verdicts.ts';

let scene: FlowScene;

beforeEach(async () => {
  scene = await FlowScene.open();
});

afterEach(() => scene.close());

describe('failures', () => {
  /** Fails whatever has the culprit in it, as a thread does that a message crashes. */
  const failOn = (culprit: Uint8Array) => (request: CheckRequest) => {
    for (let at = 0; at < request.urns.length; at++)
      if (Buffer.from(questionAt(request, at).bytes).equals(culprit)) throw new TypeError('cannot read');
    return checkBatch(request);
  };

  test('a message that fails the checker fails alone; the others of its batch get through, in order', async () => {
    await scene.begin(scene.wearable);
    const statements = await scene.wearable.skip(60);
    const other = await scene.wearable.sign({ seq: 30, payload: heartRate(77) });
    scene.checker.work = failOn(other);
    const verdicts = statements.map((bytes) => scene.submit(bytes));
    const culprit = scene.submit(other).catch((error: unknown) => error);
    await scene.checker.answerUntil(Promise.all([...verdicts, culprit]));
    expect(await culprit).toMatchObject({ code: 'check-failed', cause: { message: 'cannot read' } });
    expect((await Promise.all(verdicts)).map(placeOf)).toEqual(
      statements.map((_, at) => ({ seq: at + 1, flags: [] })),
    );
    expect(scene.bench.intake.waiting).toBe(0);
    scene.checker.work = checkBatch;
    const again = scene.submit(other);
    await scene.checker.answerUntil(again);
    expect(codeOf(await again)).toBe('equivocation'); // it is looked at when it comes again
  });

  test('a registry that cannot be read fails what needs it, and nothing else falls down', async () => {
    await scene.begin(scene.wearable);
    const unreadable = new GatewayError('store-unavailable', 'cannot read');
    const find = vi.spyOn(scene.bench.registry, 'find').mockImplementationOnce(() => {
      throw unreadable;
    });
    const [first, second] = [await scene.wearable.next(), await scene.wearable.next()];
    const results = Promise.allSettled([scene.submit(first), scene.submit(second)]);
    await scene.checker.answerUntil(results);
    expect(await results).toMatchObject([{ reason: unreadable }, { value: { kind: 'accept', seq: 2 } }]);
    expect(find).toHaveBeenCalled();
    expect(scene.bench.intake.waiting).toBe(0);
    const again = scene.submit(first);
    await scene.checker.answerUntil(again);
    expect(await again).toMatchObject({ kind: 'accept', seq: 1, flags: ['backfill'] });
  });

  test('a listener that throws keeps no verdict from anyone else', async () => {
    await scene.begin(scene.wearable);
    vi.spyOn(scene.bench.verdicts, 'push').mockImplementationOnce(() => {
      throw new Error('metrics are broken');
    });
    const statements = await scene.wearable.skip(3);
    const results = Promise.allSettled(statements.map((bytes) => scene.submit(bytes)));
    await scene.checker.answerUntil(results);
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(scene.bench.intake.waiting).toBe(0);
  });

  test('of a patient who was erased nothing is acknowledged; the others of the batch are accepted', async () => {
    const other = new Wearable(2);
    await scene.bench.enrol(other, 'p-2');
    await scene.begin(scene.wearable, other);
    await scene.restart((db) => db.exec("UPDATE owners SET wrapped = NULL WHERE name = 'p-2'"));
    const [lost, kept] = [await other.next(), await scene.wearable.next()];
    const results = Promise.allSettled([scene.bench.submit(other, lost), scene.submit(kept)]);
    await scene.checker.answerUntil(results);
    expect(await results).toMatchObject([
      { reason: { code: 'key-unreadable', fatal: false } },
      { value: { kind: 'accept', seq: 1, flags: [] } },
    ]);
    expect(scene.checker.asked[0]).toEqual([other.urn, scene.wearable.urn]);
    expect([scene.bench.count('entries', "kind = 'statement'"), scene.bench.count('quarantine')]).toEqual([
      3, 0,
    ]);
    expect(scene.bench.intake.waiting).toBe(0);
  });
});
