import { describe, expect, test } from 'vitest';
import { SetClock } from '../testing/clock.ts';
import { DEFAULT_LIMITS } from '../testing/default-limits.ts';
import { addressGroup } from './address.ts';
import { Admission, type AdmissionLimits, type Admitted } from './admission.ts';
import { TokenBucket } from './token-bucket.ts';

const HERE = '192.0.2.1';
const THERE = '192.0.2.2';
const at = (address: string, openedAt = 0): Admitted => ({ address, openedAt });

function admissionOf(limits: Partial<AdmissionLimits> = {}) {
  const clock = new SetClock();
  return { clock, admission: new Admission<Admitted>({ ...DEFAULT_LIMITS, ...limits }, clock) };
}

describe('by address', () => {
  test('so many connections, and one more when one has gone; another address has its own', () => {
    const { admission } = admissionOf({ connectionsPerAddress: 2 });
    const first = at(HERE);
    expect([admission.arrive(first), admission.arrive(at(HERE))]).toEqual([{}, {}]);
    expect(admission.arrive(at(HERE))).toEqual({ refused: 'address-connections' });
    expect(admission.arrive(at(THERE))).toEqual({});
    admission.leave(first, undefined);
    expect(admission.arrive(at(HERE))).toEqual({});
  });

  test('who does not say who he is loses his place to the next; who has said it keeps it', () => {
    const { admission, clock } = admissionOf({ pendingPerAddress: 2 });
    const now = clock.now();
    const [known, silent, other] = [at(HERE, now), at(HERE, now), at(HERE, now + 1)];
    admission.arrive(known);
    admission.identified(known, 'a');
    admission.arrive(silent);
    expect(admission.arrive(other)).toEqual({});
    clock.advance(2_999);
    expect(admission.arrive(at(HERE, now + 2_999))).toEqual({ refused: 'address-connections' });
    clock.advance(1);
    expect(admission.arrive(at(HERE, now + 3_000)).evict).toBe(silent);
  });

  test('so many new ones a second in the long run, ten times as many at once', () => {
    const { admission, clock } = admissionOf({ connectsPerSecondPerAddress: 5 });
    const come = () => admission.arrive(at(HERE)).refused ?? 'in';
    const rush = Array.from({ length: 60 }, come);
    expect(rush).toEqual([...Array(50).fill('in'), ...Array(10).fill('connect-rate')]);
    expect(admission.arrive(at(THERE))).toEqual({});
    clock.advance(1_000);
    expect(Array.from({ length: 6 }, come)).toEqual([...Array(5).fill('in'), 'connect-rate']);
  });

  test('too many failures shut it out, longer each time; those that have proven themselves from there come in', () => {
    const { admission, clock } = admissionOf({ failuresPerMinutePerAddress: 3 });
    admission.proven(HERE, 'known');
    const mayTry = () => [admission.mayTry(HERE, 'known'), admission.mayTry(HERE, 'new')];
    for (let i = 0; i < 3; i++) admission.failed(HERE);
    expect(mayTry()).toEqual([true, true]);
    admission.failed(HERE);
    expect([mayTry(), admission.mayTry(THERE, 'new')]).toEqual([[true, false], true]);
    clock.advance(999);
    expect(mayTry()).toEqual([true, false]);
    clock.advance(1);
    expect(mayTry()).toEqual([true, true]);
    admission.failed(HERE);
    clock.advance(1_999);
    expect(mayTry()).toEqual([true, false]);
    clock.advance(1);
    expect(mayTry()).toEqual([true, true]);
  });

  test('while it is shut out it connects at a tenth of the rate', () => {
    const { admission, clock } = admissionOf({
      failuresPerMinutePerAddress: 1,
      connectsPerSecondPerAddress: 10,
    });
    for (let i = 0; i < 12; i++) admission.failed(HERE);
    const come = () => admission.arrive(at(HERE)).refused ?? 'in';
    expect(Array.from({ length: 11 }, come).filter((answer) => answer === 'in')).toHaveLength(10);
    clock.advance(1_000);
    expect([come(), come()]).toEqual(['in', 'connect-rate']);
  });

  test('addresses by the thousand are forgotten again, but none that has a connection', () => {
    const { admission } = admissionOf({ connectionsPerAddress: 1 });
    admission.arrive(at(HERE));
    for (let i = 0; i < 25_000; i++) admission.failed(`198.51.100.${i}`);
    expect(admission.arrive(at(HERE))).toEqual({ refused: 'address-connections' });
  });
});

describe('by device', () => {
  test('a connection too many closes the oldest', () => {
    const { admission } = admissionOf({ connectionsPerDevice: 2 });
    const all = [at(HERE), at(HERE), at(THERE)];
    const evicted = all.map((connection) => admission.identified(connection, 'a').evict);
    expect(evicted).toEqual([undefined, undefined, all[0]]);
    admission.leave(all[0] as Admitted, 'a');
    expect(admission.connectionsOf('a')).toEqual([all[1], all[2]]);
    expect(admission.identified(at(HERE), 'b')).toEqual({});
  });

  test('who reconnects in a loop waits longer and longer, from that address', () => {
    const { admission, clock } = admissionOf({ connectsPerMinutePerDevice: 2 });
    const connect = (address = HERE) => {
      if (!admission.mayTry(address, 'a')) return 'shut-out';
      const connection = at(address);
      const { refused = 'in' } = admission.identified(connection, 'a');
      admission.leave(connection, 'a');
      return refused;
    };
    expect([connect(), connect(), connect(), connect()]).toEqual(['in', 'in', 'reconnect-rate', 'shut-out']);
    expect(connect(THERE)).toBe('in');
    clock.advance(1_000);
    expect([connect(), connect()]).toEqual(['reconnect-rate', 'shut-out']);
    clock.advance(1_999);
    expect(connect()).toBe('shut-out');
    clock.advance(30_000);
    expect(connect()).toBe('in');
  });

  test('whoever fails to be a device shuts it out only where it has not proven itself', () => {
    const { admission } = admissionOf();
    admission.impersonated(HERE, 'new');
    expect(admission.mayTry(HERE, 'new')).toBe(false);
    admission.proven(HERE, 'known');
    admission.impersonated(HERE, 'known');
    expect(admission.mayTry(HERE, 'known')).toBe(true);
    expect(admission.abused(HERE, 'known')).toBe(1_000); // what it did itself counts all the same
    expect(admission.mayTry(HERE, 'known')).toBe(false);
  });
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ['garbage', '?'],
  [undefined, '?'],
])('%s counts as %s', (address, group) => expect(addressGroup(address)).toBe(group));

describe('a rate', () => {
  test('is a burst and then so much a second; a debt is paid by time', () => {
    const clock = new SetClock();
    const bucket = new TokenBucket(10, 20, clock);
    expect([bucket.spend(15), bucket.spend(5), bucket.spend(25)]).toEqual([0, 0, 2500]);
    clock.advance(2_500);
    expect([bucket.take(1), bucket.spend(0)]).toEqual([false, 0]);
    clock.advance(1_000);
    expect([bucket.take(10), bucket.take(1)]).toEqual([true, false]);
    clock.advance(3_600_000);
    expect([bucket.take(20), bucket.take(1)]).toEqual([true, false]);
  });

  test('a clock that goes back all the same gives nothing and takes nothing', () => {
    const clock = new SetClock();
    const bucket = new TokenBucket(10, 10, clock);
    bucket.spend(10);
    clock.advance(-3_600_000);
    expect(bucket.take(1)).toBe(false);
    clock.advance(1_000);
    expect(bucket.take(10)).toBe(true);
  });
});
