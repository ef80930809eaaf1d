import { sha256 } from '@noble/hashes/sha2.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { utf8ToBytes } from '../bytes.ts';
import { signCheckpoint } from '../checkpoint.ts';
import { proveInclusion } from '../merkle/proof.ts';
import { computeRoot } from '../merkle/root.ts';
import { makeLeaves, storeNodes } from '../merkle/testing/tree.ts';
import { withTimestamp } from './envelope.ts';
import { decodePackReceipt, signPackReceipt } from './pack.ts';
import { decodeReceipt, signReceipt } from './receipt.ts';
import { LOG_SIGNER, ORIGIN } from './testing/ledger.ts';
import { makeToken } from './testing/token.ts';
import { decodeTimestamp, encodeTimestamp, type ReceiptTimestamp, readTimestamp } from './timestamp.ts';

const SIZE = 6;
const INDEX = 2;
const leaves = makeLeaves(SIZE);
const leaf = { origin: ORIGIN, index: INDEX, leafHash: leaves[INDEX] as Uint8Array };
const path = proveInclusion(storeNodes(leaves), INDEX, SIZE);
let stamp: ReceiptTimestamp;

beforeAll(async () => {
  const note = await signCheckpoint({ origin: ORIGIN, size: SIZE, root: computeRoot(leaves) }, LOG_SIGNER);
  stamp = { note, token: makeToken(sha256(utf8ToBytes(note))), path };
});

describe('a timestamp', () => {
  test('of a leaf names checkpoint and time', () => {
    expect(readTimestamp(stamp, leaf)).toEqual({
      kind: 'ok',
      value: { size: SIZE, time: Date.UTC(2026, 10, 21, 9, 30) / 1000 },
    });
    expect(decodeTimestamp(encodeTimestamp(stamp))).toEqual({ kind: 'ok', value: stamp });
  });

  test('of another leaf, place, log, checkpoint or token is refused', () => {
    const codeOf = (change: Partial<ReceiptTimestamp>, of: Partial<typeof leaf> = {}) => {
      const read = readTimestamp({ ...stamp, ...change }, { ...leaf, ...of });
      return read.kind === 'reject' ? read.code : read.kind;
    };
    expect([
      codeOf({}),
      codeOf({}, { leafHash: leaves[3] as Uint8Array }),
      codeOf({}, { index: 3 }),
      codeOf({ path: path.slice(1) }),
      codeOf({}, { origin: 'other.example' }),
      codeOf({ note: `${stamp.note}— x AAAAAAE=\n` }),
      codeOf({ note: 'nonsense' }),
    ]).toEqual([
      'ok',
      ...Array(3).fill('timestamp-of-another-leaf'),
      ...['timestamp-of-another-log', 'timestamp-of-other-bytes', 'timestamp-unreadable'],
    ]);
    for (const token of [new Uint8Array(0), stamp.token.slice(1), makeToken(new Uint8Array(31))])
      expect(codeOf({ token })).toBe('timestamp-unreadable');
  });

  test.each(['2026112109300Z', '20261121093000', '20261121093000+0100', '20261121093000.10Z', 'now'])(
    'that says %j says no time',
    (time) => {
      const token = makeToken(sha256(utf8ToBytes(stamp.note)), time);
      expect(readTimestamp({ ...stamp, token }, leaf)).toMatchObject({
        detail: 'the time of the token is not in UTC',
      });
    },
  );

  test.each<[string, unknown]>([
    ['no map', 1],
    ['a field too few', new Map()],
    [
      'another field',
      new Map<number, unknown>([
        [1, ''],
        [2, new Uint8Array()],
        [4, []],
      ]),
    ],
    [
      'a path of other things',
      new Map<number, unknown>([
        [1, ''],
        [2, new Uint8Array()],
        [3, [new Uint8Array(31)]],
      ]),
    ],
    [
      'a token without end',
      new Map<number, unknown>([
        [1, ''],
        [2, new Uint8Array(70_000)],
        [3, []],
      ]),
    ],
  ])('%s is malformed', (_, value) => {
    expect(decodeTimestamp(value as never)).toMatchObject({ kind: 'reject', code: 'malformed' });
  });
});

describe('in a receipt', () => {
  const fields = { origin: ORIGIN, subject: 'd', size: SIZE, root: computeRoot(leaves), index: INDEX, path };

  test('it is read back, and put in place of another', async () => {
    const receipt = await signReceipt(fields, LOG_SIGNER);
    expect(decodeReceipt(receipt)).not.toHaveProperty('value.timestamp');
    const once = withTimestamp(receipt, stamp);
    expect(decodeReceipt(once)).toMatchObject({ value: { timestamp: stamp, index: INDEX } });
    const other = { ...stamp, note: 'other' };
    expect(decodeReceipt(withTimestamp(once, other))).toMatchObject({ value: { timestamp: other } });
    expect(() => withTimestamp(new Uint8Array(1), stamp)).toThrow(RangeError);
  });

  test('it stands in none of a pack', async () => {
    const root = computeRoot(leaves);
    const pack = { origin: ORIGIN, subject: 'd', size: SIZE, root, indices: [INDEX], proof: [] };
    const receipt = withTimestamp(await signPackReceipt(pack, LOG_SIGNER), stamp);
    expect(decodePackReceipt(receipt)).toMatchObject({
      detail: expect.stringContaining('stands in no pack'),
    });
  });
});
