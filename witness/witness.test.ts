import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesToHex, equalBytes } from '../src/bytes.ts';
import { parseCheckpoint } from '../src/checkpoint.ts';
import { createSigner } from '../src/signature.ts';
import { encodeAddCheckpoint, readCosignatures } from '../src/tlog-witness.ts';
import { createState, openState } from './database.ts';
import { LOG_ORIGIN, LOG_SIGNER, TestLog } from './testing/test-log.ts';
import { NOW_S, WITNESS_KEY, WitnessBench } from './testing/witness-bench.ts';
import type { Reply } from './witness.ts';

const main = new TestLog();
const fork = new TestLog('fork', 5);

let bench: WitnessBench;

beforeEach(() => {
  bench = new WitnessBench();
});

afterEach(() => bench.remove());

async function expectCosigned(log: TestLog, size: number, reply: Reply): Promise<void> {
  expect(reply).toMatchObject({ status: 200, contentType: 'text/plain; charset=utf-8' });
  const read = readCosignatures(await log.note(size), reply.body, WITNESS_KEY);
  expect(read).toMatchObject({
    kind: 'ok',
    value: { witness: WITNESS_KEY.name, time: NOW_S, line: reply.body },
  });
}

describe('cosigns', () => {
  test('what extends what it has cosigned, from the first checkpoint on', async () => {
    const sizes = [3, 4, 8, 9, 33, 64];
    for (const [at, size] of sizes.entries()) {
      await expectCosigned(main, size, await bench.ask(main, sizes[at - 1] ?? 0, size));
      expect(bench.heads.find(LOG_ORIGIN)).toMatchObject({ size, root: main.root(size), cosignedAt: NOW_S });
    }
  });

  test('the same checkpoint again, for a log that has lost the answer', async () => {
    await bench.ask(main, 0, 7);
    expect(await bench.ask(main, 0, 7)).toMatchObject({ status: 409, body: '7\n' });
    await expectCosigned(main, 7, await bench.ask(main, 7, 7));
  });

  test('after a restart from where it was', async () => {
    await bench.ask(main, 0, 7);
    bench.stop();
    bench.start();
    expect(await bench.ask(main, 0, 9)).toMatchObject({ status: 409, body: '7\n' });
    await expectCosigned(main, 9, await bench.ask(main, 7, 9));
  });

  test('the empty log', async () => {
    await expectCosigned(main, 0, await bench.ask(main, 0, 0));
    await expectCosigned(main, 5, await bench.ask(main, 0, 5));
  });

  test('under any of the keys it trusts for the log, and ignores other signatures', async () => {
    const body = await main.request(0, 4);
    expect(await bench.witness.addCheckpoint(`${body}— stranger AAAAAAE=\n`)).toMatchObject({ status: 200 });
  });
});

describe('refuses', () => {
  beforeEach(async () => {
    await bench.ask(main, 0, 8);
  });

  afterEach(() => {
    expect(bench.heads.find(LOG_ORIGIN)).toMatchObject({ size: 8, root: main.root(8) });
  });

  test.each([
    ['a start afresh with 409 and its own size', 0, 9],
    ['an old size it does not know', 7, 9],
  ])('%s', async (_, oldSize, size) => {
    expect(await bench.ask(main, oldSize, size)).toEqual({
      status: 409,
      contentType: 'text/x.tlog.size',
      body: '8\n',
    });
    expect(bench.told).toEqual([]);
  });

  test('an old size above that of the checkpoint with 400', async () => {
    expect(await bench.ask(main, 8, 7)).toMatchObject({ status: 400 });
  });

  test('another root for the same size with 409, and keeps both checkpoints as proof', async () => {
    expect(await bench.ask(fork, 8, 8)).toMatchObject({
      status: 409,
      contentType: 'text/x.tlog.size',
      body: '8\n',
    });
    await bench.ask(new TestLog('third', 1), 8, 8);
    expect(bench.heads.evidence.of(LOG_ORIGIN)).toEqual({
      fork: {
        size: 8,
        cosignedNote: await main.note(8),
        otherNote: await fork.note(8),
        refusedAt: NOW_S,
      },
    });
    expect(bench.told).toEqual([['error', { origin: LOG_ORIGIN, offered: 8, cosigned: 8 }]]);
  });

  test('a fork that has grown with 422', async () => {
    expect(await bench.ask(fork, 8, 12)).toMatchObject({ status: 422 });
    expect(bench.told).toEqual([['warn', { origin: LOG_ORIGIN, offered: 12, cosigned: 8 }]]);
  });

  test('every bit of the proof that is not as it must be with 422', async () => {
    const proof = main.proof(8, 13);
    for (const [at, hash] of proof.entries()) {
      const changed = proof.with(
        at,
        Uint8Array.from(hash, (byte, place) => (place === at ? byte ^ 1 : byte)),
      );
      const body = encodeAddCheckpoint({ oldSize: 8, proof: changed, note: await main.note(13) });
      expect(await bench.witness.addCheckpoint(body)).toMatchObject({ status: 422 });
    }
    for (const wrong of [[], proof.slice(1), [...proof, main.root(1)]]) {
      const body = encodeAddCheckpoint({ oldSize: 8, proof: wrong, note: await main.note(13) });
      expect(await bench.witness.addCheckpoint(body)).toMatchObject({ status: 422 });
    }
  });

  test('an unknown origin with 404, an unknown key with 403, a changed checkpoint with 403', async () => {
    const stranger = createSigner('Ed25519', new Uint8Array(32).fill(13));
    expect(await bench.ask(new TestLog('main', 0, LOG_SIGNER, 'other.example'), 0, 9)).toMatchObject({
      status: 404,
    });
    expect(await bench.ask(new TestLog('main', 0, stranger), 8, 9)).toMatchObject({ status: 403 });
    expect(bench.heads.evidence.of(LOG_ORIGIN)).toEqual({});
    const changed = (await main.request(8, 9)).replace('\n9\n', '\n10\n');
    expect(await bench.witness.addCheckpoint(changed)).toMatchObject({ status: 403 });
  });

  test.each(['', 'old 8\n', 'old 8\n\nnonsense', 'old 8\n\n\n\n', '\u0000'])('%j with 400', async (body) => {
    expect(await bench.witness.addCheckpoint(body)).toMatchObject({ status: 400 });
  });
});

test('whoever asks for what in whatever order, one size has one root, and each tree extends the one before', async () => {
  const histories = [main, fork, new TestLog('other', 2)];
  const request = fc.tuple(fc.nat(2), fc.nat(20), fc.nat(20), fc.boolean());
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 25 }), async (requests) => {
      bench.remove();
      bench = new WitnessBench();
      const roots = new Map<number, string>();
      const judge = async ([which, oldSize, size, followsTheWitness]: readonly [
        number,
        number,
        number,
        boolean,
      ]) => {
        const log = histories[which] as TestLog;
        const from = followsTheWitness ? (bench.heads.find(LOG_ORIGIN)?.size ?? 0) : oldSize;
        const body = await log.request(from, size);
        const reply = await bench.witness.addCheckpoint(body);
        if (reply.status !== 200) return;
        const checkpoint = parseCheckpoint(await log.note(size));
        if (checkpoint.kind === 'reject') throw new Error(checkpoint.detail);
        const root = bytesToHex(checkpoint.value.root);
        expect([size, roots.get(size) ?? root]).toEqual([size, root]);
        roots.set(size, root);
      };
      // Three at a time, so that requests overlap.
      for (let at = 0; at < requests.length; at += 3)
        await Promise.all(requests.slice(at, at + 3).map(judge));
      const head = bench.heads.find(LOG_ORIGIN);
      const believed = histories.find(
        (log) => head !== undefined && equalBytes(log.root(head.size), head.root),
      );
      for (const [size, root] of roots) {
        expect(size).toBeLessThanOrEqual(head?.size ?? -1);
        expect([size, root]).toEqual([size, bytesToHex(believed?.root(size) ?? new Uint8Array())]);
      }
    }),
    { numRuns: 60 },
  );
});

describe('a witness that has lost its state', () => {
  test('does not start', () => {
    const empty = mkdtempSync(join(tmpdir(), 'vitalseal-witness-'));
    expect(() => openState(empty)).toThrow(/must not go on under its key/);
    rmSync(empty, { recursive: true });
  });

  test('and none is made over another', () => {
    expect(() => createState(bench.folder)).toThrow(/there already/);
  });
});
