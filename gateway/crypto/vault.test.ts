import { expect, test } from 'vitest';
import { GatewayError } from '../errors.ts';
import { open, seal, Vault } from './vault.ts';

const key = new Uint8Array(32).fill(1);
const context = Buffer.from('entry 7');
const text = Buffer.from('a heart rate of 60');

test('what was sealed opens with the same key in the same place', () => {
  const sealed = seal(key, text, context);
  expect(sealed.length).toBe(text.length + 24 + 16);
  expect(open(key, sealed, context)).toEqual(Uint8Array.from(text));
  expect(open(key, seal(key, new Uint8Array(0), context), context)).toEqual(new Uint8Array(0));
});

test('every sealing differs', () => {
  const all = new Set(
    Array.from({ length: 100 }, () => Buffer.from(seal(key, text, context)).toString('hex')),
  );
  expect(all.size).toBe(100);
});

test('no nonce comes twice, across many more sealings than are fetched from the system at once', () => {
  const nonces = new Set<string>();
  for (let n = 0; n < 3000; n++)
    nonces.add(Buffer.from(seal(key, new Uint8Array(1), new Uint8Array(0)).subarray(0, 24)).toString('hex'));
  expect(nonces.size).toBe(3000);
});

test('any flipped bit, another key, another place or missing bytes do not open', () => {
  const sealed = seal(key, text, context);
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const spoilt = Uint8Array.from(sealed);
    spoilt[bit >> 3] = (spoilt[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(open(key, spoilt, context)).toBeUndefined();
  }
  expect(open(new Uint8Array(32), sealed, context)).toBeUndefined();
  expect(open(key, sealed, Buffer.from('entry 8'))).toBeUndefined();
  for (let length = 0; length < sealed.length; length++)
    expect(open(key, sealed.subarray(0, length), context)).toBeUndefined();
});

test('a data key opens under its own name and master key only', () => {
  const vault = new Vault(key);
  const made = vault.createKey('p-1');
  expect(made.key).toHaveLength(32);
  expect(new Vault(key).unwrapKey(made.wrapped, 'p-1')).toEqual(made.key);
  expect(() => vault.unwrapKey(made.wrapped, 'p-2')).toThrow(GatewayError);
  expect(() => new Vault(new Uint8Array(32)).unwrapKey(made.wrapped, 'p-1')).toThrow(
    expect.objectContaining({ code: 'key-unreadable', fatal: true }),
  );
});

test('the vault keeps a copy of the master key, and wants 32 bytes', () => {
  const master = new Uint8Array(32).fill(3);
  const vault = new Vault(master);
  const { wrapped } = vault.createKey('p');
  master.fill(0);
  expect(vault.unwrapKey(wrapped, 'p')).toHaveLength(32);
  expect(() => new Vault(new Uint8Array(31))).toThrow(RangeError);
});
