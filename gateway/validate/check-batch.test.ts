import { expect, test } from 'vitest';
import { keyId, type PublicKey } from '../../src/cose/key.ts';
import type { Signer } from '../../src/signature.ts';
import { hashEntry } from '../../src/statement.ts';
import { CheckedBatch, OUTCOME } from '../checked-batch.ts';
import type { DeviceStatus, EnrolledDevice } from '../ports.ts';
import { TEST_NOW_MS } from '../testing/clock.ts';
import { ALGORITHMS, heartRate, spoil, Wearable } from '../testing/wearable.ts';
import { checkBatch } from './check-batch.ts';
import { type Asked, makeCheckRequest } from './check-request.ts';
import { packKeys } from './packed-keys.ts';

interface Asking {
  readonly wearable: Wearable;
  readonly bytes: Uint8Array;
  readonly key?: PublicKey;
  /** What the registry says the key's id is. */
  readonly kid?: Uint8Array;
  readonly retiredAt?: number;
  readonly status?: DeviceStatus;
  readonly head?: Asked['head'];
  readonly isNotHeld?: boolean;
}

/** Nothing is held of it: whatever it sends is looked at. */
const FRESH = { boot: 0, next: 0 };

function ask({ wearable, bytes, ...rest }: Asking): Asked {
  const { key = wearable.signer.publicKey, kid = keyId(key), retiredAt, status = 'active' } = rest;
  const device = { id: 7, urn: wearable.urn, status, packedKeys: packKeys([{ ...key, kid, retiredAt }]) };
  return {
    inbound: { device: wearable.urn, bytes, receivedAt: TEST_NOW_MS },
    device: device as unknown as EnrolledDevice,
    head: 'head' in rest ? rest.head : FRESH,
    isNotHeld: rest.isNotHeld ?? false,
  };
}

/** What a thread finds of each: its outcome, or the code of its refusal. */
function check(...all: readonly Asking[]): (string | number)[] {
  const batch = new CheckedBatch(checkBatch(makeCheckRequest(all.map(ask))));
  const refusals = new Map(batch.data.refusals.map(({ at, code }) => [at, code]));
  return all.map((_, at) => refusals.get(at) ?? batch.outcome(at));
}

const { verified, maybeHeld } = OUTCOME;

test.each(ALGORITHMS)(
  '%s: two keys under one identifier are never taken for each other',
  async (algorithm) => {
    const [one, other] = [new Wearable(1, algorithm), new Wearable(2, algorithm)];
    const kid = keyId(one.signer.publicKey);
    /** Signs with its own key and names it as the registry does. */
    const named: Signer = { publicKey: one.signer.publicKey, sign: (message) => other.signer.sign(message) };
    const ofOne = { wearable: one, bytes: await one.sign() };
    const ofOther = { wearable: other, kid, bytes: await other.sign({}, named) };
    const forged = { wearable: other, kid, bytes: await other.sign({}, one.signer) };
    const back = { wearable: one, bytes: await one.sign({}, named) };
    const good = [verified, verified, 'bad-signature', 'bad-signature'];
    expect(check(ofOne, ofOther, forged, back)).toEqual(good);
    expect(check(forged, back, ofOther, ofOne)).toEqual([...good].reverse());
    for (const single of [ofOther, ofOne, ofOther]) expect(check(single)).toEqual([verified]);
    for (const single of [forged, back, forged]) expect(check(single)).toEqual(['bad-signature']);
  },
);

test('one key under two identifiers is one key', async () => {
  const wearable = new Wearable(1);
  const renamed: Signer = { ...wearable.signer, publicKey: new Wearable(2).signer.publicKey };
  const kid = keyId(renamed.publicKey);
  const bytes = await wearable.sign({}, { ...renamed, sign: (message) => wearable.signer.sign(message) });
  expect(check({ wearable, bytes, kid })).toEqual([verified]);
  expect(check({ wearable, bytes })).toEqual(['unknown-key']);
});

test('in one batch each message is judged by its own device, standing and keys', async () => {
  const all = await Promise.all(
    Array.from({ length: 9 }, async (_, at) => {
      const wearable = new Wearable(10 + at, ALGORITHMS[at % 3]);
      return { wearable, bytes: await wearable.sign({ seq: at }) };
    }),
  );
  const [a, b, c, d, e, f, g, h, i] = all;
  if (!a || !b || !c || !d || !e || !f || !g || !h || !i) throw new Error('nine');
  expect(
    check(
      a,
      { ...b, bytes: spoil(b.bytes) },
      { ...c, status: 'suspended' },
      { ...d, status: 'revoked' },
      { ...e, bytes: a.bytes },
      { ...f, retiredAt: TEST_NOW_MS },
      { ...g, retiredAt: TEST_NOW_MS + 1 },
      { ...h, bytes: h.bytes.subarray(1) },
      i,
    ),
  ).toEqual([
    verified,
    'bad-signature',
    'suspended-device',
    'revoked-device',
    'wrong-issuer',
    'retired-key',
    'retired-key', // by a clock that has gone back: what is retired stays so
    'malformed',
    verified,
  ]);
});

test('a number that may be held is not verified until the log has said that it is not', async () => {
  const wearable = new Wearable(1);
  const forged = { wearable, bytes: spoil(await wearable.sign({ seq: 5, boot: 2 })) };
  expect(check({ ...forged, head: undefined })).toEqual([maybeHeld]);
  expect(check({ ...forged, head: { boot: 2, next: 6 } })).toEqual([maybeHeld]);
  expect(check({ ...forged, head: { boot: 3, next: 0 } })).toEqual([maybeHeld]);
  expect(check({ ...forged, head: { boot: 2, next: 5 } })).toEqual(['bad-signature']);
  expect(check({ ...forged, head: { boot: 1, next: 9 } })).toEqual(['bad-signature']);
  for (const head of [undefined, { boot: 3, next: 0 }])
    expect(check({ ...forged, head, isNotHeld: true })).toEqual(['bad-signature']);
});

test('what is reported of a statement is what stands in it', async () => {
  const wearable = new Wearable(1);
  const prev = new Uint8Array(32).fill(3);
  const bytes = await wearable.sign({ seq: 5, boot: 2, prev, issuedAt: 99, payload: heartRate(999) });
  const first = await wearable.sign({ seq: 0 });
  const asked = [
    { wearable, bytes: first },
    { wearable, bytes },
  ].map(ask);
  const batch = new CheckedBatch(checkBatch(makeCheckRequest(asked)));
  expect([batch.boot(1), batch.seq(1), batch.issuedAt(1), batch.device(1), batch.receivedAt(1)]).toEqual([
    2,
    5,
    99,
    7,
    TEST_NOW_MS,
  ]);
  expect(batch.prev(1)).toEqual(prev);
  expect(batch.entry(1)).toEqual(hashEntry(bytes));
  expect(batch.bytes(1)).toEqual(bytes);
  expect(batch.kid(1)).toEqual(keyId(wearable.signer.publicKey));
  expect(batch.flags(1)).toEqual(['implausible']);
  expect(batch.entry(0)).toEqual(hashEntry(first));
});

test('an empty request has an empty answer', () => {
  expect(check()).toEqual([]);
});
