import { keccak_256 } from '@noble/hashes/sha3.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex } from '../bytes.ts';
import { decodeSegment, encodeSegment, type Nibbles } from './nibbles.ts';
import { encodeRlp } from './rlp.ts';
import { encodeTransactionReceipt } from './transaction-receipt.ts';
import { buildListTrie } from './trie.ts';
import { listKey, valueFromTrieProof } from './trie-proof.ts';

const makeValues = (count: number) =>
  Array.from({ length: count }, (_, at) => new Uint8Array(40).fill(at % 256));
const hash = (bytes: Uint8Array) => keccak_256(bytes);

test('a published block of four transactions of four types has the receipts root we build', () => {
  // ethereum/tests, bcEIP4844-blobtransactions/blockWithAllTransactionTypes: plain transfers of 21,000 gas each.
  const receipts = [0, 1, 2, 3].map((type) =>
    encodeTransactionReceipt({
      ...{ type, succeeded: true, cumulativeGasUsed: 21_000n * BigInt(type + 1) },
      ...{ bloom: new Uint8Array(256), logs: [] },
    }),
  );
  expect(bytesToHex(buildListTrie(receipts).root)).toBe(
    '0c82719448356ba6807d6edfcd8e5aea575a5e97f36038ffb3e395749b26d41c',
  );
});

test.each([1, 2, 3, 16, 17, 127, 128, 129, 256, 257, 1000])(
  'of %i values each can be proven, and under its own key only',
  (count) => {
    const values = makeValues(count);
    const trie = buildListTrie(values);
    for (const [index, value] of values.entries()) {
      const nodes = trie.prove(index);
      expect(valueFromTrieProof(trie.root, listKey(index), nodes)).toEqual(value);
      expect(valueFromTrieProof(trie.root, listKey(index + 1), nodes)).toBeUndefined();
      expect(valueFromTrieProof(trie.root, listKey(count), nodes)).toBeUndefined();
    }
  },
);

test('misuse of the builder is named', () => {
  expect(() => buildListTrie([])).toThrow(new RangeError('values: at least one is needed'));
  expect(() => buildListTrie([new Uint8Array(31)])).toThrow(RangeError);
  for (const index of [-1, 3, 0.5, Number.NaN]) {
    expect(() => buildListTrie(makeValues(3)).prove(index)).toThrow(RangeError);
  }
});

describe('a proof is refused', () => {
  const trie = buildListTrie(makeValues(300));
  const key = listKey(200);
  const nodes = trie.prove(200);
  const prove = (...changed: readonly Uint8Array[]) => valueFromTrieProof(trie.root, key, changed);
  const value = new Uint8Array(40).fill(9);
  const leaf = (nibbles: Nibbles) => encodeRlp([encodeSegment({ nibbles, isLeaf: true }), value]);
  /** The root node with this one under nibble 2, and a key that leads there. */
  const under = (child: Uint8Array) => {
    const branch = encodeRlp(
      Array.from({ length: 17 }, (_, at) => (at === 2 ? hash(child) : new Uint8Array(0))),
    );
    return valueFromTrieProof(hash(branch), Uint8Array.of(0x21), [branch, child]);
  };

  test('with a node missing, added, repeated or out of order', () => {
    expect(prove(...nodes)).toBeDefined();
    for (const at of nodes.keys()) expect(prove(...nodes.toSpliced(at, 1))).toBeUndefined();
    expect(prove()).toBeUndefined();
    expect(prove(...nodes, new Uint8Array(0))).toBeUndefined();
    expect(prove(...nodes, nodes.at(-1) as Uint8Array)).toBeUndefined();
    expect(prove(...nodes.toReversed())).toBeUndefined();
  });

  test('when a value has no leaf, though every hash fits', () => {
    expect(under(leaf([1]))).toEqual(value);
    const wrong = [
      leaf([2]),
      leaf([]),
      leaf([1, 1]),
      encodeRlp(value),
      encodeRlp([]),
      encodeRlp([encodeSegment({ nibbles: [1], isLeaf: true })]),
      encodeRlp([encodeSegment({ nibbles: [1], isLeaf: true }), []]),
      encodeRlp([[], value]),
      encodeRlp([Uint8Array.of(), value]),
      encodeRlp([Uint8Array.of(0x41), value]),
      encodeRlp([encodeSegment({ nibbles: [], isLeaf: false }), value]),
      encodeRlp([encodeSegment({ nibbles: [1], isLeaf: false }), value]),
      encodeRlp([encodeSegment({ nibbles: [1], isLeaf: true }), value, value]),
      encodeRlp(Array.from({ length: 17 }, () => value)),
      Uint8Array.of(0xc1),
    ];
    for (const node of wrong) expect(under(node), bytesToHex(node)).toBeUndefined();
  });

  test('when it consists of anything at all', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (list) => {
        expect(valueFromTrieProof(hash(list[0] ?? new Uint8Array(0)), key, list)).toBeUndefined();
      }),
    );
  });
});

describe('segments', () => {
  test('survive their encoding', () => {
    const nibbles = fc.array(fc.nat(15), { maxLength: 12 });
    fc.assert(
      fc.property(nibbles, fc.boolean(), (list, isLeaf) => {
        expect(decodeSegment(encodeSegment({ nibbles: list, isLeaf }))).toEqual({ nibbles: list, isLeaf });
      }),
    );
  });

  test.each([[], [0x40], [0xff], [0x01], [0x2f]])('%j is none', (...bytes) => {
    expect(decodeSegment(Uint8Array.from(bytes))).toBeUndefined();
  });
});
