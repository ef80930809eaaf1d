/** Writing deterministic CBOR. */
import { compareBytes } from '../bytes.ts';
import { float16ToBits, shortestFloatBytes } from './float.ts';
import { CborFloat, type CborMap, CborTag, type CborValue, MAX_DEPTH, MAX_MAP_PAIRS } from './value.ts';

const UTF8 = new TextEncoder();
const MAX_ARGUMENT = 2n ** 64n;
const INITIAL_BYTES = 4096;
const MAX_KEPT_BYTES = 65536;

/**
 * The one deterministic encoding of `value` (RFC 8949 section 4.2.1), whatever the order of its maps' entries.
 *
 * @throws {TypeError} for what the model does not hold: a number that is no safe integer (say `CborFloat`),
 * text with a lone surrogate, map keys that are equal or neither integer, text nor bytes.
 * @throws {RangeError} for an integer beyond 64 bits, nesting beyond 16, or a map of more than 256 pairs.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  shared.clear();
  shared.item(value, 0);
  return shared.toBytes();
}

class Writer {
  private bytes = new Uint8Array(INITIAL_BYTES);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  /** Starts over. The memory of an unusually large value is not held on to. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length <= MAX_KEPT_BYTES) return;
    this.bytes = new Uint8Array(INITIAL_BYTES);
    this.view = new DataView(this.bytes.buffer);
  }

  toBytes(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  item(value: CborValue, depth: number): void {
    if (typeof value === 'number' || typeof value === 'bigint') this.integer(value);
    else if (typeof value === 'string') this.text(value);
    else if (value === null) this.initial(0xf6);
    else if (typeof value === 'boolean') this.initial(value ? 0xf5 : 0xf4);
    else if (value instanceof Uint8Array) this.string(2, value);
    else if (value instanceof CborFloat) this.float(value.value);
    else this.nest(value, depth);
  }

  private nest(value: CborTag | readonly CborValue[] | CborMap, depth: number): void {
    if (depth >= MAX_DEPTH) throw new RangeError(`value: nested deeper than ${MAX_DEPTH}`);
    if (value instanceof CborTag) this.tag(value, depth + 1);
    else if (value instanceof Map) this.map(value, depth + 1);
    else if (Array.isArray(value)) this.array(value, depth + 1);
    else throw new TypeError(`value: ${typeof value} has no CBOR encoding here`);
  }

  private reserve(count: number): number {
    const start = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, this.bytes.length * 2));
      grown.set(this.bytes);
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return start;
  }

  private append(bytes: Uint8Array): void {
    const start = this.reserve(bytes.length);
    this.bytes.set(bytes, start);
  }

  private initial(byte: number): void {
    const start = this.reserve(1);
    this.bytes[start] = byte;
  }

  /** A head in its shortest form (RFC 8949 section 3). */
  private head(major: number, argument: number | bigint): void {
    const type = major << 5;
    if (argument < 24) {
      this.initial(type | Number(argument));
    } else if (argument < 0x100) {
      this.initial(type | 24);
      this.initial(Number(argument));
    } else if (argument < 0x10000) {
      this.initial(type | 25);
      const start = this.reserve(2);
      this.view.setUint16(start, Number(argument));
    } else if (argument < 0x100000000) {
      this.initial(type | 26);
      const start = this.reserve(4);
      this.view.setUint32(start, Number(argument));
    } else {
      this.initial(type | 27);
      const start = this.reserve(8);
      this.view.setBigUint64(start, BigInt(argument));
    }
  }

  private integer(value: number | bigint): void {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) {
      throw new TypeError('value: a number must be a safe integer; use CborFloat or bigint');
    }
    if (value >= 0) {
      if (value >= MAX_ARGUMENT) throw new RangeError('value: an integer beyond 64 bits');
      this.head(0, value);
    } else {
      if (value < -MAX_ARGUMENT) throw new RangeError('value: an integer beyond 64 bits');
      this.head(1, typeof value === 'bigint' ? -1n - value : -1 - value);
    }
  }

  private text(value: string): void {
    if (!value.isWellFormed()) throw new TypeError('value: text with a lone surrogate');
    this.string(3, UTF8.encode(value));
  }

  private string(major: number, bytes: Uint8Array): void {
    this.head(major, bytes.length);
    this.append(bytes);
  }

  private float(value: number): void {
    const width = shortestFloatBytes(value);
    this.initial(width === 2 ? 0xf9 : width === 4 ? 0xfa : 0xfb);
    const start = this.reserve(width);
    if (width === 2) this.view.setUint16(start, float16ToBits(value) ?? 0);
    else if (width === 4) this.view.setFloat32(start, value);
    else this.view.setFloat64(start, value);
  }

  private tag(tag: CborTag, depth: number): void {
    if (!Number.isSafeInteger(tag.tag) || tag.tag < 0)
      throw new TypeError('value: a tag number must be a uint');
    this.head(6, tag.tag);
    this.item(tag.value, depth);
  }

  private array(values: readonly CborValue[], depth: number): void {
    this.head(4, values.length);
    for (const value of values) this.item(value, depth);
  }

  private map(entries: CborMap, depth: number): void {
    if (entries.size > MAX_MAP_PAIRS)
      throw new RangeError(`value: a map of more than ${MAX_MAP_PAIRS} pairs`);
    const sorted = Array.from(entries, ([key, value]) => ({ key: this.key(key), value }));
    sorted.sort((a, b) => compareBytes(a.key, b.key));
    this.head(5, sorted.length);
    let previous: Uint8Array | undefined;
    for (const { key, value } of sorted) {
      if (previous !== undefined && compareBytes(previous, key) === 0) {
        throw new TypeError('value: a map with two equal keys');
      }
      previous = key;
      this.append(key);
      this.item(value, depth);
    }
  }

  /** The encoding of a map key, written at the end of the buffer and taken back off it. */
  private key(key: CborValue): Uint8Array {
    const scalar = typeof key === 'number' || typeof key === 'bigint' || typeof key === 'string';
    if (!scalar && !(key instanceof Uint8Array)) {
      throw new TypeError('value: a map key must be an integer, text or bytes');
    }
    const start = this.length;
    this.item(key, 0);
    const encoded = this.bytes.slice(start, this.length);
    this.length = start;
    return encoded;
  }
}

/** Encoding is synchronous and calls nobody back, so one buffer serves all; allocating one each time costs more than filling it. */
const shared = new Writer();
