/** The two hashes of an RFC 9162 tree over SHA-256. */
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '../bytes.ts';

/** Length in bytes of every leaf hash, node and root. */
export const HASH_BYTES = 32;

/** Joins two 32-byte nodes into their parent. Handed to the builders so that a native SHA-256 can stand in. */
export type HashNode = (left: Uint8Array, right: Uint8Array) => Uint8Array;

const LEAF_PREFIX = Uint8Array.of(0x00);
const NODE_PREFIX = Uint8Array.of(0x01);

/** Root of the tree without leaves: SHA-256 of nothing (RFC 9162 section 2.1.1). Shared: do not change it. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0));

/**
 * Leaf hash of an entry, SHA-256(0x00 || entry), 32 bytes (RFC 9162 section 2.1.1).
 * In our log the entry is the 32-byte SHA-256 of a statement; the standard allows any length.
 */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  return sha256(concatBytes(LEAF_PREFIX, entry));
}

/** Parent of two nodes, SHA-256(0x01 || left || right), 32 bytes (RFC 9162 section 2.1.1). */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(NODE_PREFIX, left, right));
}

/** Whether a value from outside is a byte string as long as a hash. */
export function isHash(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === HASH_BYTES;
}
