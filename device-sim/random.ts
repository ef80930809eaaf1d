/** Seeded randomness, so that a run can be had again. Never for the keys of real devices. */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '../src/bytes.ts';

/** A stream of pseudo-random numbers. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** Normally distributed with mean 0 and deviation 1. */
  normal(): number;
  /** A whole number in [0, end). */
  integer(end: number): number;
  bytes(length: number): Uint8Array;
}

/** The stream of a seed; different seeds give unrelated streams. The generator is Chris Doty-Humphrey's sfc32. */
export function createRandom(seed: string): Random {
  const words = new DataView(sha256(utf8ToBytes(seed)).buffer);
  let [a, b, c, counter] = [words.getInt32(0), words.getInt32(4), words.getInt32(8), 1];
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  const next = () => word() / 2 ** 32;
  return {
    next,
    // Box and Muller; 1 - next() keeps the logarithm finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    integer: (end) => Math.floor(next() * end),
    bytes: (length) => Uint8Array.from({ length }, () => word() & 0xff),
  };
}
