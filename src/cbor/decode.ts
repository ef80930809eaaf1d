/** Reading deterministic CBOR. */
import { compareBytes } from '../bytes.ts';
import { float16FromBits, shortestFloatBytes } from './float.ts';
import { CborError, CborFloat, CborTag, type CborValue, MAX_DEPTH, MAX_MAP_PAIRS } from './value.ts';

/** Reads text as it is written: no replacement characters, no byte order mark dropped. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const INDEFINITE = -1;
const BREAK = 0xff;

/**
 * Reads one item that fills `bytes` and is in the one deterministic encoding: definite lengths, shortest integers,
 * lengths and floats, map keys unique and in bytewise order, valid UTF-8 (RFC 8949 sections 4.2.1 and 5.3.1).
 * Byte strings in the result are copies. Bignum tags are read as tags.
 *
 * @throws {CborError} `not-deterministic` when all that is wrong is the choice of encoding, otherwise `malformed`;
 * so the code does not depend on which fault stands first.
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('bytes: expected a Uint8Array');
  const reader = new Reader(bytes);
  const value = reader.item(0);
  reader.finish();
  return value;
}

class Reader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private position = 0;
  /** The first departure from the deterministic encoding. Reading goes on, to learn whether the rest is CBOR at all. */
  private departure: string | undefined;

  constructor(bytes: Uint8Array) {
    // A Node Buffer's slice() would share memory with the caller; a plain view over the same bytes copies.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The next item, which lies within `depth` arrays, maps and tags. */
  item(depth: number): CborValue {
    const start = this.position;
    const initial = this.byte();
    const major = initial >> 5;
    if (major === 7) return this.simpleOrFloat(initial, start);
    const argument = this.argument(initial, start);
    if (major >= 4 && depth >= MAX_DEPTH) this.fail(`nested deeper than ${MAX_DEPTH}`, start);
    switch (major) {
      case 0:
        return this.integer(argument, start, false);
      case 1:
        return this.integer(argument, start, true);
      case 2:
        return this.string(argument, 2, start);
      case 3:
        return this.text(this.string(argument, 3, start), start);
      case 4:
        return this.array(argument, start, depth + 1);
      case 5:
        return this.map(argument, start, depth + 1);
      default:
        return this.tag(argument, start, depth + 1);
    }
  }

  /** Throws unless everything was read and the encoding was the deterministic one. */
  finish(): void {
    if (this.position !== this.bytes.length) this.fail('bytes after the item', this.position);
    if (this.departure !== undefined) throw new CborError('not-deterministic', this.departure);
  }

  private fail(what: string, at: number): never {
    throw new CborError('malformed', `${what}, at byte ${at}`);
  }

  private depart(what: string, at: number): void {
    this.departure ??= `${what}, at byte ${at}`;
  }

  private byte(): number {
    const value = this.bytes[this.position];
    if (value === undefined) this.fail('the input ends early', this.position);
    this.position++;
    return value;
  }

  /** Moves over `count` bytes, of which the caller then reads, and returns where they start. */
  private skip(count: number): number {
    const start = this.position;
    if (count > this.bytes.length - start) this.fail('the input ends early', start);
    this.position = start + count;
    return start;
  }

  /** The argument of a head (RFC 8949 section 3): a number when safe, or INDEFINITE. */
  private argument(initial: number, start: number): number | bigint {
    const info = initial & 0x1f;
    if (info < 24) return info;
    if (info === 24) return this.shortest(this.view.getUint8(this.skip(1)), 24, start);
    if (info === 25) return this.shortest(this.view.getUint16(this.skip(2)), 0x100, start);
    if (info === 26) return this.shortest(this.view.getUint32(this.skip(4)), 0x10000, start);
    if (info === 31) return INDEFINITE;
    if (info !== 27) this.fail('a reserved length', start);
    const at = this.skip(8);
    const high = this.shortest(this.view.getUint32(at), 1, start);
    if (high >= 0x200000) return this.view.getBigUint64(at);
    return high * 0x100000000 + this.view.getUint32(at + 4);
  }

  /** `value`, noting a departure when it would have fitted the next shorter head. */
  private shortest(value: number, least: number, start: number): number {
    if (value < least) this.depart('a number or length that is not in its shortest form', start);
    return value;
  }

  private integer(argument: number | bigint, start: number, negative: boolean): number | bigint {
    if (argument === INDEFINITE) this.fail('an integer without a value', start);
    if (!negative) return argument;
    if (typeof argument === 'bigint') return -1n - argument;
    // -1 - (2^53 - 1) is the one negative integer here that is not a safe number.
    return argument === Number.MAX_SAFE_INTEGER ? -1n - BigInt(argument) : -1 - argument;
  }

  /** The length of a string, array or map. Each element takes at least `width` bytes, so a lie shows at once. */
  private length(argument: number | bigint, width: number, start: number): number {
    if (argument > (this.bytes.length - this.position) / width) this.fail('longer than the input', start);
    return Number(argument);
  }

  private string(argument: number | bigint, major: number, start: number): Uint8Array {
    if (argument === INDEFINITE) return this.chunks(major, start);
    const from = this.skip(this.length(argument, 1, start));
    return this.bytes.slice(from, this.position);
  }

  /** An indefinite-length string: well-formed only when its chunks are definite strings of the same kind. */
  private chunks(major: number, start: number): Uint8Array {
    this.depart('an indefinite length', start);
    while (!this.atBreak()) {
      const at = this.position;
      const initial = this.byte();
      const argument = this.argument(initial, at);
      if (initial >> 5 !== major || argument === INDEFINITE) this.fail('a chunk of another kind', at);
      const chunk = this.string(argument, major, at);
      if (major === 3) this.text(chunk, at);
    }
    return new Uint8Array(0);
  }

  private text(bytes: Uint8Array, start: number): string {
    const short = bytes.length <= 32 ? asciiText(bytes) : undefined;
    if (short !== undefined) return short;
    try {
      return UTF8.decode(bytes);
    } catch {
      this.fail('text that is not UTF-8', start);
    }
  }

  private array(argument: number | bigint, start: number, depth: number): CborValue[] {
    const values: CborValue[] = [];
    if (argument === INDEFINITE) {
      this.depart('an indefinite length', start);
      while (!this.atBreak()) values.push(this.item(depth));
      return values;
    }
    const length = this.length(argument, 1, start);
    for (let i = 0; i < length; i++) values.push(this.item(depth));
    return values;
  }

  private map(argument: number | bigint, start: number, depth: number): Map<CborValue, CborValue> {
    const entries = new Map<CborValue, CborValue>();
    let previous: Uint8Array | undefined;
    const entry = () => {
      const at = this.position;
      if (entries.size >= MAX_MAP_PAIRS) this.fail(`a map of more than ${MAX_MAP_PAIRS} pairs`, start);
      const key = this.item(depth);
      if (typeof key === 'object' && !(key instanceof Uint8Array)) this.fail('a map key of another kind', at);
      if (typeof key === 'boolean') this.fail('a map key of another kind', at);
      const encoded = this.bytes.subarray(at, this.position);
      if (previous !== undefined) this.checkOrder(previous, encoded, at);
      previous = encoded;
      entries.set(key, this.item(depth));
    };
    if (argument === INDEFINITE) {
      this.depart('an indefinite length', start);
      while (!this.atBreak()) entry();
      return entries;
    }
    const length = this.length(argument, 2, start);
    for (let i = 0; i < length; i++) entry();
    return entries;
  }

  /** Strictly ascending neighbours make the whole map sorted and free of duplicates. */
  private checkOrder(previous: Uint8Array, key: Uint8Array, at: number): void {
    const order = compareBytes(previous, key);
    if (order === 0) this.depart('a map key twice', at);
    if (order > 0) this.depart('a map key out of order', at);
  }

  private tag(argument: number | bigint, start: number, depth: number): CborTag {
    if (argument === INDEFINITE) this.fail('a tag without a number', start);
    if (typeof argument === 'bigint') this.fail('a tag number beyond 2^53', start);
    return new CborTag(argument, this.item(depth));
  }

  private simpleOrFloat(initial: number, start: number): CborValue {
    switch (initial) {
      case 0xf4:
        return false;
      case 0xf5:
        return true;
      case 0xf6:
        return null;
      case 0xf9:
        return this.float(float16FromBits(this.view.getUint16(this.skip(2))), 2, start);
      case 0xfa:
        return this.float(this.view.getFloat32(this.skip(4)), 4, start);
      case 0xfb:
        return this.float(this.view.getFloat64(this.skip(8)), 8, start);
      default:
        return this.fail(
          initial === BREAK ? 'a break out of place' : 'a simple value that is not supported',
          start,
        );
    }
  }

  private float(value: number, width: number, start: number): CborFloat {
    if (shortestFloatBytes(value) !== width) this.depart('a float that is not in its shortest form', start);
    // All NaNs mean the same here, so only the shortest quiet one is the deterministic encoding (section 4.2.2).
    if (width === 2 && Number.isNaN(value) && this.view.getUint16(start + 1) !== 0x7e00) {
      this.depart('a NaN other than f97e00', start);
    }
    return new CborFloat(value);
  }

  /** Consumes the break that ends an indefinite-length item, if it is next. */
  private atBreak(): boolean {
    if (this.bytes[this.position] !== BREAK) return false;
    this.position++;
    return true;
  }
}

/** Most text in a statement is short and ASCII; building it directly is several times faster than TextDecoder. */
function asciiText(bytes: Uint8Array): string | undefined {
  let text = '';
  for (const byte of bytes) {
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}
