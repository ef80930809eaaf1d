import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bytesToHex, utf8ToBytes } from '../../src/bytes.ts';
import type { TimestampRequest } from '../../src/timestamp/rfc3161.ts';
import { sha256 } from '../crypto/hash.ts';
import { SqliteTimestampStore } from '../store/timestamps.ts';
import { LogBench } from '../testing/log-bench.ts';
import { type Stamped, TimestampAuthority } from './authority.ts';
import { Stamper } from './stamper.ts';

const EVERY_MS = 60_000;
const TIME = 1_760_000_000;

let bench: LogBench;
let store: SqliteTimestampStore;
let stamper: Stamper;
let asked: TimestampRequest[];
let failures: number;
let isAway: boolean;
let now: number;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  bench = new LogBench();
  store = new SqliteTimestampStore(bench.db);
  [asked, failures, isAway, now] = [[], 0, false, 0];
  stamper = new Stamper(
    {
      authority: { stamp },
      log: bench.log.reader,
      store,
      clock: bench.clock,
      monotonic: () => now,
      logger: bench.logger,
      onFailure: () => {
        failures += 1;
      },
    },
    { everyMs: EVERY_MS, policy: '1.2.3' },
  );
});

afterEach(async () => {
  await stamper.close();
  vi.useRealTimers();
  await bench.close();
});

async function stamp(request: TimestampRequest): Promise<Stamped> {
  asked.push(request);
  if (isAway) return { kind: 'reject', code: 'no-answer', detail: 'it answered 503' };
  const { digest } = request;
  return {
    kind: 'ok',
    value: { bytes: Uint8Array.of(1, 2), token: { digest, time: TIME, isOfPolicy: () => true } },
  };
}

/** Seals, tells of it, and waits until the stamper has nothing to do. */
async function seal(): Promise<void> {
  await bench.log.sealer.seal(undefined);
  stamper.wake();
  for (let turn = 0; turn < 50; turn++) await setImmediate();
}

test('stamps the newest checkpoint, at most one in each interval', async () => {
  for (let turn = 0; turn < 3; turn++) await seal();
  const first = await store.newest();
  const note = (await bench.log.reader.checkpointAt(1))?.note ?? '';
  expect(first).toEqual({ size: 1, note, token: Uint8Array.of(1, 2), time: TIME });
  expect(asked.map(({ digest, policy }) => [bytesToHex(digest), policy])).toEqual([
    [bytesToHex(sha256(utf8ToBytes(note))), '1.2.3'],
  ]);
  now = EVERY_MS;
  await seal();
  expect(await stamper.view()).toEqual({ size: 4, time: TIME });
  expect(asked).toHaveLength(2);
  expect(asked[0]?.nonce).not.toEqual(asked[1]?.nonce);
  expect([await store.covering(0), await store.covering(1), await store.covering(4)]).toMatchObject([
    { size: 1 },
    { size: 4 },
    undefined,
  ]);
});

test('an authority that is away is tried again, and told of once', async () => {
  isAway = true;
  await seal();
  await seal();
  expect(await stamper.view()).toMatchObject({
    size: 0,
    lastError: { code: 'timestamp-failed', message: 'it answered 503' },
  });
  for (const wait of [1_000, 2_000]) {
    vi.advanceTimersByTime(wait);
    for (let turn = 0; turn < 50; turn++) await setImmediate();
  }
  expect([asked.length, failures]).toEqual([3, 3]);
  expect(bench.logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  isAway = false;
  vi.advanceTimersByTime(4_000);
  for (let turn = 0; turn < 50; turn++) await setImmediate();
  expect(await stamper.view()).toEqual({ size: 2, time: TIME });
});

describe('an authority over HTTP', () => {
  const request = { digest: new Uint8Array(32), nonce: Uint8Array.of(1) };
  let server: Server | undefined;

  beforeEach(() => vi.useRealTimers());
  afterEach(() => server?.close());

  async function serve(answer: (response: ServerResponse) => void): Promise<string> {
    const made = createServer((incoming, response) => incoming.resume().on('end', () => answer(response)));
    server = made;
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
  }

  const ask = (url: string) => new TimestampAuthority(url).stamp(request, new AbortController().signal);

  test.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['an error', (response) => response.writeHead(500).end(), /answered 500/],
    ['a redirect', (response) => response.writeHead(302, { location: '/' }).end(), /answered 302/],
    ['a page', (response) => response.end('<html>'), /no status/],
    ['nothing', (response) => response.end(), /no status/],
    ['too much', (response) => response.end('x'.repeat(70_000)), /too long/],
    ['a cut line', (response) => response.destroy(), /no answer/],
  ])('%s is no timestamp, and no reason tells the address', async (_, answer, reason) => {
    const stamped = await ask(await serve(answer));
    expect(stamped).toMatchObject({ kind: 'reject', detail: expect.stringMatching(reason) });
    expect(JSON.stringify(stamped)).not.toContain('127.0.0.1');
  });
});
