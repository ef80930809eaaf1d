import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from './bytes.ts';
import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import {
  DELIVERY_MAX_BYTES,
  type Delivery,
  decodeDelivery,
  deliveryAad,
  encodeDelivery,
  isBatchId,
  type ReceiptsDelivery,
  type StatementsDelivery,
} from './delivery.ts';

const envelope = { origin: 'gateway.example/log', provider: 'clinic-a', batch: 'dlv_1' };
const statements: StatementsDelivery = {
  kind: 'statements',
  ...envelope,
  mode: 'live',
  entries: [
    {
      index: 3,
      receivedAt: 1_893_456_000_000,
      flags: ['gap', 'a-flag-of-tomorrow'],
      patient: 'p-1',
      kind: 'statement',
      bytes: Uint8Array.of(1),
    },
    { index: 9, receivedAt: 0, flags: [], kind: 'device-event', bytes: Uint8Array.of(2, 3) },
  ],
  erased: [4, 5],
};
const hash = new Uint8Array(32).fill(7);
const receipts: ReceiptsDelivery = {
  kind: 'receipts',
  ...envelope,
  checkpoint: 'gateway.example/log\n10\nroot\n\n— gateway.example/log sig\n',
  entries: [{ index: 3, entry: hash }],
  proof: [hash, hash],
  anchor: {
    chainId: 31_337n,
    contract: new Uint8Array(20),
    logId: hash,
    size: 10,
    root: hash,
    transactionHash: hash,
    blockNumber: 5n,
    blockHash: hash,
    blockTime: 1_893_456_000,
  },
};

const name = fc.string({ minLength: 1, maxLength: 40 }).filter((text) => !/\p{C}/u.test(text));
const indices = fc.uniqueArray(fc.maxSafeNat(), { maxLength: 8 }).map((list) => list.sort((a, b) => a - b));
const anyStatements: fc.Arbitrary<Delivery> = fc
  .record({
    indices,
    erased: indices,
    origin: name,
    provider: name,
    patient: fc.option(name),
    bytes: fc.uint8Array({ minLength: 1 }),
    receivedAt: fc.maxSafeNat(),
  })
  .map(({ indices, erased, origin, provider, patient, bytes, receivedAt }) => ({
    ...statements,
    origin,
    provider,
    erased,
    mode: 'backfill',
    entries: indices.map((index) => ({
      index,
      receivedAt,
      flags: ['gap'],
      ...(patient !== null && { patient }),
      kind: 'statement',
      bytes,
    })),
  }));

/** The delivery's map with one label changed, encoded again. */
function altered(delivery: Delivery, label: number, value: CborValue | undefined): Uint8Array {
  const map = new Map(decodeCbor(encodeDelivery(delivery)) as Map<CborValue, CborValue>);
  if (value === undefined) map.delete(label);
  else map.set(label, value);
  return encodeCbor(map);
}

describe('encodeDelivery and decodeDelivery', () => {
  it('give back what was put in', () => {
    for (const delivery of [statements, receipts]) {
      expect(decodeDelivery(encodeDelivery(delivery))).toEqual({ kind: 'ok', value: delivery });
    }
    fc.assert(
      fc.property(anyStatements, (delivery) => {
        expect(decodeDelivery(encodeDelivery(delivery))).toEqual({ kind: 'ok', value: delivery });
      }),
    );
  });

  it('have one encoding', () => {
    expect(bytesToHex(encodeDelivery({ ...statements, entries: [], erased: [4] }))).toMatchInlineSnapshot(
      `"a80101026a73746174656d656e74730373676174657761792e6578616d706c652f6c6f670468636c696e69632d610565646c765f3106646c6976650780088104"`,
    );
  });

  it('read whatever they accept as its only encoding, and throw nothing at bytes from outside', () => {
    const bytes = [statements, receipts].map(encodeDelivery);
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.record({ which: fc.nat(1), at: fc.nat(2_000), bit: fc.nat(7) }).map(({ which, at, bit }) => {
        const copy = Uint8Array.from(bytes[which] as Uint8Array);
        copy[at % copy.length] = (copy[at % copy.length] as number) ^ (1 << bit);
        return copy;
      }),
      fc.record({ which: fc.nat(1), end: fc.nat(2_000) }).map(({ which, end }) => {
        const whole = bytes[which] as Uint8Array;
        return whole.subarray(0, end % whole.length);
      }),
    );
    fc.assert(
      fc.property(hostile, (input) => {
        const decoded = decodeDelivery(input);
        if (decoded.kind === 'ok') expect(encodeDelivery(decoded.value)).toEqual(input);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each<[string, Delivery, number, CborValue | undefined, string]>([
    ['another version', statements, 1, 2, 'delivery version is not 1'],
    ['an unknown kind', statements, 2, 'readings', 'delivery kind is unknown'],
    ['an empty origin', statements, 3, '', 'origin is not a short text'],
    ['a provider with a line break', statements, 4, 'a\nb', 'provider holds a control character'],
    ['a batch id with a dot', statements, 5, 'a.b', 'batch is not in its form'],
    ['an unknown mode', statements, 6, 'late', 'mode is unknown'],
    ['entries missing', statements, 7, undefined, 'delivery has an unknown label'],
    ['an unknown label', statements, 9, 1, 'delivery has an unknown label'],
    ['entries out of order', statements, 7, [entry(2), entry(1)], 'entries are not strictly ascending'],
    ['an entry twice', statements, 7, [entry(1), entry(1)], 'entries are not strictly ascending'],
    ['erased indices out of order', statements, 8, [5, 4], 'erased are not strictly ascending'],
    ['an index beyond 2^53', statements, 7, [entry(2n ** 60n)], 'index is not an unsigned integer'],
    [
      'an entry without bytes',
      statements,
      7,
      [[1, 0, [], null, 'statement', new Uint8Array()]],
      'entry bytes are missing',
    ],
    [
      'a flag that is a sentence',
      statements,
      7,
      [[1, 0, ['Not A Flag'], null, 'statement', hash]],
      'flag is not in its form',
    ],
    [
      'too many entries',
      statements,
      8,
      Array.from({ length: 4097 }, (_, i) => i),
      'erased has over 4096 items',
    ],
    ['no proven entry', receipts, 7, [], 'entries are empty'],
    ['an entry hash of 31 bytes', receipts, 7, [[1, new Uint8Array(31)]], 'entry is not 32 bytes'],
    ['an anchor that is none', receipts, 9, null, 'anchor is not a map'],
  ])('refuse %s', (_, delivery, label, value, detail) => {
    expect(decodeDelivery(altered(delivery, label, value))).toEqual({
      kind: 'reject',
      code: 'malformed',
      detail,
    });
  });

  it('keep to the size limit on both sides', () => {
    const [first] = statements.entries;
    const large = {
      ...statements,
      entries: [
        {
          ...first,
          index: 1,
          receivedAt: 0,
          flags: [],
          kind: 'statement' as const,
          bytes: new Uint8Array(DELIVERY_MAX_BYTES),
        },
      ],
    };
    expect(() => encodeDelivery(large)).toThrow(
      new RangeError(`delivery is over ${DELIVERY_MAX_BYTES} bytes`),
    );
    expect(decodeDelivery(new Uint8Array(DELIVERY_MAX_BYTES + 1)).kind).toBe('reject');
    expect(() => encodeDelivery({ ...statements, batch: 'no.dots' })).toThrow(RangeError);
  });
});

describe('deliveryAad', () => {
  it('differs for every gateway, provider and batch, however they are cut', () => {
    const all = [
      envelope,
      { ...envelope, batch: 'dlv_2' },
      { ...envelope, provider: 'clinic-ad' },
      { ...envelope, origin: 'gateway.example/logc', provider: 'linic-a' },
    ];
    expect(new Set(all.map((one) => bytesToHex(deliveryAad(one)))).size).toBe(4);
  });
});

describe('isBatchId', () => {
  it('takes letters, digits, - and _ up to 64', () => {
    expect(['dlv_0-A', 'a'.repeat(64)].every(isBatchId)).toBe(true);
    expect(['', 'a.b', 'a b', 'ä', 'a\n', 'a'.repeat(65)].some(isBatchId)).toBe(false);
  });
});

function entry(index: number | bigint): CborValue {
  return [index, 0, [], null, 'statement', hash];
}
