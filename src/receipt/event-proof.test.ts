import { describe, expect, test } from 'vitest';
import { type CborValue, decodeCbor, encodeCbor } from '../cbor.ts';
import { type Anchor, decodeAnchor, encodeAnchor } from './anchor.ts';
import { type EventProof, eventProofFromCbor, eventProofToCbor, findEventProofFault } from './event-proof.ts';
import { eventOf, inBlock } from './testing/event-block.ts';
import { digest, Ledger, makeDevice, makeRun } from './testing/ledger.ts';

const LEDGER = new Ledger(await makeRun(makeDevice(1), 3));
const ANCHOR = inBlock(LEDGER.anchor);
const PROOF = ANCHOR.eventProof as EventProof;
const EVENT = eventOf(ANCHOR);
const bytes = (length: number) => new Uint8Array(length).fill(1);

describe('the form', () => {
  test('survives the way through bytes, in an anchor too', () => {
    const value = eventProofToCbor(PROOF);
    expect(eventProofFromCbor(decodeCbor(encodeCbor(value)))).toEqual({ kind: 'ok', value: PROOF });
    const anchor = decodeAnchor(decodeCbor(encodeCbor(encodeAnchor(ANCHOR))));
    expect(anchor).toEqual({ kind: 'ok', value: ANCHOR });
  });

  test('at its limits is read, and beyond them refused', () => {
    const read = (header: CborValue, index: CborValue, nodes: CborValue) =>
      eventProofFromCbor([header, index, nodes]).kind;
    expect(read(bytes(8192), 2 ** 32 - 1, Array(16).fill(bytes(4096)))).toBe('ok');
    expect(read(bytes(8193), 0, [bytes(1)])).toBe('reject');
    expect(read(bytes(1), 2 ** 32, [bytes(1)])).toBe('reject');
    expect(read(bytes(1), 0, Array(17).fill(bytes(1)))).toBe('reject');
    expect(read(bytes(1), 0, [bytes(65_537)])).toBe('reject');
    expect(read(bytes(1), 0, [bytes(65_536), bytes(1)])).toBe('reject');
  });

  const good: readonly CborValue[] = [bytes(1), 0, [bytes(1)]];
  test.each<[string, CborValue | undefined]>([
    ['nothing', undefined],
    ['null', null],
    ['bytes', bytes(3)],
    ['a map', new Map()],
    ['two items', good.slice(0, 2)],
    ['four items', [...good, 0]],
    ['no header', good.with(0, bytes(0))],
    ['a header of text', good.with(0, 'header')],
    ['an index below 0', good.with(1, -1)],
    ['an index of text', good.with(1, '0')],
    ['an index beyond 2^53', good.with(1, 2n ** 60n)],
    ['no nodes', good.with(2, [])],
    ['an empty node', good.with(2, [bytes(1), bytes(0)])],
    ['a node of text', good.with(2, ['node'])],
  ])('is not that of %s', (_, value) => {
    expect(eventProofFromCbor(value)).toMatchObject({ kind: 'reject', code: 'malformed' });
  });

  test('that would not be read is not written', () => {
    expect(() => eventProofToCbor({ ...PROOF, nodes: [] })).toThrow(RangeError);
    expect(() => encodeAnchor({ ...ANCHOR, eventProof: { ...PROOF, header: bytes(9000) } })).toThrow(
      RangeError,
    );
  });
});

describe('a proof', () => {
  const fault = (anchor: Anchor) => findEventProofFault(anchor, anchor.eventProof as EventProof);

  test('of the event, among others of the transaction, proves it', () => {
    expect(fault(ANCHOR)).toBeUndefined();
    const foreign = { ...EVENT, address: bytes(20) };
    const lower = { ...EVENT, data: eventOf({ ...ANCHOR, size: 1 }).data };
    expect(fault(inBlock(LEDGER.anchor, { logs: [foreign, lower, EVENT, foreign] }))).toBeUndefined();
  });

  test.each<[string, Anchor, string]>([
    ['no event', inBlock(ANCHOR, { logs: [] }), 'event-missing'],
    [
      'another kind of event',
      inBlock(ANCHOR, { logs: [{ ...EVENT, topics: [digest('x'), ANCHOR.logId] }] }),
      'event-missing',
    ],
    [
      'an event with a topic too many',
      inBlock(ANCHOR, { logs: [{ ...EVENT, topics: [...EVENT.topics, digest('x')] }] }),
      'event-missing',
    ],
    [
      'another contract',
      inBlock(ANCHOR, { logs: [{ ...EVENT, address: bytes(20) }] }),
      'event-of-another-contract',
    ],
    [
      'another log',
      inBlock(ANCHOR, { logs: [{ ...EVENT, topics: [EVENT.topics[0] as Uint8Array, digest('x')] }] }),
      'event-of-another-log',
    ],
    ['another size', inBlock(ANCHOR, { logs: [eventOf({ ...ANCHOR, size: 4 })] }), 'event-of-another-size'],
    [
      'another root',
      inBlock(ANCHOR, { logs: [eventOf({ ...ANCHOR, root: digest('x') })] }),
      'event-of-another-root',
    ],
    [
      'data cut short',
      inBlock(ANCHOR, { logs: [{ ...EVENT, data: EVENT.data.subarray(0, 63) }] }),
      'event-of-another-root',
    ],
    ['more data', inBlock(ANCHOR, { logs: [{ ...EVENT, data: bytes(65) }] }), 'event-of-another-size'],
    ['a transaction that failed', inBlock(ANCHOR, { succeeded: false }), 'transaction-failed'],
    [
      'a transaction from before there was a status',
      inBlock(ANCHOR, { fields: { 5: digest('x') } }),
      'event-proof-broken',
    ],
    [
      'a header of another number',
      inBlock(ANCHOR, { fields: { 8: Uint8Array.of(9) } }),
      'header-of-another-block',
    ],
    [
      'a header of another time',
      inBlock(ANCHOR, { fields: { 11: Uint8Array.of(9) } }),
      'header-of-another-block',
    ],
    ['a header of another block', { ...ANCHOR, blockHash: digest('x') }, 'header-of-another-block'],
    [
      'a header that is none',
      { ...ANCHOR, eventProof: { ...PROOF, header: bytes(600) } },
      'header-unreadable',
    ],
    ['another index', { ...ANCHOR, eventProof: { ...PROOF, transactionIndex: 8 } }, 'event-proof-broken'],
  ])('of %s proves nothing', (_, anchor, code) => {
    expect(fault(anchor)?.code).toBe(code);
    expect(fault(anchor)?.detail).toMatch(/^[a-z].*[^.]$/);
  });
});
