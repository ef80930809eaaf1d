/** CBOR put together by hand, so that a vector can break one rule of the encoding and keep all others. */
import { concatBytes, hexToBytes } from '../../src/bytes.ts';
import { type CborValue, encodeCbor } from '../../src/cbor.ts';

/** An encoded item. */
export type Raw = Uint8Array;
/** The entries of a map as they are to be written, in this order. */
export type RawEntries = readonly (readonly [key: Raw, value: Raw])[];

export const hex = (text: string): Raw => hexToBytes(text.replaceAll(' ', ''));
export const raw = (value: CborValue): Raw => encodeCbor(value);

/** An array or map head for fewer than 24 elements. */
const shortHead = (major: number, length: number): Raw => Uint8Array.of((major << 5) | length);

export const rawArray = (items: readonly Raw[]): Raw => concatBytes(shortHead(4, items.length), ...items);

export const rawMap = (entries: RawEntries): Raw =>
  concatBytes(shortHead(5, entries.length), ...entries.flat());

export const indefiniteMap = (entries: RawEntries): Raw =>
  concatBytes(hex('bf'), ...entries.flat(), hex('ff'));

export const indefiniteArray = (items: readonly Raw[]): Raw => concatBytes(hex('9f'), ...items, hex('ff'));

/** A byte string in two chunks. */
export const indefiniteBytes = (bytes: Uint8Array): Raw => {
  const middle = bytes.length >> 1;
  return concatBytes(hex('5f'), raw(bytes.slice(0, middle)), raw(bytes.slice(middle)), hex('ff'));
};

/** A byte string whose length takes two bytes, whatever it is. */
export const longBytes = (bytes: Uint8Array): Raw =>
  concatBytes(Uint8Array.of(0x59, bytes.length >> 8, bytes.length & 0xff), bytes);
