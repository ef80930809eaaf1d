/** Points, scalars and signatures of Ed25519 that no honest signer makes, from noble's point arithmetic. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, hexToBytes, utf8ToBytes } from '../../bytes.ts';
import { fromLittle, little } from './signature-case.ts';

const { Point } = ed25519;
export type EdwardsPoint = InstanceType<typeof Point>;

export const BASE = Point.BASE;
/** The prime order of the subgroup. */
export const L = Point.Fn.ORDER;
/** The prime of the field. */
export const P = Point.Fp.ORDER;

const T8 = Point.fromBytes(hexToBytes('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));

/** The point j of the subgroup of order 8: of order 8 for odd j, 4 for 2 and 6, 2 for 4, neutral for 0. */
export const torsion = (j: number): EdwardsPoint =>
  j % 8 === 0 ? Point.ZERO : T8.multiplyUnsafe(BigInt(j % 8));

const SIGN = 1n << 255n;
/** The six encodings of small-order points that are not canonical: y + p, or the sign of x = 0 set. With the j of {@link torsion}. */
const SLOPPY: readonly (readonly [string, number, Uint8Array])[] = [
  ['y=0+p', jOf(0n, false), little(P)],
  ['y=0+p,sign', jOf(0n, true), little(P | SIGN)],
  ['y=1+p', 0, little(P + 1n)],
  ['y=1+p,sign', 0, little((P + 1n) | SIGN)],
  ['y=1,sign', 0, little(1n | SIGN)],
  ['y=-1,sign', 4, little((P - 1n) | SIGN)],
];

function jOf(y: bigint, isOdd: boolean): number {
  return [0, 1, 2, 3, 4, 5, 6, 7].find((j) => {
    const point = torsion(j).toAffine();
    return point.y === y && (point.x & 1n) === (isOdd ? 1n : 0n);
  }) as number;
}

/** Every encoding of a small-order point: eight canonical ones and six that are not. */
export const SMALL_ORDER: readonly {
  readonly name: string;
  readonly j: number;
  readonly bytes: Uint8Array;
}[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((j) => ({ name: `T${j}`, j, bytes: torsion(j).toBytes() })),
  ...SLOPPY.map(([name, j, bytes]) => ({ name, j, bytes })),
];

/** Encodings with a y of p to 2^255 - 1 that a decoder which reduces takes for a point not of small order. */
export function unreducedEncodings(): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let y = 2n; y < 19n; y++) {
    if (isDecodable(little(y))) found.push(little(y + P), little((y + P) | SIGN));
  }
  return found;
}

/** Some y that belong to no point, with either sign. */
export function noPoints(): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let y = 2n; found.length < 6; y++) {
    if (!isDecodable(little(y))) found.push(little(y), little(y | SIGN));
  }
  return found;
}

function isDecodable(bytes: Uint8Array): boolean {
  try {
    Point.fromBytes(bytes);
    return true;
  } catch {
    return false;
  }
}

/** SHA-512(R || A || M) as the number it is, before it is reduced modulo L. */
export function challenge(r: Uint8Array, a: Uint8Array, message: Uint8Array): bigint {
  return fromLittle(sha512(concatBytes(r, a, message)));
}

/** The signature with this R, and the S for a nonce and a secret scalar. `k` stands in for the challenge. */
export function signatureWith(r: Uint8Array, nonce: bigint, secret: bigint, k: bigint): Uint8Array {
  return concatBytes(r, little((nonce + (k % L) * secret) % L));
}

/** The first of a row of messages that the test takes, with its challenge. */
export function findMessage(
  r: Uint8Array,
  a: Uint8Array,
  test: (k: bigint) => boolean,
): { readonly message: Uint8Array; readonly k: bigint } {
  for (let i = 0; ; i++) {
    const message = utf8ToBytes(`message ${i}`);
    const k = challenge(r, a, message);
    if (test(k)) return { message, k };
  }
}

/**
 * What the torsion parts of [S]B - [k]A - R leave behind, as a j: 0 when the equation without cofactor holds. For A with
 * torsion i, R with torsion j, and prime-order parts that satisfy the equation.
 */
export function residue(i: number, j: number, k: bigint): number {
  return Number((BigInt(j) + (k % L) * BigInt(i)) % 8n);
}
