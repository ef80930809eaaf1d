/** What becomes of one statement, for every reason to refuse it and every algorithm. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesToHex } from '../../src/bytes.ts';
import { keyId } from '../../src/cose/key.ts';
import { hashEntry } from '../../src/statement.ts';
import { REJECT_CODES } from '../../src/verdict.ts';
import { keyText, LogBench } from '../testing/log-bench.ts';
import { ALGORITHMS, heartRate, signerFrom, spoil, Wearable } from '../testing/wearable.ts';
import { codeOf } from './testing/verdicts.ts';

let bench: LogBench;

beforeEach(() => {
  bench = new LogBench();
});

afterEach(() => bench.close());

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
