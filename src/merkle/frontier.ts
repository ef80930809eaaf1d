import { EMPTY_ROOT, type HashNode, hashNode, isHash } from './hash.ts';
import { assertCount, peakLevels } from './shape.ts';

/**
 * Told of each subtree the moment it is complete, leaves (level 0) included. The hash is shared with the
 * frontier: keep it, but do not change it.
 */
export type OnComplete = (level: number, index: number, hash: Uint8Array) => void;

/**
 * The right edge of a growing RFC 9162 tree: all that is needed to append and to know the root.
 *
 * Appending hashes once on average and at most 53 times, whatever the size; memory is one hash per one bit
 * of the size. Invariant: `#peaks` holds the roots of the complete subtrees named by `peakLevels(size)`.
 */
export class Frontier {
  readonly #hash: HashNode;
  #peaks: Uint8Array[] = [];
  #size = 0;

  /** An empty tree. `hash` replaces noble's SHA-256 by a faster one with the same result. */
  constructor(hash: HashNode = hashNode) {
    this.#hash = hash;
  }

  /**
   * The frontier of an existing tree of `size` leaves from its complete subtrees, left to right.
   * @throws RangeError when `size` is no tree size or the number or length of the peaks does not fit it.
   */
  static fromPeaks(size: number, peaks: readonly Uint8Array[], hash: HashNode = hashNode): Frontier {
    assertCount('size', size, 0, Number.MAX_SAFE_INTEGER);
    const expected = peakLevels(size).length;
    if (peaks.length !== expected || !peaks.every(isHash)) {
      throw new RangeError(`peaks of ${size} leaves must be ${expected} hashes of 32 bytes`);
    }
    const frontier = new Frontier(hash);
    frontier.#size = size;
    frontier.#peaks = peaks.map((peak) => Uint8Array.from(peak));
    return frontier;
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds a leaf hash (32 bytes) at index `size`.
   * @param onComplete called for the leaf and then for each subtree it completes, smallest first.
   * @throws RangeError when the hash is not 32 bytes or the tree is full (2^53 - 1 leaves).
   */
  append(leafHash: Uint8Array, onComplete?: OnComplete): void {
    if (!isHash(leafHash)) throw new RangeError('leafHash must be 32 bytes');
    if (this.#size >= Number.MAX_SAFE_INTEGER) throw new RangeError('the tree is full');
    let node = Uint8Array.from(leafHash) as Uint8Array;
    let level = 0;
    let index = this.#size;
    onComplete?.(level, index, node);
    // An odd index is a right child: its left sibling is the last peak.
    while (index % 2 === 1) {
      node = this.#hash(this.#peaks.pop() as Uint8Array, node);
      level += 1;
      index = (index - 1) / 2;
      onComplete?.(level, index, node);
    }
    this.#peaks.push(node);
    this.#size += 1;
  }

  /** RFC 9162 root, 32 bytes, a copy. Folds the peaks: at most 53 hashes. */
  root(): Uint8Array {
    if (this.#size === 0) return Uint8Array.from(EMPTY_ROOT);
    return Uint8Array.from(this.#peaks.reduceRight((right, left) => this.#hash(left, right)));
  }

  /** Copies of the complete subtrees' roots, left to right, as `fromPeaks` takes them. */
  peaks(): Uint8Array[] {
    return this.#peaks.map((peak) => Uint8Array.from(peak));
  }
}
