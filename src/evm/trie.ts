/** Building the Merkle-Patricia trie of a list, as a block has one over its receipts. See trie-proof.ts for what such a trie never holds. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { encodeSegment, type Nibbles, toNibbles } from './nibbles.ts';
import { encodeRlp, type RlpItem } from './rlp.ts';
import { BRANCH_ITEMS, listKey } from './trie-proof.ts';

/** A trie and the way to a proof out of it. */
export interface ListTrie {
  readonly root: Uint8Array;
  /** The encoded nodes from the root to the leaf of the item at `index`. Throws RangeError when there is none. */
  prove(index: number): Uint8Array[];
}

interface Entry {
  readonly path: Nibbles;
  readonly value: Uint8Array;
}

interface Node {
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
  /** By the nibbles that lead to them; a leaf has none. */
  readonly children: readonly { readonly step: Nibbles; readonly node: Node }[];
}

const VALUE_MIN_BYTES = 32;

/**
 * The trie of a list of at least one value, in order.
 * @throws RangeError for an empty list, or a value under 32 bytes, whose node might have to be embedded.
 */
export function buildListTrie(values: readonly Uint8Array[]): ListTrie {
  if (values.length === 0) throw new RangeError('values: at least one is needed');
  if (values.some((value) => value.length < VALUE_MIN_BYTES))
    throw new RangeError(`values: each needs at least ${VALUE_MIN_BYTES} bytes`);
  const root = build(values.map((value, index) => ({ path: toNibbles(listKey(index)), value })));
  return {
    root: root.hash,
    prove(index) {
      if (!Number.isSafeInteger(index) || index < 0 || index >= values.length)
        throw new RangeError(`index must be 0 to ${values.length - 1}, got ${index}`);
      return walk(root, toNibbles(listKey(index)));
    },
  };
}

/** The node over these entries, whose paths differ and none of which is the start of another. */
function build(entries: readonly Entry[]): Node {
  const [first, ...others] = entries as readonly [Entry, ...Entry[]];
  if (others.length === 0) {
    return node([encodeSegment({ nibbles: first.path, isLeaf: true }), first.value], []);
  }
  const shared = sharedStart(entries);
  if (shared.length > 0) {
    const child = build(entries.map((entry) => drop(entry, shared.length)));
    return node(
      [encodeSegment({ nibbles: shared, isLeaf: false }), child.hash],
      [{ step: shared, node: child }],
    );
  }
  const groups = Map.groupBy(entries, ({ path }) => path[0] as number);
  const items: RlpItem[] = Array.from({ length: BRANCH_ITEMS }, () => new Uint8Array(0));
  const children = [...groups].map(([nibble, group]) => {
    const child = build(group.map((entry) => drop(entry, 1)));
    items[nibble] = child.hash;
    return { step: [nibble], node: child };
  });
  return node(items, children);
}

function walk(from: Node, path: Nibbles): Uint8Array[] {
  const next = from.children.find(({ step }) => step.every((nibble, at) => nibble === path[at]));
  return next === undefined ? [from.bytes] : [from.bytes, ...walk(next.node, path.slice(next.step.length))];
}

function node(items: RlpItem, children: Node['children']): Node {
  const bytes = encodeRlp(items);
  return { bytes, hash: keccak_256(bytes), children };
}

function sharedStart(entries: readonly Entry[]): Nibbles {
  const [{ path }] = entries as readonly [Entry, ...Entry[]];
  const end = path.findIndex((nibble, at) => entries.some((other) => other.path[at] !== nibble));
  return path.slice(0, end === -1 ? path.length : end);
}

function drop({ path, value }: Entry, nibbles: number): Entry {
  return { path: path.slice(nibbles), value };
}
