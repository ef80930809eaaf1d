import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bytesToHex } from '../../src/bytes.ts';
import { CborFloat, type CborValue, encodeCbor } from '../../src/cbor.ts';
import { keyId } from '../../src/cose/key.ts';
import { hashEntry } from '../../src/statement.ts';
import { REJECT_CODES } from '../../src/verdict.ts';
import type { Verdict } from '../ports.ts';
import { keyText, LogBench } from '../testing/log-bench.ts';
import { ALGORITHMS, heartRate, signerFrom, spoil, Wearable } from '../testing/wearable.ts';

let bench: LogBench;

beforeEach(() => {
  bench = new LogBench();
});

afterEach(() => bench.close());

const codeOf = (verdict: Verdict): string => (verdict.kind === 'accept' ? 'accept' : verdict.code);
const logSize = () => bench.count('entries', "kind = 'statement'");
const kidOf = (wearable: Wearable) => bytesToHex(keyId(wearable.signer.publicKey));

/** The same statement with the two-byte encoding of a one-byte length: CBOR, but not its shortest form. */
function lengthen(bytes: Uint8Array): Uint8Array {
  const at = 2; // tag 18, array of four, then the byte string of the protected header: 58 <length>
  if (bytes[0] !== 0xd2 || bytes[1] !== 0x84 || bytes[at] !== 0x58) throw new Error('not as expected');
  return Uint8Array.from([0xd2, 0x84, 0x59, 0, bytes[at + 1] as number, ...bytes.subarray(at + 2)]);
}

/** Sends, and says what came of it: the code, the rows of the log, the rows of quarantine with their code. */
async function outcome(wearable: Wearable | string, bytes: Uint8Array): Promise<object> {
  const before = logSize();
  const verdict = await bench.submit(wearable, bytes);
  const device = typeof wearable === 'string' ? wearable : wearable.urn;
  const entry = bytesToHex(hashEntry(bytes));
  const rows = bench.log.quarantine.list(1000, device).filter((row) => bytesToHex(row.entry) === entry);
  for (const row of rows) expect(row.length).toBe(bytes.length);
  return { code: codeOf(verdict), appended: logSize() - before, quarantined: rows.map((row) => row.code) };
}

const refused = (code: string) => ({ code, appended: 0, quarantined: [code] });

describe.each(ALGORITHMS)('%s', (algorithm) => {
  let wearable: Wearable;

  beforeEach(async () => {
    wearable = new Wearable(1, algorithm);
    await bench.enrol(wearable);
  });

  test('a statement is accepted once, and its exact bytes are in the log', async () => {
    const bytes = await wearable.next();
    expect(await bench.submit(wearable, bytes)).toEqual({
      kind: 'accept',
      index: 1,
      boot: 0,
      seq: 0,
      flags: [],
    });
    expect(await bench.submit(wearable, bytes)).toEqual({ kind: 'ignore', code: 'duplicate', index: 1 });
    expect((await bench.log.reader.entry(1))?.bytes).toEqual(bytes);
    expect(logSize()).toBe(1);
  });

  test('malformed', async () => {
    const valid = await wearable.next();
    for (const bytes of [
      new Uint8Array(0),
      Uint8Array.of(0),
      new TextEncoder().encode('{"hr": 60}'),
      valid.subarray(0, valid.length - 1),
      Uint8Array.from([...valid, 0]),
      new Uint8Array(4096).fill(0x9f),
    ]) {
      expect(await outcome(wearable, bytes)).toEqual(refused('malformed'));
    }
  });

  test('malformed payload of a known content type, but only when the device truly signed it', async () => {
    const bytes = await wearable.sign({ payload: Uint8Array.of(0xff) });
    expect(await outcome(wearable, bytes)).toEqual(refused('malformed'));
    expect(await outcome(wearable, spoil(bytes))).toEqual(refused('bad-signature'));
  });

  test('not-deterministic, of the statement and of its payload', async () => {
    expect(await outcome(wearable, lengthen(await wearable.sign()))).toEqual(refused('not-deterministic'));
    const payload = Uint8Array.from([0x9f, ...heartRate(60).subarray(1), 0xff]);
    expect(await outcome(wearable, await wearable.sign({ payload }))).toEqual(refused('not-deterministic'));
  });

  test('oversize, whatever it is', async () => {
    const bytes = await wearable.sign({ contentType: 0, payload: new Uint8Array(5000) });
    expect(await outcome(wearable, bytes)).toEqual(refused('oversize'));
    expect(await outcome(wearable, new Uint8Array(4097))).toEqual(refused('oversize'));
  });

  test('unknown-device', async () => {
    const stranger = new Wearable(99, algorithm);
    expect(await outcome(stranger, await stranger.next())).toEqual(refused('unknown-device'));
  });

  test('unknown-key: a key of another, of no one, or of another algorithm', async () => {
    const other = new Wearable(2, algorithm);
    await bench.enrol(other);
    expect(await outcome(wearable, await wearable.sign({}, other.signer))).toEqual(refused('unknown-key'));
    for (const stranger of ALGORITHMS) {
      const bytes = await wearable.sign({}, signerFrom('nobody', stranger));
      expect(await outcome(wearable, bytes)).toEqual(refused('unknown-key'));
    }
    // The key's id, but another algorithm in the header: the id alone must not choose how to verify.
    const [own, lie] = [await wearable.sign(), ALGORITHMS.find((name) => name !== algorithm)];
    const id = { Ed25519: 0x32, ESP256: 0x28, ES256K: 0x38 };
    const relabelled = Uint8Array.from(own);
    if (algorithm !== 'ES256K' && lie !== undefined && lie !== 'ES256K') {
      expect(relabelled[6]).toBe(id[algorithm]);
      relabelled[6] = id[lie];
      expect(await outcome(wearable, relabelled)).toEqual(refused('unknown-key'));
    }
  });

  test('retired-key: from the moment of its retirement on', async () => {
    const bytes = await wearable.next();
    const kid = kidOf(wearable);
    expect(await bench.request({ action: 'retire-key', device: wearable.urn, kid })).toEqual(['']);
    expect(await outcome(wearable, bytes)).toEqual(refused('retired-key'));
    const fresh = signerFrom('fresh', algorithm);
    await bench.request({ action: 'add-key', device: wearable.urn, key: keyText(fresh.publicKey) });
    expect(codeOf(await bench.submit(wearable, await wearable.sign({}, fresh)))).toBe('accept');
  });

  test('revoked-device', async () => {
    await bench.request({ action: 'revoke', device: wearable.urn });
    expect(await outcome(wearable, await wearable.next())).toEqual(refused('revoked-device'));
  });

  test('suspended-device, until it is resumed', async () => {
    await bench.request({ action: 'suspend', device: wearable.urn });
    const bytes = await wearable.next();
    expect(await outcome(wearable, bytes)).toEqual(refused('suspended-device'));
    await bench.request({ action: 'resume', device: wearable.urn });
    expect(codeOf(await bench.submit(wearable, bytes))).toBe('accept');
  });

  test('bad-signature: any flipped bit of the signature, the payload or the header', async () => {
    const bytes = await wearable.next();
    expect(await outcome(wearable, spoil(bytes))).toEqual(refused('bad-signature'));
    for (const at of [bytes.length - 64, bytes.length - 33, bytes.length - 68]) {
      const forged = Uint8Array.from(bytes);
      forged[at] = (forged[at] as number) ^ 0x10;
      const result = await outcome(wearable, forged);
      expect(result).toMatchObject({ appended: 0 });
      expect(['bad-signature', 'malformed']).toContain((result as { code: string }).code);
    }
    expect(logSize()).toBe(0);
    expect(codeOf(await bench.submit(wearable, bytes))).toBe('accept');
  });

  test('wrong-issuer: another device in the topic', async () => {
    const other = new Wearable(2, algorithm);
    await bench.enrol(other);
    expect(await outcome(other, await wearable.next())).toEqual(refused('wrong-issuer'));
  });

  test('equivocation: both statements are kept, the device is suspended, and the log tells of it', async () => {
    const first = await wearable.next();
    const second = await wearable.sign({ payload: heartRate(190) });
    await bench.submit(wearable, first);
    expect(await outcome(wearable, second)).toEqual(refused('equivocation'));
    expect(bench.registry.find(wearable.urn)?.status).toBe('suspended');
    expect((await bench.log.reader.findStatement(wearable.urn, 0, 0))?.bytes).toEqual(first);
    await bench.log.deviceEvents.process();
    expect(bench.count('entries', "kind = 'device-event'")).toBe(2);
    expect(await outcome(wearable, await wearable.next())).toEqual(refused('suspended-device'));
    // The same bytes again: still a duplicate and no reason to worry.
    expect(codeOf(await bench.submit(wearable, first))).toBe('duplicate');
  });

  test('a flipped s is a second statement for the number, never a second reading', async () => {
    if (algorithm === 'Ed25519') return; // S is canonical there: a flipped one is a bad signature
    const orders = {
      ESP256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
      ES256K: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
    };
    const bytes = await wearable.next();
    const flipped = Uint8Array.from(bytes);
    const s = BigInt(`0x${bytesToHex(bytes.subarray(-32))}`);
    flipped.set(
      Buffer.from((orders[algorithm] - s).toString(16).padStart(64, '0'), 'hex'),
      bytes.length - 32,
    );
    expect(codeOf(await bench.submit(wearable, bytes))).toBe('accept');
    expect(codeOf(await bench.submit(wearable, flipped))).toBe('equivocation');
    expect(logSize()).toBe(1);
  });
});

test('every reject code is reached by a test of this file', () => {
  const reached = [
    'malformed',
    'not-deterministic',
    'oversize',
    'unknown-device',
    'unknown-key',
    'retired-key',
    'revoked-device',
    'suspended-device',
    'bad-signature',
    'wrong-issuer',
    'equivocation',
  ];
  expect(reached).toEqual([...REJECT_CODES]);
});

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

describe('in flight together', () => {
  let wearable: Wearable;

  beforeEach(async () => {
    wearable = new Wearable(1);
    await bench.enrol(wearable);
  });

  test('the same statement many times over is accepted once', async () => {
    const bytes = await wearable.next();
    const verdicts = await Promise.all(Array.from({ length: 40 }, () => bench.submit(wearable, bytes)));
    expect(verdicts.filter((verdict) => verdict.kind === 'accept')).toHaveLength(1);
    expect(verdicts.filter((verdict) => codeOf(verdict) === 'duplicate')).toHaveLength(39);
    expect(logSize()).toBe(1);
  });

  test('two different statements under one number: one reading, one equivocation', async () => {
    const both = await Promise.all([wearable.sign(), wearable.sign({ payload: heartRate(61) })]);
    const verdicts = await Promise.all(both.map((bytes) => bench.submit(wearable, bytes)));
    expect(verdicts.map(codeOf).sort()).toEqual(['accept', 'equivocation']);
    expect(logSize()).toBe(1);
  });

  test('one clone after another in one commit: the first is the equivocation, the rest come from a suspended device', async () => {
    const all = await Promise.all(
      [60, 61, 62, 63].map((rate) => wearable.sign({ payload: heartRate(rate) })),
    );
    const verdicts = await Promise.all(all.map((bytes) => bench.submit(wearable, bytes)));
    expect(verdicts.map(codeOf)).toEqual(['accept', 'equivocation', 'suspended-device', 'suspended-device']);
    await bench.log.deviceEvents.process();
    expect(bench.count('entries', "kind = 'device-event'")).toBe(2);
  });

  const change = {
    'revoked-device': () => bench.log.registry.setStatus(idOf(), 'revoked', bench.clock.now()),
    'suspended-device': () => bench.log.registry.setStatus(idOf(), 'suspended', bench.clock.now()),
    'retired-key': () =>
      bench.log.registry.keys.retire(idOf(), keyId(wearable.signer.publicKey), bench.clock.now()),
  };
  const idOf = () => bench.log.registry.device(wearable.urn)?.id ?? -1;

  test.each(Object.entries(change))(
    '%s: what was checked before the change and commits after it is refused',
    async (code, apply) => {
      const [held, fresh] = [await wearable.next(), await wearable.next()];
      await bench.submit(wearable, held);
      const clone = await wearable.sign({ payload: heartRate(61) });
      const changed = bench.log.committer.run(apply);
      // Checked now, against what is committed; committed in the same transaction as the change, after it.
      const verdicts = [held, fresh, clone].map((bytes) => bench.submit(wearable, bytes));
      await changed;
      expect((await Promise.all(verdicts)).map(codeOf)).toEqual(['duplicate', code, code]);
      expect(logSize()).toBe(1);
      expect(bench.log.quarantine.list(5).map((row) => row.code)).toEqual([code, code]);
    },
  );

  test('a hundred of one device, sent at once, are one commit in the order they came', async () => {
    await bench.submit(wearable, await wearable.next()); // from now on it is known how far the device has come
    const statements = await wearable.skip(100);
    bench.commits.length = 0;
    const verdicts = await Promise.all(statements.map((bytes) => bench.submit(wearable, bytes)));
    expect(verdicts.map((verdict) => verdict.kind === 'accept' && verdict.seq)).toEqual(
      statements.map((_, at) => at + 1),
    );
    expect(verdicts.every((verdict) => verdict.kind === 'accept' && verdict.flags.length === 0)).toBe(true);
    expect(bench.commits).toEqual([100]);
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
