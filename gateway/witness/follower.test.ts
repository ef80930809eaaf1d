import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { verifyCosignature } from '../../src/cosignature.ts';
import { createSigner } from '../../src/signature.ts';
import { type AddCheckpoint, encodeAddCheckpoint, readCosignatures } from '../../src/tlog-witness.ts';
import { createState } from '../../witness/database.ts';
import { Heads, openState, Witness } from '../../witness/index.ts';
import { SqliteCosignatureStore } from '../store/cosignatures.ts';
import { makeFolder, type TestFolder } from '../testing/folder.ts';
import { LogBench, TEST_LOG_SIGNER, TEST_ORIGIN } from '../testing/log-bench.ts';
import type { WitnessAnswer } from './client.ts';
import { WitnessFollower } from './follower.ts';

const SIGNER = createSigner('Ed25519', new Uint8Array(32).fill(2));
const KEY = { name: 'w.example/1', publicKey: SIGNER.publicKey.bytes };

let bench: LogBench;
let folder: TestFolder;
let heads: Heads;
let witness: Witness;
let follower: WitnessFollower;
let store: SqliteCosignatureStore;
let asked: AddCheckpoint[];
let failures: string[];
/** What the next requests are answered with in place of what the witness says; it has judged them all the same. */
let instead: (WitnessAnswer | undefined)[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  bench = new LogBench();
  folder = makeFolder();
  createState(folder.path);
  heads = new Heads(openState(folder.path));
  witness = new Witness({
    name: KEY.name,
    signer: SIGNER,
    logs: new Map([[TEST_ORIGIN, [{ name: TEST_ORIGIN, publicKey: TEST_LOG_SIGNER.publicKey.bytes }]]]),
    heads,
    now: () => bench.clock.now(),
    logger: bench.logger,
  });
  store = new SqliteCosignatureStore(bench.db);
  [asked, failures, instead] = [[], [], []];
  follower = follow();
});

afterEach(async () => {
  await follower.close();
  vi.useRealTimers();
  heads.close();
  await bench.close();
  folder.remove();
});

function follow(): WitnessFollower {
  return new WitnessFollower({
    key: KEY,
    client: { addCheckpoint: answerAsTheWitness },
    log: bench.log.reader,
    store,
    clock: bench.clock,
    logger: bench.logger,
    onFailure: (name, code) => failures.push(`${name} ${code}`),
  });
}

async function answerAsTheWitness(request: AddCheckpoint): Promise<WitnessAnswer> {
  asked.push(request);
  const { status, body } = await witness.addCheckpoint(encodeAddCheckpoint(request));
  const given = instead.shift();
  if (given !== undefined) return given;
  if (status === 409) return { kind: 'other-size', size: Number(body) };
  if (status === 422) return { kind: 'bad-proof' };
  const read = readCosignatures(request.note, body, KEY);
  if (status !== 200 || read.kind === 'reject') throw new Error(`${status} ${body}`);
  return { kind: 'cosigned', cosignature: read.value };
}

/** Seals, shows it, and waits until there is nothing more to do. */
async function seal(): Promise<void> {
  await bench.log.sealer.seal(undefined);
  await shown();
}

/** Until the newest checkpoint is cosigned, or the witness is given time. */
async function shown(): Promise<void> {
  follower.wake();
  while (vi.getTimerCount() === 0 && (await follower.view()).lag > 0) await setImmediate();
}

const newest = async () => (await bench.log.reader.newestCheckpoint()) ?? expect.fail('no checkpoint');

describe('a witness that is there', () => {
  test('cosigns each checkpoint, which is kept and served with it', async () => {
    for (let turn = 0; turn < 3; turn++) {
      await seal();
      const { size, note } = await newest();
      expect(verifyCosignature(note, KEY)).toMatchObject({ kind: 'ok' });
      expect(await follower.view()).toMatchObject({ size, lag: 0, isInConflict: false });
    }
    expect(asked.map(({ oldSize }) => oldSize)).toEqual([0, 1, 2]);
    expect(failures).toEqual([]);
  });

  test('is asked nothing when there is nothing new, and goes on after a restart', async () => {
    await seal();
    await follower.close();
    follower = follow();
    follower.wake();
    await seal();
    expect(asked.map(({ oldSize }) => oldSize)).toEqual([0, 1]);
  });

  test('whose answer was lost is told from its own size', async () => {
    instead = [{ kind: 'away', reason: 'cut' }];
    await seal();
    expect(heads.find(TEST_ORIGIN)).toMatchObject({ size: 1 });
    vi.advanceTimersByTime(1_000);
    await shown();
    expect(await follower.view()).toMatchObject({ size: 1, lag: 0 });
    expect(asked.map(({ oldSize }) => oldSize)).toEqual([0, 0, 1]);
  });

  test('that has forgotten is brought up again, and that is told', async () => {
    await seal();
    await seal();
    heads.close();
    folder.remove();
    folder = makeFolder();
    createState(folder.path);
    heads = new Heads(openState(folder.path));
    witness = new Witness({
      name: KEY.name,
      signer: SIGNER,
      logs: new Map([[TEST_ORIGIN, [{ name: TEST_ORIGIN, publicKey: TEST_LOG_SIGNER.publicKey.bytes }]]]),
      heads,
      now: () => bench.clock.now(),
      logger: bench.logger,
    });
    await seal();
    expect(await follower.view()).toMatchObject({ size: 3, lag: 0 });
    expect(bench.logger.text()).toContain('has forgotten');
  });
});

describe('a witness that is away', () => {
  test('is tried again after a wait that doubles up to five minutes, and sees the newest checkpoint then', async () => {
    instead = Array(20).fill({ kind: 'away', reason: 'it answered 503' });
    await seal();
    for (const wait of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]) {
      const before = asked.length;
      await bench.log.sealer.seal(undefined);
      follower.wake();
      vi.advanceTimersByTime(wait * 1000 - 1);
      expect([wait, asked.length, vi.getTimerCount()]).toEqual([wait, before, 1]);
      vi.advanceTimersByTime(1);
      await shown();
      expect([wait, asked.length]).toEqual([wait, before + 1]);
    }
    expect(failures.every((failure) => failure === `${KEY.name} witness-unreachable`)).toBe(true);
    const warnings = bench.logger.lines.filter(({ level }) => level === 'warn');
    expect(warnings).toHaveLength(1);
    instead = [];
    vi.advanceTimersByTime(300_000);
    await shown();
    expect(await follower.view()).toMatchObject({ size: (await newest()).size, lag: 0 });
    expect((await follower.view()).lastError).toBeUndefined();
    expect(bench.logger.lines.at(-1)).toMatchObject({ level: 'info', message: 'the witness cosigns again' });
  });

  test('holds no close up', async () => {
    instead = [{ kind: 'away', reason: 'x' }];
    await seal();
    await follower.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a contradiction is an alarm', () => {
  test.each<[string, readonly (WitnessAnswer | undefined)[]]>([
    ['a size that the log has not sealed', [{ kind: 'other-size', size: 99 }]],
    [
      'another root for the size',
      [
        { kind: 'other-size', size: 3 },
        { kind: 'other-size', size: 3 },
      ],
    ],
    ['a proof that does not hold', [{ kind: 'bad-proof' }]],
  ])('%s', async (_, answers) => {
    await seal();
    await seal();
    instead = [...answers];
    await seal();
    expect(await follower.view()).toMatchObject({
      size: 2,
      isInConflict: true,
      lastError: { code: 'witness-conflict' },
    });
    expect(failures).toEqual([`${KEY.name} witness-conflict`]);
    expect(bench.logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    // The log goes on all the same, and the alarm ends when the witness agrees again.
    vi.advanceTimersByTime(1_000);
    await shown();
    expect(await follower.view()).toMatchObject({ size: 3, isInConflict: false });
  });

  test('but not one size and then another, nor what makes no sense', async () => {
    await seal();
    await seal();
    instead = [
      { kind: 'other-size', size: 0 },
      { kind: 'other-size', size: 1 },
    ];
    await seal();
    expect(await follower.view()).toMatchObject({
      isInConflict: false,
      lastError: { code: 'witness-refused' },
    });
  });
});
