import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GatewayError } from '../errors.ts';
import { type Db, openDatabase } from '../store/database.ts';
import { makeFolder, type TestFolder } from '../testing/folder.ts';
import { Committer, type CommitterOptions } from './committer.ts';

const SCHEMA = 'CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;';

let folder: TestFolder;
let db: Db;
/** What the work did, kept as a log keeps its tree: loaded again after a rollback. */
let memory: string[];
let commits: number[];
let rollbacks: number;
let fatal: GatewayError[];
let events: string[];

const stored = () => db.prepare<[], string>('SELECT text FROM notes ORDER BY id').pluck().all();

function makeCommitter(limits: Partial<CommitterOptions> = {}): Committer {
  return new Committer(db, {
    maxBatch: 100,
    maxBatchBytes: 1_000_000,
    maxAgeMs: 0,
    maxQueue: 1000,
    onRollback: () => {
      rollbacks += 1;
      events.push('rollback');
      memory = stored();
    },
    onCommit: (pieces, seconds) => {
      commits.push(pieces);
      events.push('commit');
      expect(seconds).toBeGreaterThanOrEqual(0);
    },
    onFatal: (error) => fatal.push(error),
    ...limits,
  });
}

const write = (text: string) => (): string => {
  memory.push(text);
  db.prepare('INSERT INTO notes (text) VALUES (?)').run(text);
  return text;
};

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => 'resolved',
    (reason: unknown) => reason,
  );
  return error instanceof GatewayError ? error.code : String(error);
}

beforeEach(() => {
  folder = makeFolder();
  db = openDatabase(join(folder.path, 'notes.db'), [SCHEMA]);
  memory = [];
  commits = [];
  rollbacks = 0;
  fatal = [];
  events = [];
});

afterEach(() => {
  db.close();
  folder.remove();
});

describe('group commit', () => {
  test('what is asked for in one turn is one transaction, in order, and each caller gets its own result', async () => {
    const committer = makeCommitter();
    const words = Array.from({ length: 50 }, (_, i) => `w${i}`);
    const results = words.map((word) => committer.run(write(word)));
    expect(committer.waiting).toBe(50);
    expect(stored()).toEqual([]);
    expect(await Promise.all(results)).toEqual(words);
    expect(stored()).toEqual(words);
    expect(commits).toEqual([50]);
    expect(committer.waiting).toBe(0);
  });

  test('a caller hears only after the transaction is committed, as another connection sees it', async () => {
    const committer = makeCommitter();
    const other = openDatabase(join(folder.path, 'notes.db'), []);
    const seen: unknown[] = [];
    await Promise.all(
      ['a', 'b'].map((word) =>
        committer
          .run(() => {
            seen.push(other.prepare('SELECT count(*) FROM notes').pluck().get());
            return write(word)();
          })
          .then(() => seen.push(other.prepare('SELECT count(*) FROM notes').pluck().get())),
      ),
    );
    other.close();
    expect(seen).toEqual([0, 0, 2, 2]);
  });

  test('a batch ends at its count and at its bytes; one piece larger than the bytes still goes alone', async () => {
    const committer = makeCommitter({ maxBatch: 3, maxBatchBytes: 100 });
    const sizes = [10, 10, 10, 10, 60, 60, 500, 1];
    await Promise.all(sizes.map((bytes, i) => committer.run(write(`${i}`), bytes)));
    // 3 by count; 10 + 60 (another 60 would be 130); 60 (500 would be too many); 500 alone; the last.
    expect(commits).toEqual([3, 2, 1, 1, 1]);
    expect(stored()).toEqual(sizes.map((_, i) => `${i}`));
  });

  test('work asked for while callers are told goes into the next transaction', async () => {
    const committer = makeCommitter();
    const second = committer.run(write('first')).then(() => committer.run(write('second')));
    await second;
    expect(commits).toEqual([1, 1]);
  });

  test('the queue refuses what is beyond its bound, early, and keeps what it has', async () => {
    const committer = makeCommitter({ maxQueue: 3 });
    const kept = ['a', 'b', 'c'].map((word) => committer.run(write(word)));
    const refused = committer.run(write('d'));
    expect(await codeOf(refused)).toBe('overloaded');
    expect(await Promise.all(kept)).toEqual(['a', 'b', 'c']);
    expect(stored()).toEqual(['a', 'b', 'c']);
    expect(await committer.run(write('e'))).toBe('e');
  });
});

describe('gathering', () => {
  /** Of the clock that commits are measured by. */
  let now: number;

  beforeEach(() => {
    now = 0;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    vi.spyOn(performance, 'now').mockImplementation(() => now);
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** Lets time pass, and the turn of the event loop after it. */
  async function pass(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** A committer whose commits took so long. */
  async function afterCommits(
    took: readonly number[],
    limits: Partial<CommitterOptions>,
  ): Promise<Committer> {
    const committer = makeCommitter({ maxAgeMs: 1000, ...limits });
    for (const ms of took) {
      const commit = committer.run(() => {
        now += ms; // a slow disk
      });
      await pass(1000); // over, however long it gathered
      await commit;
    }
    commits = [];
    return committer;
  }

  const afterCommitOf = (ms: number, limits: Partial<CommitterOptions>): Promise<Committer> =>
    afterCommits([ms, ms], limits);

  test('lasts as long as the commit before took, and what comes meanwhile shares the transaction', async () => {
    const committer = await afterCommitOf(50, {});
    const results = [committer.run(write('a'))];
    await pass(30);
    results.push(committer.run(write('b')));
    await pass(19);
    expect(stored()).toEqual([]);
    await pass(1); // fifty after the first, however late the second came
    expect(await Promise.all(results)).toEqual(['a', 'b']);
    expect(commits).toEqual([2]);
  });

  test('lasts as long as the shorter of the last two: one that was held up does not make others wait', async () => {
    for (const took of [
      [1, 50],
      [50, 0.5],
    ]) {
      const committer = await afterCommits(took, {});
      const result = committer.run(write('a'));
      await pass(1);
      expect(await result).toBe('a');
    }
  });

  test('ends at the greatest age', async () => {
    const committer = await afterCommitOf(50, { maxAgeMs: 20 });
    const result = committer.run(write('a'));
    await pass(19);
    expect(stored()).toEqual([]);
    await pass(1);
    expect(await result).toBe('a');
  });

  test('ends when the count is reached', async () => {
    const committer = await afterCommitOf(50, { maxBatch: 3 });
    const results = [committer.run(write('a'), 0, 2)];
    await pass(10);
    expect(stored()).toEqual([]);
    results.push(committer.run(write('b'), 0, 1));
    await pass(0);
    expect(await Promise.all(results)).toEqual(['a', 'b']);
    expect(commits).toEqual([3]); // messages, not pieces
  });

  test('ends when the bytes are reached', async () => {
    const committer = await afterCommitOf(50, { maxBatchBytes: 100 });
    const results = [committer.run(write('a'), 60)];
    await pass(10);
    results.push(committer.run(write('b'), 39));
    await pass(10);
    expect(stored()).toEqual([]);
    results.push(committer.run(write('c'), 1));
    await pass(0);
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c']);
    expect(commits).toEqual([3]);
  });

  test('does not take place where commits are cheap', async () => {
    const committer = await afterCommitOf(0.5, {});
    const result = committer.run(write('a'));
    await pass(0);
    expect(await result).toBe('a');
  });

  test('what a full batch leaves over gathers again, and is not forgotten', async () => {
    const committer = await afterCommitOf(50, { maxBatch: 2 });
    const results = ['a', 'b', 'c'].map((word) =>
      committer.run(() => {
        now += 15;
        return write(word)();
      }),
    );
    await pass(0);
    expect(stored()).toEqual(['a', 'b']);
    await pass(29);
    expect(stored()).toEqual(['a', 'b']);
    await pass(1);
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c']);
    expect(commits).toEqual([2, 1]);
  });

  test('ends when the log closes', async () => {
    const committer = await afterCommitOf(50, {});
    const result = committer.run(write('a'));
    const closing = committer.close();
    await pass(0);
    await closing;
    expect(await result).toBe('a');
  });

  test('does not take place between the last transactions of a log that closes', async () => {
    const committer = await afterCommitOf(50, { maxBatch: 1 });
    const results = ['a', 'b'].map((word) =>
      committer.run(() => {
        now += 50;
        return write(word)();
      }),
    );
    const closing = committer.close();
    await pass(0);
    await pass(0);
    await closing;
    expect(await Promise.all(results)).toEqual(['a', 'b']);
  });

  test('learns from each commit: one that was quick again ends the waiting', async () => {
    const committer = await afterCommitOf(50, {});
    const first = committer.run(write('a'));
    await pass(50);
    await first;
    const second = committer.run(write('b'));
    await pass(0);
    expect(await second).toBe('b');
  });
});

describe('failure', () => {
  test('one transaction that fails rejects its own callers only, and memory is what the store holds', async () => {
    const committer = makeCommitter({ maxBatch: 2 });
    const broken = (): never => {
      memory.push('half');
      throw new Error('constraint');
    };
    const outcomes = [
      committer.run(write('a')),
      committer.run(write('b')),
      committer.run(write('c')),
      committer.run(broken),
      committer.run(write('e')),
    ].map(codeOf);
    expect(await Promise.all(outcomes)).toEqual([
      'resolved',
      'resolved',
      'store-unavailable',
      'store-unavailable',
      'resolved',
    ]);
    expect(stored()).toEqual(['a', 'b', 'e']);
    expect(memory).toEqual(stored());
    expect(events).toEqual(['commit', 'rollback', 'commit']);
    expect(fatal).toEqual([]);
  });

  test('memory matches the store again before any caller hears of the failure', async () => {
    const committer = makeCommitter();
    const heard = await committer
      .run(() => {
        write('lost')();
        throw new Error('no');
      })
      .catch(() => [...memory]);
    expect(heard).toEqual([]);
  });

  test('a full disk (max_page_count) is disk-full, and the log goes on when there is room again', async () => {
    const committer = makeCommitter();
    await committer.run(write('before'));
    const pages = Number(db.pragma('page_count', { simple: true }));
    db.pragma(`max_page_count = ${pages + 2}`);
    const error = await committer.run(write('x'.repeat(100_000))).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'disk-full', fatal: false });
    expect((error as Error).message).toMatchInlineSnapshot(
      `"cannot commit to the log: the disk is full; free some space, nothing acknowledged is lost"`,
    );
    expect(stored()).toEqual(['before']);
    expect(memory).toEqual(['before']);
    db.pragma('max_page_count = 1000000');
    expect(await committer.run(write('after'))).toBe('after');
    expect(fatal).toEqual([]);
  });

  test('a locked database is store-unavailable once the wait is over, then work goes on', async () => {
    const committer = makeCommitter();
    db.pragma('busy_timeout = 10');
    const other = openDatabase(join(folder.path, 'notes.db'), []);
    other.exec('BEGIN IMMEDIATE');
    const error = await committer.run(write('lost')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'store-unavailable',
      fatal: false,
      details: { sqlite: 'SQLITE_BUSY' },
    });
    expect(memory).toEqual([]);
    other.exec('COMMIT');
    other.close();
    expect(await committer.run(write('kept'))).toBe('kept');
    expect(stored()).toEqual(['kept']);
  });

  test('a fatal failure settles everybody, the waiting too, refuses the rest and is told once', async () => {
    const committer = makeCommitter({ maxBatch: 1 });
    const outcomes = [
      committer.run(write('a')),
      committer.run(() => {
        throw new GatewayError('store-corrupt', 'damaged', { fatal: true });
      }),
      committer.run(write('c')),
      committer.run(write('d')),
    ].map(codeOf);
    expect(await Promise.all(outcomes)).toEqual([
      'resolved',
      'store-corrupt',
      'store-corrupt',
      'store-corrupt',
    ]);
    expect(await codeOf(committer.run(write('e')))).toBe('store-corrupt');
    expect(fatal.map((error) => error.code)).toEqual(['store-corrupt']);
    expect(stored()).toEqual(['a']);
    await committer.close();
  });

  test('memory that cannot be loaded again after a rollback is fatal, and everybody hears', async () => {
    const committer = makeCommitter({
      onRollback: () => {
        throw new Error('cannot read');
      },
    });
    const outcomes = [
      committer.run(write('a')),
      committer.run(() => {
        throw new Error('no');
      }),
    ].map(codeOf);
    expect(await Promise.all(outcomes)).toEqual(['store-unavailable', 'store-unavailable']);
    expect(fatal).toHaveLength(1);
    expect(await codeOf(committer.run(write('b')))).toBe('store-unavailable');
  });
});

describe('close', () => {
  test('commits what waits, over several transactions, then refuses', async () => {
    const committer = makeCommitter({ maxBatch: 2 });
    const outcomes = ['a', 'b', 'c', 'd', 'e'].map((word) => committer.run(write(word)));
    const closing = committer.close();
    expect(await codeOf(committer.run(write('late')))).toBe('shutting-down');
    await closing;
    expect(stored()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(await Promise.all(outcomes)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('is over at once when nothing waits, and may be called twice', async () => {
    const committer = makeCommitter();
    await committer.close();
    await committer.close();
    expect(commits).toEqual([]);
  });

  test('settles also when the last transactions fail', async () => {
    const committer = makeCommitter({ maxBatch: 1 });
    const outcomes = ['a', 'b'].map((word) =>
      codeOf(
        committer.run(() => {
          throw new Error(word);
        }),
      ),
    );
    await committer.close();
    expect(await Promise.all(outcomes)).toEqual(['store-unavailable', 'store-unavailable']);
    expect(rollbacks).toBe(2);
  });
});

const canMount = (() => {
  const probe = makeFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', probe.path], { stdio: 'ignore' });
    execFileSync('umount', [probe.path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    probe.remove();
  }
})();

describe.skipIf(!canMount)('a disk that is really full (skipped where no tmpfs can be mounted)', () => {
  test('refuses, keeps everything it acknowledged, and goes on when space is freed', async () => {
    const place = join(folder.path, 'small');
    mkdirSync(place);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', place]);
    const outer = db;
    try {
      execFileSync('dd', ['if=/dev/zero', `of=${join(place, 'ballast')}`, 'bs=64k', 'count=16'], {
        stdio: 'ignore',
      });
      db = openDatabase(join(place, 'notes.db'), [SCHEMA]);
      const committer = makeCommitter({ maxBatch: 1 });
      const acknowledged: string[] = [];
      let refusal: unknown;
      for (let i = 0; refusal === undefined && i < 500; i++) {
        const text = `${i}`.padEnd(8000, '.');
        await committer.run(write(text)).then(
          () => acknowledged.push(text),
          (reason: unknown) => {
            refusal = reason;
          },
        );
      }
      expect(refusal).toMatchObject({ code: 'disk-full', fatal: false });
      expect(acknowledged.length).toBeGreaterThan(0);
      expect(stored()).toEqual(acknowledged);
      expect(memory).toEqual(acknowledged);
      execFileSync('rm', [join(place, 'ballast')]);
      expect(await committer.run(write('after'))).toBe('after');
      db.close();
      db = openDatabase(join(place, 'notes.db'), [SCHEMA]);
      expect(stored()).toEqual([...acknowledged, 'after']);
    } finally {
      db.close();
      db = outer;
      execFileSync('umount', [place]);
    }
  });
});
