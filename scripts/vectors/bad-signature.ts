/** Well-formed statements that the named key did not sign by the acceptance rule, or that name the wrong key or device. */
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '../../src/bytes.ts';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { keyId } from '../../src/cose/key.ts';
import { signatureInput } from '../../src/cose/sign1.ts';
import { type Changes, type Draft, draft, type Expected, signNow, withClaim, withLabel } from './draft.ts';
import { hex, raw, rawArray } from './raw-cbor.ts';
import { big, derSignature, nonCanonicalR, orderOf, smallOrderR, torsionInR, unreducedS } from './scalars.ts';
import { DEVICES, type TestDevice } from './test-keys.ts';

const ALGORITHMS = Object.keys(DEVICES) as Algorithm[];
const { Ed25519: ED, ESP256: P256, ES256K: K256 } = DEVICES;

export function badSignatureDrafts(): Draft[] {
  return [
    ...ALGORITHMS.flatMap(ofEvery),
    ...ofEcdsa(P256),
    ...ofEcdsa(K256),
    ...ofEd25519(),
    ...ofIdentity(),
  ];
}

const bad = (
  name: string,
  description: string,
  changes: Changes,
  expected: Expected = 'bad-signature',
): Draft => ({
  name,
  description,
  device: changes.device ?? ED,
  bytes: draft(changes),
  expected,
});

function ofEvery(algorithm: Algorithm): Draft[] {
  const device = DEVICES[algorithm];
  const other: TestDevice = DEVICES[algorithm === 'Ed25519' ? 'ESP256' : 'Ed25519'];
  const context =
    (text: string): NonNullable<Changes['message']> =>
    (header, payload) =>
      rawArray([raw(text), raw(header), hex('40'), raw(payload)]);
  return [
    bad(`${algorithm}-flipped`, 'One bit of the signature is flipped.', {
      device,
      sign: (message) => flipLast(signNow(device, message)),
    }),
    bad(`${algorithm}-changed`, 'The payload was changed after signing: 72 became 73.', {
      device,
      parts: ({ payload }) => ({ payload: flipLast(payload) }),
    }),
    bad(`${algorithm}-zero`, 'A signature of zeros.', { device, sign: () => new Uint8Array(64) }),
    bad(`${algorithm}-other-key`, 'Signed with the key of another device.', {
      device,
      sign: (message) => signNow(other, message),
    }),
    bad(`${algorithm}-payload-only`, 'The payload was signed instead of the Sig_structure.', {
      device,
      message: (_, payload) => payload,
    }),
    bad(`${algorithm}-context`, 'The Sig_structure says "Signature", which is for COSE_Sign.', {
      device,
      message: context('Signature'),
    }),
    bad(`${algorithm}-prehashed`, 'The SHA-256 of the Sig_structure was signed as if it were the message.', {
      device,
      message: (header, payload) => sha256(signatureInput(header, payload)),
    }),
  ];
}

function ofEcdsa(device: TestDevice): Draft[] {
  const { algorithm } = device;
  const n = orderOf(device);
  const halves = (change: (r: Uint8Array, s: Uint8Array) => Uint8Array): Changes => ({
    device,
    sign: (message) => {
      const signature = signNow(device, message);
      return change(signature.slice(0, 32), signature.slice(32));
    },
  });
  return [
    bad(
      `${algorithm}-der`,
      'The signature in DER. It has not 64 bytes, so the statement is malformed.',
      { device, sign: derSignature(device) },
      'malformed',
    ),
    bad(
      `${algorithm}-recoverable`,
      'A 65th byte, as Ethereum wallets append.',
      halves((r, s) => concatBytes(r, s, Uint8Array.of(27))),
      'malformed',
    ),
    bad(
      `${algorithm}-swapped`,
      's || r.',
      halves((r, s) => concatBytes(s, r)),
    ),
    bad(
      `${algorithm}-little-endian`,
      'r and s with the least significant byte first.',
      halves((r, s) => concatBytes(r.reverse(), s.reverse())),
    ),
    bad(
      `${algorithm}-r-zero`,
      'r = 0.',
      halves((_, s) => concatBytes(new Uint8Array(32), s)),
    ),
    bad(
      `${algorithm}-s-zero`,
      's = 0.',
      halves((r) => concatBytes(r, new Uint8Array(32))),
    ),
    bad(
      `${algorithm}-s-n`,
      's = n.',
      halves((r) => concatBytes(r, big(n))),
    ),
    bad(
      `${algorithm}-r-n`,
      'r = n.',
      halves((_, s) => concatBytes(big(n), s)),
    ),
  ];
}

function ofEd25519(): Draft[] {
  return [
    bad('Ed25519-s-unreduced', 'S + L: the same scalar, not reduced.', { sign: unreducedS }),
    bad('Ed25519-small-order-r', 'R is the neutral element, and the equation holds.', { sign: smallOrderR }),
    bad('Ed25519-non-canonical-r', 'The same R with y = 1 written as p + 1.', { sign: nonCanonicalR }),
    bad(
      'Ed25519-torsion-r',
      'R carries a point of order 8: valid only where the equation is multiplied by the cofactor.',
      { sign: torsionInR },
    ),
    bad(
      'Ed25519-short',
      'A signature of 63 bytes is malformed.',
      { sign: (message) => signNow(ED, message).slice(1) },
      'malformed',
    ),
  ];
}

function ofIdentity(): Draft[] {
  return [
    bad(
      'other-kid',
      'kid is that of another device’s key.',
      withLabel(4, raw(keyId(P256.signer.publicKey))),
      'unknown-key',
    ),
    bad(
      'other-alg',
      'alg is ES256K, the key that kid names is for ESP256.',
      { device: P256, ...withLabel(1, raw(-47)) },
      'unknown-key',
    ),
    bad('other-iss', 'iss is another device than the topic’s.', withClaim(1, raw(P256.urn)), 'wrong-issuer'),
    {
      name: 'other-topic',
      description: 'A good statement on the topic of another device.',
      device: ED,
      topicDevice: P256.urn,
      bytes: draft(),
      expected: 'wrong-issuer',
    },
  ];
}

function flipLast(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
}
