/**
 * Whatever happens to a witness, it never cosigns two roots for one size: killed before it writes, before that is on the disk, before
 * it answers, at random under load; and with a disk that fails.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder, type TestFolder } from '../gateway/testing/folder.ts';
import { bytesToBase64, bytesToHex } from '../src/bytes.ts';
import { readCosignatures } from '../src/tlog-witness.ts';
import { LOG_ORIGIN, LOG_SIGNER, TestLog } from '../witness/testing/test-log.ts';
import { endPrograms } from './support/command.ts';
import { attachStrace } from './support/faults/strace.ts';
import { missingNote } from './support/installed.ts';
import { ServedWitness } from './support/served-witness.ts';

const histories = [new TestLog(), new TestLog('fork', 3)] as const;
const [honest, fork] = histories;
const note = missingNote(['strace']);
const FIRST_SIZE = 6;
const NEXT_SIZE = 9;
const KILLS = 8;
const UNSAFE = 3;

let folder: TestFolder;
let witness: ServedWitness;
/** Roots that the witness was seen to have cosigned, by size. */
let promises: Map<number, Set<string>>;

beforeEach(async () => {
  folder = makeFolder();
  promises = new Map();
  const known = `${folder.path}/gateway-public.json`;
  writeFileSync(
    known,
    JSON.stringify({ origin: LOG_ORIGIN, logKey: bytesToBase64(LOG_SIGNER.publicKey.bytes) }),
  );
  witness = await ServedWitness.create(`${folder.path}/witness`, known);
  await witness.start();
});

afterEach(async () => {
  await witness.kill();
  folder.remove();
});

afterAll(endPrograms);

/** Asks, and takes note of a cosignature that comes back. Undefined when nothing does. */
async function ask(log: TestLog, oldSize: number, size: number): Promise<number | undefined> {
  const body = await log.request(oldSize, size);
  try {
    const response = await witness.post(body);
    const answer = await response.text();
    if (response.status !== 200) return response.status;
    const read = readCosignatures(await log.note(size), answer, witness.key);
    if (read.kind === 'reject') throw new RangeError(read.detail);
    promises.set(size, (promises.get(size) ?? new Set()).add(bytesToHex(log.root(size))));
    return 200;
  } catch (error) {
    if (error instanceof RangeError) throw error;
    return undefined; // it was killed
  }
}

/** Asks as a log does that has no memory. */
async function askAfresh(log: TestLog, size: number): Promise<number | undefined> {
  const response = await witness.post(await log.request(0, size));
  if (response.status !== 409) return ask(log, 0, size);
  return ask(log, Number(await response.text()), size);
}

function expectPromisesKept(): void {
  for (const [size, roots] of promises) expect([size, roots.size]).toEqual([size, 1]);
}

describe.skipIf(note !== '')(
  `a witness that dies or whose disk fails in the middle of a request${note}`,
  () => {
    it.each([
      ['killed before it writes', 'pwrite64:signal=KILL', 'SIGKILL'],
      ['killed before that is on the disk', 'fsync,fdatasync:signal=KILL', 'SIGKILL'],
      ['killed before it answers', 'write,writev,sendto,sendmsg:signal=KILL', 'SIGKILL'],
      ['whose write fails', 'pwrite64:error=EIO', UNSAFE],
      ['whose disk is full', 'pwrite64:error=ENOSPC', UNSAFE],
      ['whose fsync fails', 'fsync,fdatasync:error=EIO', UNSAFE],
    ])('%s', async (_, fault, end) => {
      expect(await ask(honest, 0, FIRST_SIZE)).toBe(200);
      const [calls = ''] = fault.split(':');
      const options = ['-e', `trace=${calls}`, '-e', `inject=${fault}:when=1`];
      const trace = await attachStrace(witness.program.pid, `${folder.path}/trace`, options);
      const answers = [await ask(honest, FIRST_SIZE, NEXT_SIZE)];
      expect(await witness.program.exited).toBe(end);
      await trace.detach();
      expect(answers[0]).toBe(end === UNSAFE ? 500 : undefined);
      await witness.start();
      // Whether or not the first was recorded: one of the two histories goes on, and the other does not.
      for (const log of [fork, honest, fork]) answers.push(await askAfresh(log, NEXT_SIZE));
      expect(answers.filter((status) => status === 200)).not.toHaveLength(0);
      expectPromisesKept();
      expect(promises.get(NEXT_SIZE)).toEqual(new Set([bytesToHex(honest.root(NEXT_SIZE))]));
    });
  },
);

it(`killed ${KILLS} times while two histories press for its cosignature`, async () => {
  for (let round = 0; round < KILLS; round++) {
    let answersLeft = 1 + Math.floor(Math.random() * 6);
    const enough = Promise.withResolvers<void>();
    const press = async (log: TestLog): Promise<void> => {
      for (let size = 1 + 7 * round; size <= 7 * round + 8; size++) {
        await askAfresh(log, size).catch(() => undefined);
        if (--answersLeft === 0) enough.resolve();
      }
    };
    const load = histories.flatMap((log) => [press(log), press(log)]);
    await enough.promise;
    await witness.kill();
    await Promise.all(load);
    await witness.start();
    expectPromisesKept();
  }
  expect(promises.size).toBeGreaterThan(3);
  const { size, root } = await witness.log();
  const kept = histories.find((log) => bytesToHex(log.root(size)) === root) ?? expect.fail('of no history');
  for (const [promised, roots] of promises) {
    expect(promised).toBeLessThanOrEqual(size);
    expect([...roots]).toEqual([bytesToHex(kept.root(promised))]);
  }
});
