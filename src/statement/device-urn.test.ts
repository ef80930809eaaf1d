import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDeviceUrn } from './device-urn.ts';

test.each([
  'urn:dev:mac:0024befffe804ff1',
  'urn:dev:mac:acde48234567019f',
  'urn:dev:ow:10e2073a01080063',
  'urn:dev:ow:264437f5000000ed_humidity',
  'urn:dev:ow:264437f5000000ed_temperature',
  'urn:dev:org:32473-foo',
  'urn:dev:os:32473-123456',
  'urn:dev:os:32473-12-34-56',
  'urn:dev:ops:32473-Refrigerator-5002',
  'urn:dev:example:new-1-2-3_comp',
  'urn:dev:example:a:b.c-D',
])('%s is a device URN (RFC 9039 sections 3 to 5)', (urn) => expect(isDeviceUrn(urn)).toBe(true));

test.each([
  '',
  'urn:dev:',
  'urn:dev:mac:',
  'urn:dev:mac:0',
  'urn:dev:mac:0024BEFFFE804FF1',
  'urn:dev:mac:0024befffe804ff1:x',
  'URN:DEV:mac:0024befffe804ff1',
  'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  'urn:dev:ow:zz',
  'urn:dev:org:032473-foo',
  'urn:dev:org:foo',
  'urn:dev:ops:32473-5002',
  'urn:dev:Example:x',
  'urn:dev:example:',
  'urn:dev:example:a::b',
  'urn:dev:example:a_',
  'urn:dev:example:a/b',
  'urn:dev:example:+',
  'urn:dev:example:#',
  'urn:dev:example:a b',
  'urn:dev:example:%41',
  'urn:dev:example:é',
  'urn:dev:example:a\n',
  '\nurn:dev:example:a',
  'urn:dev:example:a\u0000',
  'urn:dev:example:\ud800',
  `urn:dev:example:${'a'.repeat(113)}`,
])('%j is not', (text) => expect(isDeviceUrn(text)).toBe(false));

test('a URN of 128 characters is the longest', () => {
  expect(isDeviceUrn(`urn:dev:example:${'a'.repeat(112)}`)).toBe(true);
});

test('whatever is taken fits one level of an MQTT topic and a log line', () => {
  const piece = fc.constantFrom(
    'urn:dev:',
    'mac:',
    'example:',
    '00',
    'a',
    '-',
    '_',
    ':',
    '/',
    '+',
    '#',
    '\n',
    ' ',
    'é',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join('');
      if (isDeviceUrn(text)) expect(text).toMatch(/^[A-Za-z0-9.:_-]{10,128}$/);
    }),
    { numRuns: 2000 },
  );
});

test('hostile text is judged in linear time', () => {
  for (const unit of ['a:', 'a-', '00', ':', '_a']) {
    expect(isDeviceUrn(`urn:dev:example:${unit.repeat(1_000_000)}`)).toBe(false);
    expect(isDeviceUrn(`urn:dev:os:1-${unit.repeat(55)}!`)).toBe(false);
  }
});
