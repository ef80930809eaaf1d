/** When and why trust ends: rotation, retirement and revocation now, since an earlier time, and at a time to come. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesToHex } from '../../src/bytes.ts';
import { keyId } from '../../src/cose/key.ts';
import { type DeviceEventStatement, decodeLogStatement } from '../../src/log-statement.ts';
import { keyText, LogBench } from '../testing/log-bench.ts';
import { signerFrom, Wearable } from '../testing/wearable.ts';

const DAY = 86_400;
const HOUR_MS = 3_600_000;

let bench: LogBench;
let wearable: Wearable;
const device = 'urn:dev:mac:000000000001';
const next = signerFrom('next key');
const kid = bytesToHex(keyId(new Wearable(1).signer.publicKey));
const nextKid = bytesToHex(keyId(next.publicKey));
const rotate = { action: 'rotate', device, key: keyText(next.publicKey) };

beforeEach(async () => {
  bench = new LogBench();
  wearable = new Wearable(1);
  await bench.enrol(wearable);
});

afterEach(() => bench.close());

const now = () => Math.floor(bench.clock.now() / 1000);
const keys = () => {
  const row = bench.log.registry.device(device);
  return bench.log.registry.keys
    .of(row?.id ?? -1)
    .map(({ kid, retiredAt, endedFrom, endReason, endedSize }) => ({
      kid: bytesToHex(kid),
      retiredAt,
      endedFrom,
      endReason,
      endedSize,
    }));
};

/** The events of the log behind the enrolment, without what all of them have. */
async function recorded(): Promise<Partial<DeviceEventStatement>[]> {
  const events: Partial<DeviceEventStatement>[] = [];
  for (let index = 1; index < (await bench.log.reader.size()); index++) {
    const entry = await bench.log.reader.entry(index);
    if (entry?.kind !== 'device-event') continue;
    const decoded = decodeLogStatement(entry.bytes as Uint8Array);
    if (decoded.kind === 'reject' || decoded.value.kind !== 'device-event') throw new Error('no event');
    const { event, time, effective, reason } = decoded.value;
    events.push({ event, time, ...(effective && { effective }), ...(reason && { reason }) });
  }
  return events;
}

test('a rotation adds the new key and retires the old one in one step', async () => {
  expect(await bench.request(rotate)).toEqual(['']);
  expect(keys()).toMatchObject([
    { kid, retiredAt: bench.clock.now(), endedFrom: bench.clock.now(), endedSize: 2 },
    { kid: nextKid, retiredAt: undefined, endedFrom: undefined },
  ]);
  expect((await recorded()).map(({ event }) => event)).toEqual(['add-key', 'retire-key']);
  expect(await bench.submit(device, await wearable.next())).toMatchObject({ code: 'retired-key' });
  expect(await bench.submit(device, await wearable.sign({}, next))).toMatchObject({ kind: 'accept' });
});

test('a statement under way while its key is rotated out is refused by the commit', async () => {
  const bytes = await wearable.next();
  bench.registry.find(device); // what the intake knows is older than the rotation
  bench.log.registry.requests.add([JSON.stringify(rotate)]);
  const rotation = bench.log.deviceEvents.process();
  const verdicts = await Promise.all([bench.submit(device, bytes), rotation]);
  // Whichever came first: an accepted one stands before the retirement in the log.
  const verdict = verdicts[0];
  const events = await recorded();
  expect(events).toHaveLength(2);
  if (verdict.kind === 'accept') expect(verdict.index).toBeLessThan(3);
  else expect(verdict).toMatchObject({ code: 'retired-key' });
  expect(await bench.submit(device, await wearable.next())).toMatchObject({ code: 'retired-key' });
});

describe('since an earlier time', () => {
  test('a key: refused from now on, with that time and reason in its event', async () => {
    await bench.log.sealer.seal(undefined);
    bench.clock.advance(2 * HOUR_MS);
    await bench.submit(device, await wearable.next());
    const effective = now() - 3600;
    const request = { ...rotate, effective, reason: 'compromised' };
    expect(await bench.request(request)).toEqual(['']);
    expect((await recorded()).at(-1)).toEqual({
      event: 'retire-key',
      time: now(),
      effective,
      reason: 'compromised',
    });
    // Of the three entries before, the newest checkpoint of an hour ago covers two.
    expect(keys()[0]).toMatchObject({ endedFrom: effective * 1000, endReason: 'compromised', endedSize: 2 });
    expect(await bench.submit(device, await wearable.next())).toMatchObject({ code: 'retired-key' });
    expect(bench.log.registry.lists.countSince(1, effective * 1000)).toBe(1);
  });

  test('a device', async () => {
    const effective = now() - DAY;
    expect(await bench.request({ action: 'revoke', device, effective, reason: 'lost' })).toEqual(['']);
    expect(await recorded()).toEqual([{ event: 'revoke', time: now(), effective, reason: 'lost' }]);
    expect(bench.log.registry.device(device)).toMatchObject({
      status: 'revoked',
      status_at: bench.clock.now(),
      ended_from: effective * 1000,
      end_reason: 'lost',
      ended_size: 0,
    });
    expect(await bench.submit(device, await wearable.next())).toMatchObject({ code: 'revoked-device' });
  });

  test('a device that is revoked can lose more trust, and none comes back', async () => {
    const revoke = (fields: object) => bench.request({ action: 'revoke', device, ...fields });
    const forGood = [`${device} has been revoked, for good`];
    expect(await revoke({ reason: 'decommissioned' })).toEqual(['']);
    expect(await revoke({ reason: 'superseded' })).toEqual(forGood);
    expect(await revoke({ effective: now() - DAY, reason: 'decommissioned' })).toEqual(['']);
    expect(await revoke({ effective: now() - 5, reason: 'stolen' })).toEqual(['']);
    expect(await revoke({ effective: now() - 5, reason: 'stolen' })).toEqual(forGood);
    expect(await revoke({ effective: now() - DAY - 1, reason: 'decommissioned' })).toEqual(['']);
    expect(await bench.request({ action: 'resume', device })).toEqual(forGood);
    expect(bench.log.registry.device(device)).toMatchObject({
      ended_from: (now() - DAY - 1) * 1000,
      end_reason: 'stolen',
    });
  });

  test('a key that was retired in good order can turn out to be compromised', async () => {
    const retire = (fields: object) => bench.request({ action: 'retire-key', device, ...fields });
    await bench.request(rotate);
    const none = [`${device} has no such key in use`];
    expect(await retire({ kid })).toEqual(none);
    expect(await retire({ kid, reason: 'compromised', effective: now() - DAY })).toEqual(['']);
    expect(await retire({ kid, reason: 'superseded' })).toEqual(none);
    expect(keys()[0]).toMatchObject({ endedFrom: (now() - DAY) * 1000, endReason: 'compromised' });
    expect(await retire({})).toEqual(['']); // the others: one that is retired is not retired again
    expect(keys()[0]).toMatchObject({ endedFrom: (now() - DAY) * 1000, endReason: 'compromised' });
  });
});

describe('at a time to come', () => {
  const at = () => now() + 7 * DAY;

  test('the old key is taken until then, and retired with no further step', async () => {
    const effective = at();
    expect(await bench.request({ ...rotate, effective, reason: 'superseded' })).toEqual(['']);
    expect((await recorded()).map(({ event }) => event)).toEqual(['add-key']); // a plan is no event
    bench.clock.set(effective * 1000 - 1);
    await bench.log.deviceEvents.process();
    expect(await bench.submit(device, await wearable.next())).toMatchObject({ kind: 'accept' });
    bench.clock.set(effective * 1000);
    await bench.log.deviceEvents.process();
    expect(await bench.submit(device, await wearable.next())).toMatchObject({ code: 'retired-key' });
    expect((await recorded()).at(-1)).toEqual({
      event: 'retire-key',
      time: effective,
      reason: 'superseded',
    });
    expect(keys()).toMatchObject([
      { kid, retiredAt: effective * 1000 },
      { kid: nextKid, retiredAt: undefined },
    ]);
  });

  test('also when the gateway was away at that time: the event says since when', async () => {
    const effective = at();
    await bench.request({ ...rotate, effective });
    const { folder } = bench;
    await bench.log.close();
    bench.db.close();
    const first = bench;
    bench = new LogBench({ folder });
    bench.clock.set((effective + 3600) * 1000);
    await bench.log.deviceEvents.process(); // as at every start, before anything is taken
    expect((await recorded()).at(-1)).toEqual({ event: 'retire-key', time: effective + 3600, effective });
    expect(keys()[0]).toMatchObject({ retiredAt: (effective + 3600) * 1000, endedFrom: effective * 1000 });
    expect(await bench.submit(device, await wearable.next())).toMatchObject({ code: 'retired-key' });
    const close = bench.close.bind(bench);
    bench.close = async () => {
      await close();
      await first.close();
    };
  });

  test('a clock that goes back afterwards brings no key back', async () => {
    const effective = at();
    await bench.request({ ...rotate, effective });
    bench.clock.set(effective * 1000);
    await bench.log.deviceEvents.process();
    bench.clock.advance(-HOUR_MS);
    await bench.log.deviceEvents.process();
    bench.registry.invalidate(device);
    expect(await bench.submit(device, await wearable.next())).toMatchObject({ code: 'retired-key' });
    expect(keys()[0]?.retiredAt).toBe(effective * 1000);
  });

  test('a clock that goes back while it is being retired ends in nothing endless', async () => {
    const effective = at();
    await bench.request({ ...rotate, effective });
    await bench.log.deviceEvents.process(effective * 1000); // the clock itself is a week behind that
    expect(keys()[0]).toMatchObject({ retiredAt: effective * 1000 });
  });

  test('can be taken back, set anew, and done at once', async () => {
    const none = [`${device} has no such key that is to be retired`];
    expect(await bench.request({ action: 'keep-key', device })).toEqual(none);
    await bench.request({ ...rotate, effective: at() });
    expect(await bench.request({ action: 'keep-key', device, kid: nextKid })).toEqual(none);
    expect(await bench.request({ action: 'keep-key', device, kid })).toEqual(['']);
    expect(keys()[0]).toMatchObject({ retiredAt: undefined, endedFrom: undefined });
    await bench.request({ action: 'retire-key', device, kid, effective: at() });
    await bench.request({ action: 'retire-key', device, kid, effective: at() + 5 });
    expect(bench.log.registry.keys.nextRetirement()).toBe((at() + 5) * 1000);
    await bench.request({ action: 'retire-key', device, kid });
    expect(keys()[0]).toMatchObject({ retiredAt: bench.clock.now(), endedFrom: bench.clock.now() });
    expect(bench.log.registry.keys.nextRetirement()).toBeUndefined();
  });

  test('is dropped when the device is revoked before', async () => {
    const effective = at();
    await bench.request({ ...rotate, effective }, { action: 'revoke', device });
    const size = await bench.log.reader.size();
    bench.clock.set(effective * 1000);
    await bench.log.deviceEvents.process();
    expect(await bench.log.reader.size()).toBe(size);
    expect(bench.log.registry.keys.nextRetirement()).toBeUndefined();
  });

  test('is nothing for a key in other hands, nor for a revocation', async () => {
    expect(
      await bench.request(
        { ...rotate, effective: at(), reason: 'stolen' },
        { action: 'revoke', device, effective: at() },
      ),
    ).toEqual([
      'a key that is stolen is retired at once; only one in good hands can wait for a time to come',
      'a revocation takes effect at once; retire the keys to end their use at a time to come',
    ]);
    expect(await bench.log.reader.size()).toBe(1);
  });
});

test.each([
  ['a reason that is none', { reason: 'mood' }, /^reason: must be one of superseded, /],
  ['a time with a fraction', { effective: 1.5 }, /^effective: must be whole seconds since 1970$/],
  ['a time before 1970', { effective: -1 }, /^effective: /],
  ['a time as text', { effective: '2026' }, /^effective: /],
])('a request with %s is refused', async (_name, fields, why) => {
  const [outcome] = await bench.request({ action: 'revoke', device, ...fields });
  expect(outcome).toMatch(why);
  expect(bench.log.registry.device(device)?.status).toBe('active');
});

test('a rotation to a key the device has, or from one it has not, changes nothing', async () => {
  expect(
    await bench.request(
      { ...rotate, key: keyText(wearable.signer.publicKey) },
      { ...rotate, kid: '0'.repeat(16) },
    ),
  ).toEqual([`${device} has this key already`, `${device} has no such key in use`]);
  expect(await bench.log.reader.size()).toBe(1);
});
