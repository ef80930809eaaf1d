import { expect, test } from 'vitest';
import { bytesToHex, hexToBytes } from '../bytes.ts';
import { readBlockHeader } from './block-header.ts';
import { decodeRlp, encodeRlp, type RlpItem } from './rlp.ts';

/** The header of a published block (ethereum/tests, bcValidBlockTest, SimpleTx), and the same with a base fee. */
const BEFORE_BLOOM =
  'a083cafc574e1f51ba9dc0568fc617a08ea2429fb384059c972f13b19fa1c8dd55a01dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347948888f1f195afa192cfee860698584c030f4c9db1a0ef1552a40b7165c3cd773806b9e0c165b75356e0314bf0706f279c729f51e017a05fe50b260da6308036625b850b5d6ced6d0a9f814c0688bc91ff' +
  'b7b7a3a54b67a0bc37d79753ad738a6dac4921e57392f145d8887476de3f783dfa7edae9283e52b90100';
const AFTER_BLOOM =
  '8302000001832fefd8825208845506eb0780a0bd4472abb6659ebe3ee06ee4d7b72a00a9f4d001caca51342001075469aff49888a13a5a8c8f2bb1c4';
const LEGACY = hexToBytes(`f901f9${BEFORE_BLOOM}${'00'.repeat(256)}${AFTER_BLOOM}`);
const LONDON = hexToBytes(`f901fe${BEFORE_BLOOM}${'00'.repeat(256)}${AFTER_BLOOM}843b9aca00`);
const FIELDS = decodeRlp(LEGACY) as readonly RlpItem[];

test.each([
  ['of the first forks', LEGACY, '0a5843ac1cb04865017cb35a57b50b07084e5fcee39b5acadade33149f4fff9e'],
  ['with a base fee', LONDON, 'c7252048cd273fe0dac09650027d07f0e3da4ee0675ebbb26627cea92729c372'],
])('a header %s has the hash it is published with', (_, bytes, hash) => {
  const header = readBlockHeader(bytes);
  expect(bytesToHex(header?.hash ?? new Uint8Array(0))).toBe(hash);
  expect(header).toMatchObject({ number: 1n, time: 1_426_516_743 });
  expect(bytesToHex(header?.receiptsRoot ?? new Uint8Array(0))).toMatch(/^bc37d79753ad738a/);
});

test('a header of a fork to come is read by place', () => {
  const later = encodeRlp([...FIELDS, ...Array.from({ length: 9 }, () => new Uint8Array(32)), []]);
  expect(readBlockHeader(later)).toMatchObject({ number: 1n, time: 1_426_516_743 });
});

test.each<[string, Uint8Array]>([
  ['no bytes', new Uint8Array(0)],
  ['no list', encodeRlp(LEGACY)],
  ['a field too few', encodeRlp(FIELDS.slice(0, 14))],
  ['bytes behind it', Uint8Array.of(...LEGACY, 0)],
  ['a receipts root of 31 bytes', encodeRlp(FIELDS.with(5, new Uint8Array(31)))],
  ['a list for a receipts root', encodeRlp(FIELDS.with(5, []))],
  ['a number with a leading zero', encodeRlp(FIELDS.with(8, Uint8Array.of(0, 1)))],
  ['a time beyond 2^53', encodeRlp(FIELDS.with(11, new Uint8Array(7).fill(255)))],
  ['a list for a time', encodeRlp(FIELDS.with(11, []))],
])('%s is no header', (_, bytes) => expect(readBlockHeader(bytes)).toBeUndefined());
