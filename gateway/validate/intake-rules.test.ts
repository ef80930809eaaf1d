/** Which check comes first, and what the intake does beside refusing: flags, reasons, policy, failures of ours. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CborFloat, type CborValue, encodeCbor } from '../../src/cbor.ts';
import { LogBench } from '../testing/log-bench.ts';
import { heartRate, spoil, Wearable } from '../testing/wearable.ts';
import { codeOf } from './testing/verdicts.ts';

let bench: LogBench;

beforeEach(() => {
  bench = new LogBench();
});

afterEach(() => bench.close());

describe('order of the checks', () => {
  let wearable: Wearable;

  beforeEach(async () => {
    wearable = new Wearable(1);
    await bench.enrol(wearable);
  });

  test('a duplicate costs no verification', async () => {
    const bytes = await wearable.next();
    await bench.submit(wearable, bytes);
    const found = bench.registry.find(wearable.urn);
    if (found === undefined) throw new Error('not enrolled');
    const key = vi.fn(found.key);
    vi.spyOn(bench.registry, 'find').mockReturnValue({ ...found, key });
    expect(codeOf(await bench.submit(wearable, bytes))).toBe('duplicate');
    expect(key).not.toHaveBeenCalled();
  });

  test('a forged statement under a number already held is a bad signature, no equivocation, and suspends nobody', async () => {
    await bench.submit(wearable, await wearable.next());
    expect(codeOf(await bench.submit(wearable, spoil(await wearable.sign({ payload: heartRate(1) }))))).toBe(
      'bad-signature',
    );
    expect(bench.registry.find(wearable.urn)?.status).toBe('active');
  });

  test.each([
    ['oversize comes before the form', () => new Uint8Array(5000), 'oversize'],
    ['the device comes before the form', () => Uint8Array.of(1), 'unknown-device'],
  ])('%s', async (_name, make, code) => {
    expect(codeOf(await bench.submit('urn:dev:mac:0000000000ff', make()))).toBe(code);
  });

  test('the issuer comes before the registry: nobody learns who is enrolled by naming another topic', async () => {
    const stranger = new Wearable(77);
    expect(codeOf(await bench.submit(wearable, await stranger.next()))).toBe('wrong-issuer');
  });

  test('a suspended device is told so only for what it truly signed', async () => {
    await bench.request({ action: 'suspend', device: wearable.urn });
    const bytes = await wearable.next();
    expect(codeOf(await bench.submit(wearable, spoil(bytes)))).toBe('bad-signature');
    expect(codeOf(await bench.submit(wearable, bytes))).toBe('suspended-device');
  });

  test('a revoked device may still hear that a statement is held', async () => {
    const bytes = await wearable.next();
    await bench.submit(wearable, bytes);
    await bench.request({ action: 'revoke', device: wearable.urn });
    expect(codeOf(await bench.submit(wearable, bytes))).toBe('duplicate');
    expect(codeOf(await bench.submit(wearable, await wearable.next()))).toBe('revoked-device');
  });
});

test('flags of the payload reach the verdict and the log', async () => {
  const wearable = new Wearable(1);
  await bench.enrol(wearable);
  const verdict = await bench.submit(wearable, await wearable.next({ payload: heartRate(999) }));
  expect(verdict).toMatchObject({ kind: 'accept', flags: ['implausible'] });
  expect((await bench.log.reader.entry(1))?.flags).toEqual(['implausible']);
});

test('a content type that is not known is opaque and taken as it is', async () => {
  const wearable = new Wearable(1);
  await bench.enrol(wearable);
  const payload = encodeCbor(new CborFloat(1.5));
  for (const contentType of [0, 'application/x-ecg'] as const) {
    expect(await bench.submit(wearable, await wearable.next({ contentType, payload }))).toMatchObject({
      kind: 'accept',
      flags: [],
    });
  }
});

test('whatever is sent, the reason given is one short printable line', async () => {
  const wearable = new Wearable(1);
  await bench.enrol(wearable);
  const nasty = '\u0000\u001b[2J\r\n\u202e\u0085';
  const texts = ['', nasty, nasty.repeat(50), 'x'.repeat(1000)];
  const packs = texts.flatMap((text) => [
    [
      new Map<CborValue, CborValue>([
        [0, text],
        [2, 1],
      ]),
    ],
    [
      new Map<CborValue, CborValue>([
        [text, 1],
        [0, 'hr'],
        [2, 1],
      ]),
    ],
    [
      new Map<CborValue, CborValue>([
        [0, 'hr'],
        [1, text],
        [3, text],
      ]),
    ],
    [
      new Map<CborValue, CborValue>([
        [0, 'hr'],
        [2, text],
      ]),
    ],
    text,
  ]);
  const messages = [
    ...(await Promise.all(packs.map((pack) => wearable.sign({ payload: encodeCbor(pack) })))),
    ...texts.map((text) => encodeCbor(text)),
    ...texts.map((text) => new TextEncoder().encode(text)),
  ];
  for (const bytes of messages) await bench.submit(wearable, bytes);
  for (const verdict of bench.verdicts) {
    if (verdict.kind === 'reject') expect(verdict.detail).toMatch(/^[ -~]{1,200}$/);
  }
  expect(bench.verdicts.filter((verdict) => verdict.kind === 'reject').length).toBeGreaterThan(8);
});

test('without the policy an equivocation is refused and kept, and the device goes on', async () => {
  await bench.close();
  bench = new LogBench({ suspendOnEquivocation: false });
  const wearable = new Wearable(1);
  await bench.enrol(wearable);
  await bench.submit(wearable, await wearable.next());
  expect(codeOf(await bench.submit(wearable, await wearable.sign({ payload: heartRate(61) })))).toBe(
    'equivocation',
  );
  expect(codeOf(await bench.submit(wearable, await wearable.next()))).toBe('accept');
});

test('a failure of ours is no verdict: nothing is kept, nothing is told, and the same statement is taken later', async () => {
  const wearable = new Wearable(1);
  await bench.enrol(wearable);
  bench.verdicts.length = 0;
  const pages = Number(bench.db.pragma('page_count', { simple: true }));
  bench.db.pragma(`max_page_count = ${pages}`);
  const good = await wearable.next();
  const payload = new Uint8Array(4000);
  const large = await Promise.all([5, 6, 7, 8].map((seq) => wearable.sign({ seq, contentType: 0, payload })));
  const results = await Promise.allSettled([good, ...large].map((bytes) => bench.submit(wearable, bytes)));
  for (const result of results) expect(result).toMatchObject({ reason: { code: 'disk-full' } });
  expect(bench.verdicts).toEqual([]);
  expect(await bench.log.reader.size()).toBe(1);
  bench.db.pragma('max_page_count = 1000000');
  expect(await bench.submit(wearable, good)).toMatchObject({ kind: 'accept', index: 1 });
});
