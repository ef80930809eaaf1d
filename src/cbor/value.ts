/** The values that CBOR bytes stand for, and the error that says why some bytes stand for none. */

/** A tagged value (RFC 8949 section 3.4). `tag` is a safe integer; the content is not interpreted. */
export class CborTag {
  readonly tag: number;
  readonly value: CborValue;

  constructor(tag: number, value: CborValue) {
    this.tag = tag;
    this.value = value;
  }
}

/** A floating-point value, kept apart from integers: `CborFloat(1)` is f93c00, `1` is 01. */
export class CborFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/**
 * A decoded value. Integers are `number` when safe and `bigint` beyond, down to -2^64 and up to 2^64 - 1.
 * `undefined` and the unassigned simple values are not part of the model and are refused.
 */
export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | CborFloat
  | CborTag
  | readonly CborValue[]
  | CborMap;

/** Keys are integers, text or byte strings. Entries stand in encoding order. */
export type CborMap = ReadonlyMap<CborValue, CborValue>;

/**
 * `malformed`: not one well-formed, valid item of the supported kinds, with nothing after it.
 * `not-deterministic`: well-formed, but not in the one encoding of RFC 8949 section 4.2.1.
 */
export type CborErrorCode = 'malformed' | 'not-deterministic';

/** Why bytes were refused; the message says what and at which offset, and holds none of the bytes. */
export class CborError extends Error {
  override readonly name = 'CborError';
  readonly code: CborErrorCode;

  constructor(code: CborErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Nesting that is read or written: arrays, maps and tags each count one level. A statement needs 3, a receipt
 * with anchors 5. It bounds recursion on bytes from outside.
 */
export const MAX_DEPTH = 16;

/**
 * Pairs of one map that are read or written; no map of the protocol comes near. JavaScript engines hash numbers without a
 * secret, so whoever picks the keys can make them all collide, and filling a map of n pairs then takes n^2 steps.
 */
export const MAX_MAP_PAIRS = 256;
