/**
 * The shape of an RFC 9162 tree: which complete subtrees it is made of.
 *
 * Sizes and indices are safe integers up to 2^53 - 1, so no bit operator (32 bits wide in JavaScript) is
 * used on them.
 */
import type { HashNode } from './hash.ts';

/** Reads the root of the complete subtree of 2^level leaves that is the `index`-th of its level, from 0. */
export type NodeReader = (level: number, index: number) => Uint8Array;

/** Whether a value from outside can be a tree size or a leaf index. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** @throws RangeError naming the argument unless `value` is a safe integer in [minimum, maximum]. */
export function assertCount(name: string, value: number, minimum: number, maximum: number): void {
  if (!isCount(value) || value < minimum || value > maximum) {
    throw new RangeError(`${name} must be an integer from ${minimum} to ${maximum}, got ${String(value)}`);
  }
}

/** How many leaves of `count` >= 2 stand left of the root's split: the largest power of two below `count`. */
export function leftLeaves(count: number): number {
  if (count <= 2 ** 31) return 2 ** (31 - Math.clz32(count - 1));
  let power = 2 ** 31;
  while (power * 2 < count) power *= 2;
  return power;
}

/** Levels of the complete subtrees a tree of `size` leaves is made of, left to right: its one bits. */
export function peakLevels(size: number): number[] {
  const levels: number[] = [];
  for (let level = 0, rest = size; rest > 0; level++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) levels.unshift(level);
  }
  return levels;
}

/**
 * Root of the leaves [start, end), a node of some RFC 9162 tree: `start` must be a multiple of the smallest
 * power of two that is at least end - start. A ragged range is folded from its complete subtrees,
 * so `read` is asked for complete ones only, at most 53 of them.
 */
export function rangeRoot(read: NodeReader, start: number, end: number, hash: HashNode): Uint8Array {
  let position = start;
  const parts: Uint8Array[] = [];
  for (const level of peakLevels(end - start)) {
    parts.push(read(level, position / 2 ** level));
    position += 2 ** level;
  }
  return parts.reduceRight((right, left) => hash(left, right));
}
