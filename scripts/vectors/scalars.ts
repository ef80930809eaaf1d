/** Signatures made to break one clause of the acceptance rule each. The arithmetic is that of docs/protocol.md. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, hexToBytes } from '../../src/bytes.ts';
import { signNow } from './draft.ts';
import { DEVICES, type TestDevice } from './test-keys.ts';

type Sign = (message: Uint8Array) => Uint8Array;

const { Point } = ed25519;
const L = Point.Fn.ORDER;
/** A point of order 8. */
const TORSION = Point.fromBytes(
  hexToBytes('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
);

export const big = (value: bigint): Uint8Array => hexToBytes(value.toString(16).padStart(64, '0'));
export const little = (value: bigint): Uint8Array => big(value).reverse();
const fromBig = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const fromLittle = (bytes: Uint8Array): bigint => fromBig(Uint8Array.from(bytes).reverse());

/** The order of an ECDSA device's curve. */
export function orderOf(device: TestDevice): bigint {
  return (device.algorithm === 'ESP256' ? p256 : secp256k1).Point.Fn.ORDER;
}

/** r || n - s: as valid as r || s, with s above n/2. */
export function highS(device: TestDevice): Sign {
  return (message) => {
    const signature = signNow(device, message);
    return concatBytes(signature.subarray(0, 32), big(orderOf(device) - fromBig(signature.subarray(32))));
  };
}

/** The same r and s as a DER SEQUENCE of two INTEGERs. */
export function derSignature(device: TestDevice): Sign {
  return (message) => {
    const signature = signNow(device, message);
    const integer = (bytes: Uint8Array) => {
      const start = bytes.findIndex((byte) => byte !== 0);
      const body = bytes.subarray(start);
      const sign = (body[0] ?? 0) >= 0x80 ? [0] : [];
      return Uint8Array.from([2, body.length + sign.length, ...sign, ...body]);
    };
    const body = concatBytes(integer(signature.subarray(0, 32)), integer(signature.subarray(32)));
    return concatBytes(Uint8Array.of(0x30, body.length), body);
  };
}

/** S + L: the same scalar modulo L, not reduced. */
export const unreducedS: Sign = (message) => {
  const signature = signNow(DEVICES.Ed25519, message);
  return concatBytes(signature.subarray(0, 32), little(fromLittle(signature.subarray(32)) + L));
};

/** R is the neutral element and S = k a, so that the equation holds. */
export const smallOrderR: Sign = signWithR(Point.ZERO.toBytes(), 0n);

/** The same R with y = 1 written as p + 1. */
export const nonCanonicalR: Sign = signWithR(little(Point.Fp.ORDER + 1n), 0n);

/** R carries a point of order 8: only an equation multiplied by the cofactor forgives it. */
export const torsionInR: Sign = signWithR(Point.BASE.multiply(7n).add(TORSION).toBytes(), 7n);

function signWithR(encodedR: Uint8Array, nonce: bigint): Sign {
  return (message) => {
    const { scalar } = ed25519.utils.getExtendedPublicKey(DEVICES.Ed25519.secretKey);
    const publicKey = DEVICES.Ed25519.signer.publicKey.bytes;
    const k = fromLittle(sha512(concatBytes(encodedR, publicKey, message))) % L;
    return concatBytes(encodedR, little((nonce + k * scalar) % L));
  };
}
