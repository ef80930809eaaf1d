/**
 * Recursive Length Prefix, the encoding of EVM chains (Ethereum yellow paper, appendix B), in its one canonical form.
 *
 * Ours and not a package's: what is read here comes from whoever holds a receipt, so reading must be strict, must not throw, and
 * must stay portable; ethers, which the gateway has, reads lengths that are not minimal and is ten times all of `src`.
 */
import { concatBytes } from '../bytes.ts';

export type RlpItem = Uint8Array | readonly RlpItem[];

/** A receipt with its logs and their topics nests four deep. */
const MAX_DEPTH = 8;
const SHORT_MAX = 55;
/** First byte of an empty byte string, and of an empty list. */
const STRING = 0x80;
const LIST = 0xc0;
/** More bytes of a length than this, and it is beyond any input. */
const MAX_LENGTH_BYTES = 4;

export function encodeRlp(item: RlpItem): Uint8Array {
  if (!(item instanceof Uint8Array)) {
    const payload = concatBytes(...item.map(encodeRlp));
    return concatBytes(head(LIST, payload.length), payload);
  }
  if (item.length === 1 && (item[0] as number) < STRING) return Uint8Array.from(item);
  return concatBytes(head(STRING, item.length), item);
}

/** An integer of at least 0 as RLP writes it: big-endian, no leading zero, 0 as no bytes at all. */
export function rlpInteger(value: bigint | number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = BigInt(value); rest > 0n; rest >>= 8n) bytes.push(Number(rest & 0xffn));
  return Uint8Array.from(bytes.reverse());
}

/** The integer below 2^64 that an item holds; `undefined` for a list, a leading zero, or more than eight bytes. */
export function integerFromRlp(item: RlpItem | undefined): bigint | undefined {
  if (!(item instanceof Uint8Array) || item.length > 8 || item[0] === 0) return undefined;
  return item.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/**
 * Reads one item that fills `bytes`: lengths in their shortest form, a single byte below 0x80 as itself, lists at most eight deep.
 * `undefined` for anything else. Byte strings in the result are views of `bytes`. Time and memory grow with its length alone.
 */
export function decodeRlp(bytes: Uint8Array): RlpItem | undefined {
  const span = readHead(bytes, 0, bytes.length); // attacker-controlled
  return span === undefined || span.end !== bytes.length ? undefined : readItem(bytes, span, 0);
}

/** Where the payload of an item lies, and what it is. */
interface Span {
  readonly isList: boolean;
  readonly start: number;
  readonly end: number;
}

function readItem(bytes: Uint8Array, { isList, start, end }: Span, depth: number): RlpItem | undefined {
  if (!isList) return bytes.subarray(start, end);
  if (depth === MAX_DEPTH) return undefined;
  const items: RlpItem[] = [];
  for (let at = start; at < end; ) {
    const span = readHead(bytes, at, end);
    const item = span && readItem(bytes, span, depth + 1);
    if (span === undefined || item === undefined) return undefined;
    items.push(item);
    at = span.end;
  }
  return items;
}

/** The item that starts at `at`; `undefined` when it is not canonical or reaches beyond `limit`. */
function readHead(bytes: Uint8Array, at: number, limit: number): Span | undefined {
  const first = bytes[at];
  if (first === undefined || at >= limit) return undefined;
  if (first < STRING) return { isList: false, start: at, end: at + 1 };
  const isList = first >= LIST;
  const argument = first - (isList ? LIST : STRING);
  const lengthBytes = Math.max(0, argument - SHORT_MAX);
  if (lengthBytes > MAX_LENGTH_BYTES) return undefined;
  const start = at + 1 + lengthBytes;
  const length = lengthBytes === 0 ? argument : readLength(bytes.subarray(at + 1, start));
  if (length === undefined || start + length > limit) return undefined;
  if (!isList && length === 1 && (bytes[start] as number) < STRING) return undefined;
  return { isList, start, end: start + length };
}

/** A length beyond 55 in its own bytes, the fewest. */
function readLength(digits: Uint8Array): number | undefined {
  const length = digits.reduce((value, digit) => value * 256 + digit, 0);
  return digits[0] === 0 || length <= SHORT_MAX ? undefined : length;
}

function head(offset: number, length: number): Uint8Array {
  if (length <= SHORT_MAX) return Uint8Array.of(offset + length);
  const digits = rlpInteger(length);
  return concatBytes(Uint8Array.of(offset + SHORT_MAX + digits.length), digits);
}
