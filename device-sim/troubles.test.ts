import { expect, test } from 'vitest';
import type { DeviceEvent } from './device-event.ts';
import { Troubles } from './troubles.ts';

const down = { kind: 'trouble', reason: 'nothing listens' } as const;
const shutOut = { kind: 'trouble', reason: 'shut out for a while' } as const;
const connected = { kind: 'connected' } as const;
const sent = { kind: 'sent', boot: 0, seq: 0 } as const;
const unknown = { kind: 'answer', verdict: 'reject', flags: [], code: 'unknown-device' } as const;
const accepted = { kind: 'answer', verdict: 'accept', flags: [] } as const;
const acknowledged = { kind: 'acknowledged', boot: 0, seq: 0 } as const;

/** What is said while this happens to devices a, b, c. */
function said(...events: readonly (readonly [urn: string, event: DeviceEvent])[]): string[] {
  const troubles = new Troubles();
  return events.flatMap(([urn, event]) => troubles.hear({ ...event, urn }) ?? []);
}

test('a reason is told when the first device meets it and when the last has left it behind', () => {
  expect(
    said(['a', down], ['b', down], ['a', down], ['a', connected], ['a', acknowledged], ['b', connected]),
  ).toEqual(['a sends nothing: nothing listens', 'b sends again; over: nothing listens']);
});

test('it is told again when it comes back', () => {
  expect(said(['a', down], ['a', connected], ['a', down])).toHaveLength(3);
});

test('a device that is refused and shut out by turns is told of once, until something gets through', () => {
  const turns = [
    ['a', connected],
    ['a', unknown],
    ['a', shutOut],
  ] as const;
  expect(said(...turns, ...turns, ...turns)).toEqual([
    'a sends in vain: the gateway does not know the device; enrol it with vitalseal device enrol',
    'a sends in vain: shut out for a while',
  ]);
  expect(said(...turns, ...turns, ['a', connected], ['a', accepted]).at(-1)).toBe(
    'a sends again; over: the gateway does not know the device; enrol it with vitalseal device enrol; shut out for a while',
  );
});

test('an acknowledgement of a refused statement is no end of the trouble; of any other device it is', () => {
  expect(said(['a', unknown], ['a', acknowledged], ['a', unknown])).toHaveLength(1);
  expect(said(['a', down], ['a', acknowledged])).toHaveLength(2);
});

test('a device that waits to hear of what it sent is not helped by a connection', () => {
  const events = [
    ['a', connected],
    ['a', sent],
    ['a', shutOut],
    ['a', connected],
  ] as const;
  expect(said(...events)).toEqual(['a sends nothing: shut out for a while']);
  expect(said(...events, ['a', acknowledged]).at(-1)).toBe('a sends again; over: shut out for a while');
});

test('a refusal of one statement says nothing of the others', () => {
  expect(said(['a', { kind: 'answer', verdict: 'reject', flags: [], code: 'bad-payload' }])).toEqual([]);
});

test('attempts without a connection are counted by their reason', () => {
  const troubles = new Troubles();
  for (const urn of ['a', 'b', 'a']) troubles.hear({ ...down, urn });
  troubles.hear({ ...shutOut, urn: 'a' });
  expect(troubles.counts).toEqual({ 'nothing listens': 3, 'shut out for a while': 1 });
});
