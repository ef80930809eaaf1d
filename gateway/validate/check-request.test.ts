import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DeviceStatus, EnrolledDevice } from '../ports.ts';
import { type Asked, makeCheckRequest, questionAt } from './check-request.ts';

const counter = fc.nat(Number.MAX_SAFE_INTEGER);
const asked: fc.Arbitrary<Asked> = fc.record({
  inbound: fc.record({
    device: fc.string(),
    bytes: fc.uint8Array({ maxLength: 300 }),
    receivedAt: counter,
  }),
  device: fc
    .record({
      id: counter,
      urn: fc.string(),
      status: fc.constantFrom<DeviceStatus>('active', 'suspended', 'revoked'),
      packedKeys: fc.nat(3).chain((keys) => fc.uint8Array({ minLength: 96 * keys, maxLength: 96 * keys })),
    })
    .map((device) => device as unknown as EnrolledDevice),
  head: fc.option(fc.record({ boot: counter, next: counter }), { nil: undefined }),
  isNotHeld: fc.boolean(),
});

/** What a thread must read there again. */
const expected = ({ inbound, device, head, isNotHeld }: Asked, end: number) => ({
  end,
  device: device.id,
  bytes: inbound.bytes,
  receivedAt: inbound.receivedAt,
  urn: device.urn,
  status: device.status,
  keys: device.packedKeys,
  boot: head?.boot ?? Number.NaN,
  next: head?.next ?? Number.NaN,
  isNotHeld,
});

test('every question is read as it was asked, on the other side of a transfer', () => {
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 64 }), (all) => {
      const made = makeCheckRequest(all);
      const request = structuredClone(made, { transfer: [made.bytes.buffer] });
      expect(request.urns).toHaveLength(all.length);
      let end = 0;
      for (const [at, one] of all.entries()) {
        end += one.inbound.bytes.length;
        expect(questionAt(request, at)).toEqual(expected(one, end));
      }
      expect(request.bytes).toHaveLength(end);
    }),
    { numRuns: 200 },
  );
});

test('nothing that was handed in moves away with the request', () => {
  fc.assert(
    fc.property(fc.array(asked, { minLength: 1, maxLength: 5 }), (all) => {
      const before = all.map(({ inbound, device }) => [
        Uint8Array.from(inbound.bytes),
        Uint8Array.from(device.packedKeys),
      ]);
      const made = makeCheckRequest(all);
      structuredClone(made, { transfer: [made.bytes.buffer, made.keys.buffer, made.numbers.buffer] });
      expect(all.map(({ inbound, device }) => [inbound.bytes, device.packedKeys])).toEqual(before);
    }),
    { numRuns: 50 },
  );
});
