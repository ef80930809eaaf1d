import { keccak_256 } from '@noble/hashes/sha3.js';
import { describe, expect, test } from 'vitest';
import { bytesToHex, hexToBytes } from '../../src/bytes.ts';
import { readBlockHeader } from '../../src/evm/block-header.ts';
import { decodeRlp, encodeRlp, type RlpItem } from '../../src/evm/rlp.ts';
import { readRawBlock } from './block-answers.ts';
import { hashedExtraData } from './sealed-header.ts';

const EMPTY_ROOT = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421';
const NO_UNCLES = '0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347';
const BFT_DIGEST = '0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365';

/** Block 1 of a network of Besu with IBFT 2.0, round 1, three seals, as the node answered it. */
const IBFT = {
  hash: '0x82b5c53704cea50223ce667621806f485ec1d9dbe9e4ea7f19c928aedb6f0dd8',
  number: '0x1',
  mixHash: BFT_DIGEST,
  parentHash: '0x85a523687ebad98224e669ddf2c5474c0e97007871b4baaaa05a419381fc98ce',
  nonce: '0x0000000000000000',
  sha3Uncles: NO_UNCLES,
  logsBloom: `0x${'00'.repeat(256)}`,
  transactionsRoot: EMPTY_ROOT,
  stateRoot: '0x98840a790f4c7dc6781a49d346bea3ee8373558e5bb1dfff5e65b3de25827650',
  receiptsRoot: EMPTY_ROOT,
  miner: '0x93917cadbace5dfce132b991732c6cda9bcc5b8a',
  difficulty: '0x1',
  extraData: `0xf90148a0${'00'.repeat(32)}f8549427a97c9aaf04f18f3014c32e036dd0ac76da5f189493917cadbace5dfce132b991732c6cda9bcc5b8a9498c1334496614aed49d2e81526d089f7264fed9c94ce412f988377e31f4d0ff12d74df73b51c42d0ca808400000001f8c9b841f3e5877b8ef14758af6a2430135f9ccdf218bbf76c0191cc56682df11c74968d4f748cda97d4d6f28e2c1e01e340dfbf5abd48077a9354c75abd4190b8adad6200b8411870785d31aec2245faa3fcc21e6c211ac9b6c377b44072ca87169b74e778d891a1ece5e88d6be58669d14b4ffa0d4b532f4073684b1f6e944cdec8f20979da501b8416871a68c70a8ec1ed842aa1d8b1b2fbcb38b949de24c0201b3543f0b965cd5ce1eda6ea1216d517a7d3841a60c54c9089660979d3ba2c1a5b0fd975157c4a39701`,
  gasLimit: '0xf7b760',
  gasUsed: '0x0',
  timestamp: '0x624316e6',
  transactions: [],
};

/** `extraData` of block 7528 of a network of Besu with QBFT: round 1, three seals. */
const QBFT_EXTRA_DATA = `f90144a0${'00'.repeat(32)}f85494647bfdd19655e51e69d35454ff3a92f8828e630294a5c8416b9d13417b45b45ada76408f39d1e504ef94b92e91f4dcc9d28503be521afa2a8fbf3c1acf6094ee3353e587cfa91625a1adaef308a726de3803d3c001f8c9b841bc7633fd65570f610a595086e9a34e5bf6aacfb67b8f8cd01852e6b285147f046a50577b49378b86723ac9b456ef59ef7ab57cda7139d807f10f58e8cb10c67600b841ad1defc2b0b4a48158cff24778bb5ba4d9f373c171022ab0a42e37bdb0d4025718434d303a8d94df56ef9ad5219be9f27b2f67179a7fb82d3323dde29546f9f701b841e233d3670dd97c715f72b440eeb1ccb1e22c8c23f6ab470c46c99c2d0ee6509f0341a42e0e4569782557e93c3815e8ca4294043595f69a90f73f135de8ecf41e00`;
/** What Besu's and GoQuorum's codecs make of it for the hash of the block: round 0, no seals. */
const QBFT_HASHED = `f87aa0${'00'.repeat(32)}f85494647bfdd19655e51e69d35454ff3a92f8828e630294a5c8416b9d13417b45b45ada76408f39d1e504ef94b92e91f4dcc9d28503be521afa2a8fbf3c1acf6094ee3353e587cfa91625a1adaef308a726de3803d3c080c0`;

const hashOf = ({ hash }: { readonly hash: string }): Uint8Array => hexToBytes(hash.slice(2));

describe('a block of IBFT 2.0', () => {
  test('has the hash it is published with, and the header that gives it is read as any other', () => {
    const { header } = readRawBlock(IBFT, hashOf(IBFT));
    expect(`0x${bytesToHex(keccak_256(header))}`).toBe(IBFT.hash);
    expect(readBlockHeader(header)).toMatchObject({
      hash: hashOf(IBFT),
      number: 1n,
      time: 0x624316e6,
      receiptsRoot: hexToBytes(EMPTY_ROOT.slice(2)),
    });
  });

  test.each([
    ['another receipts root', { receiptsRoot: NO_UNCLES }],
    ['another time', { timestamp: '0x624316e7' }],
    ['other validators', { extraData: IBFT.extraData.replace('27a97c', '27a97d') }],
    ['a vote', { extraData: IBFT.extraData.replace('ca808400000001', 'ca818400000001') }],
  ])('does not have it with %s', (_, change) => {
    expect(() => readRawBlock({ ...IBFT, ...change }, hashOf(IBFT))).toThrow(/does not have the hash/);
  });

  test('has it with any seals: they are not of the hash', () => {
    const resealed = { ...IBFT, extraData: IBFT.extraData.replace('f3e5877b', 'f3e5877c') };
    expect(readRawBlock(resealed, hashOf(IBFT)).header).toEqual(readRawBlock(IBFT, hashOf(IBFT)).header);
  });
});

test('a block of QBFT is hashed in round 0 without seals', () => {
  expect(hashedExtraData(hexToBytes(QBFT_EXTRA_DATA)).map(bytesToHex)).toContain(QBFT_HASHED);
  const parts = decodeRlp(readRawBlock(IBFT, hashOf(IBFT)).header) as readonly RlpItem[];
  const hash = keccak_256(encodeRlp(parts.with(12, hexToBytes(QBFT_HASHED))));
  const { header } = readRawBlock({ ...IBFT, extraData: `0x${QBFT_EXTRA_DATA}` }, hash);
  expect(keccak_256(header)).toEqual(hash);
});

test.each([
  ['nothing', ''],
  ['text', bytesToHex(new TextEncoder().encode('anvil'))],
  ['a list of four', 'c480808080'],
  ['a list with bytes behind it', 'c5808080808000'],
])('%s is hashed as it stands', (_, extraData) => {
  expect(hashedExtraData(hexToBytes(extraData)).map(bytesToHex)).toEqual([extraData]);
});
