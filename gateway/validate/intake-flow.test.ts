/** How messages flow through the intake: in order, in turn, within bounds, and never stuck, whatever the checkers do. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CheckedData } from '../checked-batch.ts';
import { GatewayError } from '../errors.ts';
import type { Verdict } from '../ports.ts';
import { type Db, openDatabase } from '../store/database.ts';
import { makeFolder, type TestFolder } from '../testing/folder.ts';
import { keyText, LogBench } from '../testing/log-bench.ts';
import { heartRate, signerFrom, spoil, Wearable } from '../testing/wearable.ts';
import { checkBatch } from './check-batch.ts';
import type { Checker } from './check-pool.ts';
import { type CheckRequest, questionAt } from './check-request.ts';

/** Gives its answers when it is told to, in any order. */
class HeldChecker implements Checker {
  readonly width: number;
  readonly open: { readonly request: CheckRequest; readonly answer: () => void }[] = [];
  /** URNs of each request ever made. */
  readonly asked: (readonly string[])[] = [];
  /** Does what a thread does; throws when the thread would. */
  work: (request: CheckRequest) => CheckedData = checkBatch;

  constructor(width = 4) {
    this.width = width;
  }

  check(request: CheckRequest): Promise<CheckedData> {
    this.asked.push(request.urns);
    return new Promise((resolve, reject) => {
      const answer = (): void => {
        this.open.splice(
          this.open.findIndex((one) => one.answer === answer),
          1,
        );
        try {
          resolve(this.work(request));
        } catch (error) {
          reject(error);
        }
      };
      this.open.push({ request, answer });
    });
  }

  /** Answers the request at a place of those that are open, once there is one, and lets what follows from it happen. */
  async answer(at = 0): Promise<void> {
    await vi.waitFor(() => expect(this.open.length).toBeGreaterThan(at), { interval: 1, timeout: 10_000 });
    this.open[at]?.answer();
    await turns();
  }

  /** Answers in an order that `pick` chooses, until `done`. */
  async answerUntil(done: Promise<unknown>, pick: (open: number) => number = () => 0): Promise<void> {
    let isDone = false;
    void done.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      if (this.open.length > 0) this.open[pick(this.open.length)]?.answer();
      await turns();
    }
  }
}

/** Some turns of the event loop: enough for a batch to be handed over, committed and told. */
async function turns(count = 6): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** The same sequence of choices for the same seed. */
function chooser(seed: number): (of: number) => number {
  let state = seed;
  return (of) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % of;
  };
}

const codeOf = (verdict: Verdict): string => (verdict.kind === 'accept' ? 'accept' : verdict.code);
const placeOf = (verdict: Verdict) =>
  verdict.kind === 'accept' ? { seq: verdict.seq, flags: verdict.flags } : { code: verdict.code };

let folder: TestFolder;
let bench: LogBench;
let checker: HeldChecker;
let wearable: Wearable;

async function open(options: ConstructorParameters<typeof LogBench>[0] = {}, width = 4): Promise<void> {
  checker = new HeldChecker(width);
  bench = new LogBench({ folder: folder.path, checker, ...options });
  wearable = new Wearable(1);
  await bench.enrol(wearable);
}

/** Has a device's first statement taken, so that it is known how far it has come. */
async function begin(...wearables: readonly Wearable[]): Promise<void> {
  for (const one of wearables) {
    const verdict = bench.submit(one, await one.next());
    await checker.answerUntil(verdict);
    expect(codeOf(await verdict)).toBe('accept');
  }
  checker.asked.length = 0;
}

/** A bench of another kind in place of the one just opened. */
async function reopen(...options: Parameters<typeof open>): Promise<void> {
  await bench.close();
  folder.remove();
  folder = makeFolder();
  await open(...options);
}

/** Everything anew over what is stored. `between`: what someone else does to the store meanwhile. */
async function restart(between: (db: Db) => void = () => undefined): Promise<void> {
  await bench.close();
  const db = openDatabase(join(folder.path, 'gateway.db'), []);
  between(db);
  db.close();
  checker = new HeldChecker();
  bench = new LogBench({ folder: folder.path, checker });
}

beforeEach(() => {
  folder = makeFolder();
  return open();
});

afterEach(async () => {
  await bench.close();
  folder.remove();
});

describe('order', () => {
  test.each([1, 2, 3])(
    'of each device is kept, whichever of many batches is checked first (seed %i)',
    async (seed) => {
      const wearables = [wearable, new Wearable(2), new Wearable(3)];
      for (const one of wearables.slice(1)) await bench.enrol(one);
      await begin(...wearables);
      const chains = await Promise.all(wearables.map((one) => one.skip(80)));
      const verdicts: Promise<Verdict>[][] = [[], [], []];
      const pick = chooser(seed);
      for (let sent = 0; sent < 240; ) {
        const at = pick(3);
        const bytes = chains[at]?.[verdicts[at]?.length ?? 0];
        if (bytes === undefined) continue;
        verdicts[at]?.push(bench.submit(wearables[at] as Wearable, bytes));
        if (++sent % 20 === 0) await turns(1); // arrivals are spread over many turns, and so over many batches
      }
      await checker.answerUntil(Promise.all(verdicts.flat()), pick);
      for (const own of verdicts)
        expect((await Promise.all(own)).map(placeOf)).toEqual(
          own.map((_, at) => ({ seq: at + 1, flags: [] })),
        );
      expect(bench.gaps).toEqual([]);
      expect(checker.asked.length).toBeGreaterThan(4);
      expect(bench.log.sequences.gaps(1, 10)).toEqual([]);
    },
  );

  test('what was sent later is not recorded before, though it is checked long before', async () => {
    await begin(wearable);
    const first = await wearable.skip(64);
    const later = await wearable.skip(10);
    const verdicts = first.map((bytes) => bench.submit(wearable, bytes));
    await turns(1);
    verdicts.push(...later.map((bytes) => bench.submit(wearable, bytes)));
    await turns(1);
    expect(checker.open.length).toBe(2);
    await checker.answer(1);
    expect(bench.count('entries', "kind = 'statement'")).toBe(1);
    await checker.answer(0);
    expect((await Promise.all(verdicts)).every((verdict) => placeOf(verdict).flags?.length === 0)).toBe(true);
  });

  test('a boot that is filled up after the next has begun is taken in its order, without a gap', async () => {
    await begin(wearable);
    const rest = await wearable.skip(140);
    const rebooted = bench.submit(wearable, await wearable.sign({ boot: 1 }));
    await checker.answerUntil(rebooted);
    // Each is below the head, so the log is asked first whether it holds it, for all of them at once.
    const verdicts = rest.map((bytes) => bench.submit(wearable, bytes));
    await checker.answerUntil(Promise.all(verdicts), chooser(7));
    expect((await Promise.all(verdicts)).map(placeOf)).toEqual(
      rest.map((_, at) => ({ seq: at + 1, flags: ['backfill'] })),
    );
    expect(bench.gaps).toEqual([]);
  });

  test('a thread that failed does not change it', async () => {
    await begin(wearable);
    const verdicts = (await wearable.skip(64)).map((bytes) => bench.submit(wearable, bytes));
    await turns(1);
    verdicts.push(...(await wearable.skip(30)).map((bytes) => bench.submit(wearable, bytes)));
    await turns(1);
    let failures = 0;
    checker.work = (request) => {
      if (request.urns.length === 64 && failures++ === 0) throw new Error('out of memory');
      return checkBatch(request);
    };
    await checker.answerUntil(Promise.all(verdicts), (of) => of - 1);
    expect(failures).toBe(1);
    expect((await Promise.all(verdicts)).map(placeOf)).toEqual(
      verdicts.map((_, at) => ({ seq: at + 1, flags: [] })),
    );
    expect(bench.gaps).toEqual([]);
  });

  test('a device of which nothing is known sends one by one until something is', async () => {
    const first = (await wearable.skip(5)).map((bytes) => bench.submit(wearable, bytes));
    await turns();
    expect(checker.asked).toEqual([[wearable.urn]]); // one, though there is room for many
    await checker.answer();
    // The log has said that it holds nothing: the same once more, and all the others with it.
    expect(checker.asked.slice(1)).toEqual([Array(5).fill(wearable.urn)]);
    await checker.answerUntil(Promise.all(first));
    expect((await Promise.all(first)).map(placeOf)).toEqual(
      [0, 1, 2, 3, 4].map((seq) => ({ seq, flags: [] })),
    );
    expect(bench.gaps).toEqual([]);
  });

  test('a forged first statement holds nobody up and teaches the same', async () => {
    const forged = bench.submit(wearable, spoil(await wearable.sign({ seq: 9 })));
    const rest = (await wearable.skip(3)).map((bytes) => bench.submit(wearable, bytes));
    await checker.answerUntil(Promise.all([forged, ...rest]));
    expect(codeOf(await forged)).toBe('bad-signature');
    expect((await Promise.all(rest)).map(placeOf)).toEqual([0, 1, 2].map((seq) => ({ seq, flags: [] })));
  });
});

describe('fairness', () => {
  test('a device with ten thousand forged statements in its line delays another by a few batches at most', async () => {
    await reopen({
      quarantine: { perDevice: 10, total: 1000 },
      commit: { maxBatch: 1000, maxBatchBytes: 1 << 24, maxQueue: 20_000 },
    });
    const quiet = new Wearable(2);
    await bench.enrol(quiet);
    await begin(wearable, quiet);
    const forged = spoil(await wearable.next());
    const flood = Promise.all(Array.from({ length: 10_000 }, () => bench.submit(wearable, forged)));
    await turns(1);
    expect(checker.open.length).toBe(checker.width);
    const own = bench.submit(quiet, await quiet.next());
    const before = checker.asked.length;
    await checker.answerUntil(own);
    expect(codeOf(await own)).toBe('accept');
    const place = checker.asked.findIndex((urns) => urns.includes(quiet.urn));
    expect(place).toBe(before); // in the next batch that begins, with those under way before it
    expect(bench.intake.waiting).toBeGreaterThan(9_000);
    await checker.answerUntil(flood);
    expect(new Set((await flood).map(codeOf))).toEqual(new Set(['bad-signature']));
  });

  test('so does a flood of seventy lines: the quiet one is in the next round', async () => {
    const crowd = Array.from({ length: 70 }, (_, at) => new Wearable(100 + at));
    for (const one of crowd) await bench.enrol(one);
    await begin(wearable, ...crowd);
    const flood: Promise<Verdict>[] = [];
    for (const one of crowd) {
      const forged = spoil(await one.next());
      for (let sent = 0; sent < 20; sent++) flood.push(bench.submit(one, forged));
    }
    await turns(1);
    const own = bench.submit(wearable, await wearable.next());
    const before = checker.asked.length;
    await checker.answerUntil(own);
    // A round of seventy lines is two requests.
    expect(checker.asked.findIndex((urns) => urns.includes(wearable.urn))).toBeLessThanOrEqual(before + 2);
    await checker.answerUntil(Promise.all(flood));
  });

  test('names that nobody enrolled wait for their own verdicts, and need no checker', async () => {
    const strangers = Array.from({ length: 300 }, (_, at) => new Wearable(1000 + at));
    const bytes = await wearable.next();
    const verdicts = await Promise.all(strangers.map((one) => bench.submit(one, bytes)));
    expect(new Set(verdicts.map(codeOf))).toEqual(new Set(['unknown-device']));
    expect(checker.asked).toEqual([]);
  });
});

describe('bounds', () => {
  beforeEach(async () => {
    await reopen({ maxQueue: 100 }, 1);
  });

  test('room is gone when the queue is full and comes back when half of it is empty, not before', async () => {
    await begin(wearable);
    const bytes = await wearable.next();
    const all: Promise<Verdict>[] = [];
    const send = (count: number): void => {
      for (let sent = 0; sent < count; sent++) all.push(bench.submit(wearable, bytes));
    };
    expect(bench.intake.room()).toBeUndefined();
    send(64);
    await turns(1); // those are under way
    send(99);
    expect(bench.intake.room()).toBeUndefined();
    send(50);
    let isThere = false;
    const room = bench.intake.room();
    expect(room).toBeInstanceOf(Promise);
    expect(bench.intake.room()).toBe(room);
    void room?.then(() => {
      isThere = true;
    });
    await checker.answer(); // 149 - 64 = 85 wait: less than full, more than half
    expect(isThere).toBe(false);
    expect(bench.intake.room()).toBeUndefined(); // who asks anew may send: the bound is the queue's, the promise's is lower
    await checker.answer(); // 21 wait
    expect(isThere).toBe(true);
    await checker.answerUntil(Promise.all(all));
    expect(bench.intake.room()).toBeUndefined();
  });

  test('past twice the queue the answer is overloaded, at once, and what was taken is kept', async () => {
    await begin(wearable);
    const bytes = await wearable.next();
    const taken = Array.from({ length: 200 }, () => bench.submit(wearable, bytes));
    const refused = bench.submit(wearable, bytes);
    await expect(refused).rejects.toMatchObject({ code: 'overloaded', fatal: false });
    expect(checker.asked).toEqual([]);
    await checker.answerUntil(Promise.all(taken));
    const codes = (await Promise.all(taken)).map(codeOf);
    expect(codes.filter((code) => code === 'accept')).toHaveLength(1);
    expect(codes.filter((code) => code === 'duplicate')).toHaveLength(199);
  });
});

describe('close', () => {
  test('settles everything that was taken: under check, in the queue, with the log; and takes no more', async () => {
    await begin(wearable);
    const statements = await wearable.skip(300);
    const verdicts = statements.map((bytes) => bench.submit(wearable, bytes));
    await checker.answer();
    const closed = bench.intake.close();
    await expect(bench.submit(wearable, statements[0] as Uint8Array)).rejects.toMatchObject({
      code: 'shutting-down',
    });
    await checker.answerUntil(closed, chooser(3));
    expect(bench.intake.waiting).toBe(0);
    expect((await Promise.all(verdicts)).map(placeOf)).toEqual(
      statements.map((_, at) => ({ seq: at + 1, flags: [] })),
    );
    await bench.intake.close();
  });

  test('is over at once when nothing waits', async () => {
    await bench.intake.close();
    await expect(bench.submit(wearable, await wearable.next())).rejects.toMatchObject({
      code: 'shutting-down',
    });
  });

  test('comes to an end though checks and commits fail', async () => {
    await begin(wearable);
    checker.work = () => {
      throw new Error('no');
    };
    const checks = (await wearable.skip(100)).map((bytes) => bench.submit(wearable, bytes));
    const results = Promise.allSettled(checks);
    await checker.answerUntil(bench.intake.close());
    for (const result of await results) expect(result).toMatchObject({ reason: { code: 'check-failed' } });
    expect(bench.intake.waiting).toBe(0);
  });
});

describe('failures', () => {
  /** Fails whatever has the culprit in it, as a thread does that a message crashes. */
  const failOn = (culprit: Uint8Array) => (request: CheckRequest) => {
    for (let at = 0; at < request.urns.length; at++)
      if (Buffer.from(questionAt(request, at).bytes).equals(culprit)) throw new TypeError('cannot read');
    return checkBatch(request);
  };

  test('a message that fails the checker fails alone; the others of its batch get through, in order', async () => {
    await begin(wearable);
    const statements = await wearable.skip(60);
    const other = await wearable.sign({ seq: 30, payload: heartRate(77) });
    checker.work = failOn(other);
    const verdicts = statements.map((bytes) => bench.submit(wearable, bytes));
    const culprit = bench.submit(wearable, other).catch((error: unknown) => error);
    await checker.answerUntil(Promise.all([...verdicts, culprit]));
    expect(await culprit).toMatchObject({ code: 'check-failed', cause: { message: 'cannot read' } });
    expect((await Promise.all(verdicts)).map(placeOf)).toEqual(
      statements.map((_, at) => ({ seq: at + 1, flags: [] })),
    );
    expect(bench.intake.waiting).toBe(0);
    checker.work = checkBatch;
    const again = bench.submit(wearable, other);
    await checker.answerUntil(again);
    expect(codeOf(await again)).toBe('equivocation'); // it is looked at when it comes again
  });

  test('a registry that cannot be read fails what needs it, and nothing else falls down', async () => {
    await begin(wearable);
    const unreadable = new GatewayError('store-unavailable', 'cannot read');
    const find = vi.spyOn(bench.registry, 'find').mockImplementationOnce(() => {
      throw unreadable;
    });
    const [first, second] = [await wearable.next(), await wearable.next()];
    const results = Promise.allSettled([bench.submit(wearable, first), bench.submit(wearable, second)]);
    await checker.answerUntil(results);
    expect(await results).toMatchObject([{ reason: unreadable }, { value: { kind: 'accept', seq: 2 } }]);
    expect(find).toHaveBeenCalled();
    expect(bench.intake.waiting).toBe(0);
    const again = bench.submit(wearable, first);
    await checker.answerUntil(again);
    expect(await again).toMatchObject({ kind: 'accept', seq: 1, flags: ['backfill'] });
  });

  test('a listener that throws keeps no verdict from anyone else', async () => {
    await begin(wearable);
    vi.spyOn(bench.verdicts, 'push').mockImplementationOnce(() => {
      throw new Error('metrics are broken');
    });
    const statements = await wearable.skip(3);
    const results = Promise.allSettled(statements.map((bytes) => bench.submit(wearable, bytes)));
    await checker.answerUntil(results);
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(bench.intake.waiting).toBe(0);
  });

  test('of a patient who was erased nothing is acknowledged; the others of the batch are accepted', async () => {
    const other = new Wearable(2);
    await bench.enrol(other, 'p-2');
    await begin(wearable, other);
    await restart((db) => db.exec("UPDATE owners SET wrapped = NULL WHERE name = 'p-2'"));
    const [lost, kept] = [await other.next(), await wearable.next()];
    const results = Promise.allSettled([bench.submit(other, lost), bench.submit(wearable, kept)]);
    await checker.answerUntil(results);
    expect(await results).toMatchObject([
      { reason: { code: 'key-unreadable', fatal: false } },
      { value: { kind: 'accept', seq: 1, flags: [] } },
    ]);
    expect(checker.asked[0]).toEqual([other.urn, wearable.urn]);
    expect([bench.count('entries', "kind = 'statement'"), bench.count('quarantine')]).toEqual([3, 0]);
    expect(bench.intake.waiting).toBe(0);
  });
});

describe('a change of the device while a check is under way', () => {
  const change = async (...requests: readonly object[]): Promise<void> => {
    const outcomes = await bench.request(
      ...requests.map((request) => ({ device: wearable.urn, ...request })),
    );
    expect(outcomes).toEqual(requests.map(() => ''));
  };

  test('resumed meanwhile: the refusal is withdrawn, and the statement taken', async () => {
    await begin(wearable);
    await change({ action: 'suspend' });
    const bytes = await wearable.next();
    const verdict = bench.submit(wearable, bytes);
    await turns(1);
    await change({ action: 'resume' });
    await checker.answer(); // it found it suspended
    await checker.answerUntil(verdict);
    expect(await verdict).toMatchObject({ kind: 'accept', seq: 1, flags: [] });
    expect(checker.asked).toHaveLength(2);
    expect(bench.count('quarantine')).toBe(0);
  });

  test('its key added meanwhile', async () => {
    await begin(wearable);
    const signer = signerFrom('the next key', 'ESP256');
    const bytes = await wearable.sign({ seq: 1 }, signer);
    const verdict = bench.submit(wearable, bytes);
    await turns(1);
    await change({ action: 'add-key', key: keyText(signer.publicKey) });
    await checker.answerUntil(verdict);
    expect(await verdict).toMatchObject({ kind: 'accept', seq: 1 });
    expect(bench.count('quarantine')).toBe(0);
  });

  test('a refusal for another reason stands', async () => {
    await begin(wearable);
    const verdict = bench.submit(wearable, spoil(await wearable.next()));
    await turns(1);
    await change({ action: 'suspend' }, { action: 'resume' });
    await checker.answerUntil(verdict);
    expect(codeOf(await verdict)).toBe('bad-signature');
    expect(checker.asked).toHaveLength(1);
  });

  test('suspended meanwhile: what was found right is refused all the same', async () => {
    await begin(wearable);
    const verdict = bench.submit(wearable, await wearable.next());
    await turns(1);
    await change({ action: 'suspend' });
    await checker.answerUntil(verdict);
    expect(codeOf(await verdict)).toBe('suspended-device');
  });

  test('one that changes with every check is given up after a few, unacknowledged', async () => {
    await begin(wearable);
    const active = bench.registry.find(wearable.urn);
    if (active === undefined) throw new Error('not enrolled');
    vi.spyOn(bench.registry, 'find').mockReturnValue({ ...active, status: 'suspended' });
    vi.spyOn(bench.registry, 'refresh').mockReturnValue(active);
    const result = bench.submit(wearable, await wearable.next()).catch((error: unknown) => error);
    await checker.answerUntil(result);
    expect(await result).toMatchObject({ code: 'overloaded' });
    expect(checker.asked).toHaveLength(5);
    expect(bench.intake.waiting).toBe(0);
    expect([bench.count('entries', "kind = 'statement'"), bench.count('quarantine')]).toEqual([1, 0]);
  });
});

describe('what is held already', () => {
  const keysAsked = vi.fn((request: CheckRequest) => checkBatch(request));

  test('is answered without verification, after a restart too', async () => {
    await begin(wearable);
    const statements = await wearable.skip(20);
    const first = statements.map((bytes) => bench.submit(wearable, bytes));
    await checker.answerUntil(Promise.all(first));
    for (const isRestarted of [false, true]) {
      if (isRestarted) {
        await restart();
      }
      // Whoever verified these would refuse them: their keys are blanked out on the way to the thread.
      checker.work = (request) => keysAsked({ ...request, keys: new Uint8Array(request.keys.length) });
      const again = statements.map((bytes) => bench.submit(wearable, bytes));
      await checker.answerUntil(Promise.all(again));
      expect((await Promise.all(again)).map(codeOf)).toEqual(statements.map(() => 'duplicate'));
      expect((await Promise.all(again)).map((verdict) => 'index' in verdict && verdict.index)).toEqual(
        (await Promise.all(first)).map((verdict) => 'index' in verdict && verdict.index),
      );
    }
    expect(keysAsked).toHaveBeenCalled();
    expect(bench.count('entries', "kind = 'statement'")).toBe(21);
    expect(bench.count('quarantine')).toBe(0);
  });
});
