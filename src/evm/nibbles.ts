/** Half-bytes: the alphabet of the paths in a Merkle-Patricia trie, and their hex-prefix encoding (yellow paper, appendix C). */

/** Half-bytes, each 0 to 15. */
export type Nibbles = readonly number[];

/** What is left of a path in a node, and whether the node is a leaf or leads on. */
export interface Segment {
  readonly nibbles: Nibbles;
  readonly isLeaf: boolean;
}

const LEAF = 2;
const ODD = 1;

export function toNibbles(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
}

/** The segment with its flags in front, padded to whole bytes. */
export function encodeSegment({ nibbles, isLeaf }: Segment): Uint8Array {
  const isOdd = nibbles.length % 2 === 1;
  const flags = (isLeaf ? LEAF : 0) + (isOdd ? ODD : 0);
  const padded = isOdd ? [flags, ...nibbles] : [flags, 0, ...nibbles];
  return Uint8Array.from({ length: padded.length / 2 }, (_, at) => {
    return ((padded[2 * at] as number) << 4) | (padded[2 * at + 1] as number);
  });
}

/** The segment that these bytes are the one encoding of, or `undefined`. */
export function decodeSegment(bytes: Uint8Array): Segment | undefined {
  const [flags, padding, ...rest] = toNibbles(bytes);
  if (flags === undefined || padding === undefined || flags > LEAF + ODD) return undefined;
  const isLeaf = flags >= LEAF;
  if (flags % 2 === ODD) return { isLeaf, nibbles: [padding, ...rest] };
  return padding === 0 ? { isLeaf, nibbles: rest } : undefined;
}
