import { sha256 } from '@noble/hashes/sha2.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { utf8ToBytes } from '../bytes.ts';
import { signCheckpoint } from '../checkpoint.ts';
import { proveInclusion } from '../merkle/proof.ts';
import { computeRoot } from '../merkle/root.ts';
import { makeLeaves, storeNodes } from '../merkle/testing/tree.ts';
import { TAG, writeDer, writeInteger, writeOid } from '../timestamp/der.ts';
import { withTimestamp } from './envelope.ts';
import { decodePackReceipt, signPackReceipt } from './pack.ts';
import { decodeReceipt, signReceipt } from './receipt.ts';
import { LOG_SIGNER, ORIGIN } from './testing/ledger.ts';
import { decodeTimestamp, encodeTimestamp, type ReceiptTimestamp, readTimestamp } from './timestamp.ts';

const SIZE = 6;
const INDEX = 2;
const leaves = makeLeaves(SIZE);
const leaf = { origin: ORIGIN, index: INDEX, leafHash: leaves[INDEX] as Uint8Array };
const path = proveInclusion(storeNodes(leaves), INDEX, SIZE);
let stamp: ReceiptTimestamp;

/** As little of a token as is looked at, put together by hand. */
function makeToken(digest: Uint8Array, time = '20261121093000Z'): Uint8Array {
  const sequence = (...items: Uint8Array[]) => writeDer(TAG.sequence, ...items);
  const imprint = sequence(sequence(writeOid('2.16.840.1.101.3.4.2.1')), writeDer(TAG.octetString, digest));
  const one = writeInteger(Uint8Array.of(1));
  const info = sequence(
    one,
    writeOid('1.2.3'),
    imprint,
    one,
    writeDer(TAG.generalizedTime, utf8ToBytes(time)),
  );
  const octets = writeDer(TAG.context0, writeDer(TAG.octetString, info));
  const signedData = sequence(one, writeDer(0x31), sequence(writeOid('1.2.840.113549.1.9.16.1.4'), octets));
  return sequence(writeOid('1.2.840.113549.1.7.2'), writeDer(TAG.context0, signedData));
}

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
    const other = { ...leaf, leafHash: leaves[3] as Uint8Array };
    expect(readTimestamp(stamp, other)).toMatchObject({ code: 'malformed' });
    expect(readTimestamp(stamp, { ...leaf, index: 3 })).toMatchObject({ code: 'malformed' });
    expect(readTimestamp(stamp, { ...leaf, origin: 'other.example' })).toMatchObject({
      code: 'wrong-issuer',
    });
    expect(readTimestamp({ ...stamp, path: path.slice(1) }, leaf)).toMatchObject({ code: 'malformed' });
    const changed = { ...stamp, note: `${stamp.note}— x AAAAAAE=\n` };
    expect(readTimestamp(changed, leaf)).toMatchObject({
      detail: 'the token is over other bytes than the checkpoint',
    });
    expect(readTimestamp({ ...stamp, note: 'nonsense' }, leaf)).toMatchObject({ code: 'malformed' });
    for (const token of [new Uint8Array(0), stamp.token.slice(1), makeToken(new Uint8Array(31))])
      expect(readTimestamp({ ...stamp, token }, leaf)).toMatchObject({ code: 'malformed' });
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
