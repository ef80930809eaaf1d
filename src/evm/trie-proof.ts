/**
 * Checking a proof of a hexary Merkle-Patricia trie (yellow paper, appendix D) whose values are receipts.
 *
 * A receipt is longer than 32 bytes, so every node is referred to by its hash, never embedded in its parent; and no key of a list is
 * the start of another (`listKey`), so no branch holds a value. What a trie of receipts cannot contain is refused here.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { equalBytes } from '../bytes.ts';
import { decodeSegment, type Nibbles, toNibbles } from './nibbles.ts';
import { decodeRlp, encodeRlp, type RlpItem, rlpInteger } from './rlp.ts';

/** A branch has a child for each nibble, and a value. */
export const BRANCH_ITEMS = 17;
const SHORT_ITEMS = 2;
const HASH_BYTES = 32;

/** The key of the item at this place of a list: transactions and receipts of a block are numbered like this. */
export function listKey(index: number): Uint8Array {
  return encodeRlp(rlpInteger(index));
}

/**
 * The value that `nodes`, the encoded nodes from the root to a leaf, prove to stand under `key` in the trie with this root; `undefined` when
 * they prove nothing. Hashes each node at most once; no node may be left over.
 */
export function valueFromTrieProof(
  root: Uint8Array,
  key: Uint8Array,
  nodes: readonly Uint8Array[],
): Uint8Array | undefined {
  let expected: RlpItem | undefined = root;
  let path: Nibbles = toNibbles(key);
  for (const [at, node] of nodes.entries()) {
    if (!(expected instanceof Uint8Array) || expected.length !== HASH_BYTES) return undefined;
    if (!equalBytes(keccak_256(node), expected)) return undefined;
    const step = follow(node, path);
    if (step === undefined) return undefined;
    if (step.isLeaf) return isValue(step.item) && at === nodes.length - 1 ? step.item : undefined;
    [expected, path] = [step.item, step.rest];
  }
  return undefined;
}

/** What a node holds for a path: a leaf's value, or the reference to the next node and the path that is left. */
interface Step {
  readonly isLeaf: boolean;
  readonly item: RlpItem | undefined;
  readonly rest: Nibbles;
}

function follow(node: Uint8Array, path: Nibbles): Step | undefined {
  const items = decodeRlp(node);
  if (items === undefined || items instanceof Uint8Array) return undefined;
  const [nibble, ...rest] = path;
  if (items.length === BRANCH_ITEMS) {
    return nibble === undefined ? undefined : { isLeaf: false, item: items[nibble], rest };
  }
  const [encoded, item] = items;
  if (items.length !== SHORT_ITEMS || !(encoded instanceof Uint8Array)) return undefined;
  const segment = decodeSegment(encoded);
  if (segment === undefined) return undefined;
  const { nibbles, isLeaf } = segment;
  const fits = nibbles.every((value, at) => value === path[at]);
  if (!fits || (isLeaf ? nibbles.length !== path.length : nibbles.length === 0)) return undefined;
  return { isLeaf, item, rest: path.slice(nibbles.length) };
}

function isValue(item: RlpItem | undefined): item is Uint8Array {
  return item instanceof Uint8Array;
}
