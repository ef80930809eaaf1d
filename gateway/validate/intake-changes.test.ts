/** What changed between a message and its check: the device, or what the log holds. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keyText } from '../testing/log-bench.ts';
import { signerFrom, spoil } from '../testing/wearable.ts';
import { checkBatch } from './check-batch.ts';
import type { CheckRequest } from './check-request.ts';
import { FlowScene } from './testing/flow-scene.ts';
import { turns } from './testing/held-checker.ts';
import { codeOf } from './testing/verdicts.ts';

let scene: FlowScene;

beforeEach(async () => {
  scene = await FlowScene.open();
});

afterEach(() => scene.close());

describe('a change of the device while a check is under way', () => {
  const change = async (...requests: readonly object[]): Promise<void> => {
    const outcomes = await scene.bench.request(
      ...requests.map((request) => ({ device: scene.wearable.urn, ...request })),
    );
    expect(outcomes).toEqual(requests.map(() => ''));
  };

  test('resumed meanwhile: the refusal is withdrawn, and the statement taken', async () => {
    await scene.begin(scene.wearable);
    await change({ action: 'suspend' });
    const bytes = await scene.wearable.next();
    const verdict = scene.submit(bytes);
    await turns(1);
    await change({ action: 'resume' });
    await scene.checker.answer(); // it found it suspended
    await scene.checker.answerUntil(verdict);
    expect(await verdict).toMatchObject({ kind: 'accept', seq: 1, flags: [] });
    expect(scene.checker.asked).toHaveLength(2);
    expect(scene.bench.count('quarantine')).toBe(0);
  });

  test('its key added meanwhile', async () => {
    await scene.begin(scene.wearable);
    const signer = signerFrom('the next key', 'ESP256');
    const bytes = await scene.wearable.sign({ seq: 1 }, signer);
    const verdict = scene.submit(bytes);
    await turns(1);
    await change({ action: 'add-key', key: keyText(signer.publicKey) });
    await scene.checker.answerUntil(verdict);
    expect(await verdict).toMatchObject({ kind: 'accept', seq: 1 });
    expect(scene.bench.count('quarantine')).toBe(0);
  });

  test('a refusal for another reason stands', async () => {
    await scene.begin(scene.wearable);
    const verdict = scene.submit(spoil(await scene.wearable.next()));
    await turns(1);
    await change({ action: 'suspend' }, { action: 'resume' });
    await scene.checker.answerUntil(verdict);
    expect(codeOf(await verdict)).toBe('bad-signature');
    expect(scene.checker.asked).toHaveLength(1);
  });

  test('suspended meanwhile: what was found right is refused all the same', async () => {
    await scene.begin(scene.wearable);
    const verdict = scene.submit(await scene.wearable.next());
    await turns(1);
    await change({ action: 'suspend' });
    await scene.checker.answerUntil(verdict);
    expect(codeOf(await verdict)).toBe('suspended-device');
  });

  test('one that changes with every check is given up after a few, unacknowledged', async () => {
    await scene.begin(scene.wearable);
    const active = scene.bench.registry.find(scene.wearable.urn);
    if (active === undefined) throw new Error('not enrolled');
    vi.spyOn(scene.bench.registry, 'find').mockReturnValue({ ...active, status: 'suspended' });
    vi.spyOn(scene.bench.registry, 'refresh').mockReturnValue(active);
    const result = scene.submit(await scene.wearable.next()).catch((error: unknown) => error);
    await scene.checker.answerUntil(result);
    expect(await result).toMatchObject({ code: 'overloaded' });
    expect(scene.checker.asked).toHaveLength(5);
    expect(scene.bench.intake.waiting).toBe(0);
    expect([scene.bench.count('entries', "kind = 'statement'"), scene.bench.count('quarantine')]).toEqual([
      1, 0,
    ]);
  });
});

describe('what is held already', () => {
  const keysAsked = vi.fn((request: CheckRequest) => checkBatch(request));

  test('is answered without verification, after a restart too', async () => {
    await scene.begin(scene.wearable);
    const statements = await scene.wearable.skip(20);
    const first = statements.map((bytes) => scene.submit(bytes));
    await scene.checker.answerUntil(Promise.all(first));
    for (const isRestarted of [false, true]) {
      if (isRestarted) await scene.restart();
      // Whoever verified these would refuse them: their keys are blanked out on the way to the thread.
      scene.checker.work = (request) => keysAsked({ ...request, keys: new Uint8Array(request.keys.length) });
      const again = statements.map((bytes) => scene.submit(bytes));
      await scene.checker.answerUntil(Promise.all(again));
      expect((await Promise.all(again)).map(codeOf)).toEqual(statements.map(() => 'duplicate'));
      expect((await Promise.all(again)).map((verdict) => 'index' in verdict && verdict.index)).toEqual(
        (await Promise.all(first)).map((verdict) => 'index' in verdict && verdict.index),
      );
    }
    expect(keysAsked).toHaveBeenCalled();
    expect(scene.bench.count('entries', "kind = 'statement'")).toBe(21);
    expect(scene.bench.count('quarantine')).toBe(0);
  });
});
