/** Keys and signatures of ECDSA that no honest signer makes, from noble's point arithmetic. */
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '../../bytes.ts';
import type { EcdsaAlgorithm } from '../ecdsa.ts';
import { big, fromBig } from './signature-case.ts';

type Curve = typeof p256 | typeof secp256k1;
export type CurvePoint = InstanceType<(typeof p256)['Point']>;

/** One curve, and what the cases need of it. */
export class EcdsaCurve {
  readonly algorithm: EcdsaAlgorithm;
  readonly curve: Curve;
  /** The order of the group. */
  readonly n: bigint;
  /** The prime of the field; on both curves a little above n. */
  readonly p: bigint;

  constructor(algorithm: EcdsaAlgorithm) {
    this.algorithm = algorithm;
    this.curve = algorithm === 'ESP256' ? p256 : secp256k1;
    this.n = this.curve.Point.Fn.ORDER;
    this.p = this.curve.Point.Fp.ORDER;
  }

  get base(): CurvePoint {
    return this.curve.Point.BASE;
  }

  hash(message: Uint8Array): bigint {
    return fromBig(sha256(message)) % this.n;
  }

  /** A point with this x, or undefined when there is none. */
  lift(x: bigint): CurvePoint | undefined {
    try {
      return this.curve.Point.fromBytes(concatBytes(Uint8Array.of(2), big(x)));
    } catch {
      return undefined;
    }
  }

  /** The first point with an x of at least this. */
  liftFrom(x: bigint): CurvePoint {
    for (let at = x; ; at++) {
      const point = this.lift(at);
      if (point !== undefined) return point;
    }
  }

  /**
   * The key under which (r, s) is valid for the message and the verifier meets the point R on its way, where r is the
   * x of R modulo n: Q = (s R - e G) / r (SEC 1 section 4.1.6). Nobody knows its secret.
   */
  keyThatMeets(r: bigint, s: bigint, point: CurvePoint, message: Uint8Array): Uint8Array {
    const { Fn } = this.curve.Point;
    const u1 = Fn.neg(Fn.div(this.hash(message), r));
    const first = u1 === 0n ? this.curve.Point.ZERO : this.base.multiply(u1);
    return first.add(point.multiply(Fn.div(s, r))).toBytes(false);
  }

  /** The signature with a secret and a nonce. */
  sign(secret: bigint, nonce: bigint, message: Uint8Array): { readonly r: bigint; readonly s: bigint } {
    const { Fn } = this.curve.Point;
    const r = this.base.multiply(nonce).toAffine().x % this.n;
    return { r, s: Fn.div(Fn.create(this.hash(message) + r * secret), nonce) };
  }

  publicKey(secret: bigint): Uint8Array {
    return this.base.multiply(secret).toBytes(false);
  }
}

/** r || s, each of 32 bytes. Neither has to be in range. */
export const rawSignature = (r: bigint, s: bigint): Uint8Array => concatBytes(big(r), big(s));

/** DER: SEQUENCE { INTEGER r, INTEGER s }, with `pad` zeros more than it takes. */
export function derOf(r: bigint, s: bigint, pad = 0): Uint8Array {
  const integer = (value: bigint): Uint8Array => {
    const bytes = big(value);
    const first = bytes.findIndex((byte) => byte !== 0);
    const body = first === -1 ? Uint8Array.of(0) : bytes.subarray(first);
    const zeros = new Uint8Array(pad + ((body[0] as number) >= 0x80 ? 1 : 0));
    return concatBytes(Uint8Array.of(2, zeros.length + body.length), zeros, body);
  };
  const body = concatBytes(integer(r), integer(s));
  return concatBytes(Uint8Array.of(0x30, body.length), body);
}
