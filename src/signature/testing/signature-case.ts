/** One question to a verifier, and the answer that the acceptance rule gives. */
import type { Algorithm } from '../../cose/algorithm.ts';

export interface SignatureCase {
  /** Unique; begins with the algorithm. */
  readonly name: string;
  readonly algorithm: Algorithm;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** Known from how the case was made, never from asking a verifier. */
  readonly valid: boolean;
  /** Whether enrolment takes the key; a compressed one is taken, and enrolled as the point that it names. */
  readonly enrollable: boolean;
}

/** What most cases leave as it is. */
export type CaseChanges = Partial<Omit<SignatureCase, 'algorithm' | 'name'>>;

export const big = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * (31 - i))) & 0xffn));
export const little = (value: bigint): Uint8Array => big(value).reverse();
export const fromBig = (bytes: Uint8Array): bigint =>
  bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
export const fromLittle = (bytes: Uint8Array): bigint => fromBig(Uint8Array.from(bytes).reverse());

/** `bytes` cut or filled up with zeros to a length. */
export function resized(bytes: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  out.set(bytes.subarray(0, length));
  return out;
}

/** A copy with one bit turned over. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
}
