/** As much DER (ITU-T X.690) as timestamps need: definite lengths in their shortest form, tags of one byte. */
import { concatBytes } from '../bytes.ts';

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  generalizedTime: 0x18,
  sequence: 0x30,
  /** `[0]`, constructed. */
  context0: 0xa0,
} as const;

/** One item: its tag and what it holds. */
export interface DerItem {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** The items that follow one another in `bytes`, to their end; `undefined` when they are not DER. */
export function readDer(bytes: Uint8Array): DerItem[] | undefined {
  // attacker-controlled
  const items: DerItem[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] as number;
    const length = readLength(bytes, at + 1);
    if ((tag & 0x1f) === 0x1f || length === undefined || length.end > bytes.length) return undefined;
    items.push({ tag, content: bytes.slice(length.start, length.end) });
    at = length.end;
  }
  return items;
}

/** The items inside one of this tag; `undefined` when it is another or not DER. */
export function readInside(item: DerItem | undefined, tag: number): DerItem[] | undefined {
  return item?.tag === tag ? readDer(item.content) : undefined;
}

/** An item around contents. */
export function writeDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(...contents);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >>> 8, size & 0xff];
  if (size > 0xffff) throw new RangeError('content is longer than 65,535 bytes');
  return concatBytes(Uint8Array.of(tag, ...length), content);
}

/** An INTEGER that is not negative, from its big-endian bytes. */
export function writeInteger(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : bytes.slice(first);
  return writeDer(TAG.integer, (digits[0] as number) < 0x80 ? digits : Uint8Array.of(0, ...digits));
}

/** An OBJECT IDENTIFIER from its dotted form, of arcs below 2^31. */
export function writeOid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return writeDer(TAG.oid, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(arc: number): number[] {
  const digits = [arc % 128];
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
    digits.unshift((left % 128) + 128);
  return digits;
}

function readLength(bytes: Uint8Array, at: number): { start: number; end: number } | undefined {
  const first = bytes[at];
  if (first === undefined || first === 0x80 || first > 0x84) return undefined;
  if (first < 0x80) return { start: at + 1, end: at + 1 + first };
  const start = at + 1 + (first & 0x7f);
  const length = bytes.slice(at + 1, start).reduce((sum, byte) => sum * 256 + byte, 0);
  const isShortest = length >= 0x80 && bytes[at + 1] !== 0;
  return isShortest && start <= bytes.length ? { start, end: start + length } : undefined;
}
