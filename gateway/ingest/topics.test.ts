import { describe, expect, test } from 'vitest';
import { deviceOfStatementsTopic, maySubscribe } from './topics.ts';

const DEVICE = 'urn:dev:mac:0123456789ab';

test('the device of a statements topic', () => {
  expect(deviceOfStatementsTopic(`wearables/${DEVICE}/statements`)).toBe(DEVICE);
});

test.each([
  '',
  '/',
  'wearables',
  'wearables//statements',
  `wearables/${DEVICE}`,
  `wearables/${DEVICE}/`,
  `wearables/${DEVICE}/acks`,
  `wearables/${DEVICE}/statements/`,
  `wearables/${DEVICE}/statements/x`,
  `/wearables/${DEVICE}/statements`,
  `wearables/${DEVICE}\u0000/statements`,
  `wearables/ ${DEVICE}/statements`,
  `wearables/${DEVICE}\n/statements`,
  `wearables/${DEVICE.toUpperCase()}/statements`,
  'wearables/__proto__/statements',
  'wearables/+/statements',
  `wearables/urn:dev:os:1-${'x'.repeat(200)}/statements`,
])('%j names no device', (topic) => {
  expect(deviceOfStatementsTopic(topic)).toBeUndefined();
});

describe('subscriptions', () => {
  test.each([`wearables/${DEVICE}/acks`, `wearables/${DEVICE}/requests`, 'wearables/beacon'])(
    '%s may be subscribed to',
    (filter) => expect(maySubscribe(DEVICE, filter)).toBe(true),
  );

  test.each([
    '#',
    '+/+/+',
    'wearables/#',
    'wearables/+/acks',
    `wearables/${DEVICE}/#`,
    `wearables/${DEVICE}/+`,
    `wearables/${DEVICE}/statements`,
    `wearables/${DEVICE}0/acks`,
    `$share/g/wearables/${DEVICE}/acks`,
    '$SYS/#',
    'wearables/beacon/',
  ])('%s may not', (filter) => expect(maySubscribe(DEVICE, filter)).toBe(false));
});
