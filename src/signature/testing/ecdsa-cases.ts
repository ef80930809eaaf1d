/** Edge cases of ECDSA over P-256 and secp256k1, and what the acceptance rule says of each. */
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '../../bytes.ts';
import type { EcdsaAlgorithm } from '../ecdsa.ts';
import { derOf, EcdsaCurve, rawSignature } from './ecdsa-points.ts';
import { big, type CaseChanges, flipped, fromBig, resized, type SignatureCase } from './signature-case.ts';

const MESSAGE = utf8ToBytes('sixty beats a minute');
const SECRET = 0x5ec3e7_0123456789abcdef_0123456789abcdef_0123456789abcdefn;
const NONCE = 0x0a0ce_fedcba9876543210_fedcba9876543210_fedcba9876543210n;
const MAX = (1n << 256n) - 1n;

type Make = (name: string, changes: CaseChanges) => SignatureCase;

/** Everything that the cases of one curve start from. */
interface Scene {
  readonly curve: EcdsaCurve;
  readonly key: Uint8Array;
  readonly r: bigint;
  readonly s: bigint;
  /** A case: invalid, under a key of good standing, unless the changes say otherwise. */
  readonly make: Make;
}

export function ecdsaCases(algorithm: EcdsaAlgorithm): SignatureCase[] {
  const curve = new EcdsaCurve(algorithm);
  const key = curve.publicKey(SECRET);
  const { r, s } = curve.sign(SECRET, NONCE, MESSAGE);
  const good = { algorithm, publicKey: key, message: MESSAGE, signature: rawSignature(r, s) };
  const make: Make = (name, changes) => ({
    ...good,
    valid: false,
    enrollable: true,
    ...changes,
    name: `${algorithm} ${name}`,
  });
  const scene = { curve, key, r, s, make };
  return [
    ...goodCases(scene),
    ...lengthCases(scene),
    ...formCases(scene),
    ...rangeCases(scene),
    ...extremeScalarCases(scene),
    ...aboveOrderCases(scene),
    ...specialKeyCases(scene),
    ...keyFormCases(scene),
    ...noPointCases(scene),
  ];
}

function goodCases({ curve, s, r, make }: Scene): SignatureCase[] {
  const lengths = [0, 1, 31, 32, 33, 55, 56, 63, 64, 65, 200];
  const low = s <= curve.n / 2n ? s : curve.n - s;
  return [
    ...lengths.map((length) => {
      const message = new Uint8Array(length).fill(length);
      const made = curve.sign(SECRET, NONCE + BigInt(length), message);
      return make(`good, message of ${length}`, {
        message,
        signature: rawSignature(made.r, made.s),
        valid: true,
      });
    }),
    make('low s', { signature: rawSignature(r, low), valid: true }),
    make('high s', { signature: rawSignature(r, curve.n - low), valid: true }),
  ];
}

function lengthCases({ key, r, s, make }: Scene): SignatureCase[] {
  const cases: SignatureCase[] = [];
  const signature = rawSignature(r, s);
  for (let length = 0; length <= 130; length++) {
    if (length !== 64) cases.push(make(`signature of ${length}`, { signature: resized(signature, length) }));
  }
  for (const length of [0, 1, 32, 33, 63, 64, 66, 97, 130]) {
    // The first 33 bytes of an uncompressed key begin with 04: no compressed key either.
    cases.push(make(`key of ${length}`, { publicKey: resized(key, length), enrollable: false }));
  }
  return cases;
}

/** DER, a recovery byte, exchanged parts, wrong messages and keys. */
function formCases({ curve, key, r, s, make }: Scene): SignatureCase[] {
  const signature = rawSignature(r, s);
  const little = (value: bigint): Uint8Array => big(value).reverse();
  const digest = sha256(MESSAGE);
  const overDigest = curve.sign(SECRET, NONCE, digest);
  // An r and s so short that their DER has 64 bytes.
  const short = { r: 1n << 223n, s: 1n << 231n };
  return [
    make('DER', { signature: derOf(r, s) }),
    make('DER with leading zeros', { signature: derOf(r, s, 1) }),
    make('DER cut to 64', { signature: derOf(r, s).subarray(0, 64) }),
    make('DER of 64 bytes', { signature: derOf(short.r, short.s) }),
    make('recovery byte behind', { signature: concatBytes(signature, Uint8Array.of(27)) }),
    make('recovery byte before', { signature: concatBytes(Uint8Array.of(27), signature) }),
    make('r and s exchanged', { signature: rawSignature(s, r) }),
    make('little-endian', { signature: concatBytes(little(r), little(s)) }),
    make('n - r', { signature: rawSignature(curve.n - r, s) }),
    make('another message', { message: flipped(MESSAGE, 3) }),
    make('key of another device', { publicKey: curve.publicKey(SECRET + 1n) }),
    make('key of opposite sign', { publicKey: curve.publicKey(curve.n - SECRET) }),
    make('hashed twice', { signature: rawSignature(overDigest.r, overDigest.s) }),
    make('the digest is the message', { message: digest, publicKey: key }),
  ];
}

/** r and s of 0, n and what lies at and above them, alone and together. */
function rangeCases({ curve: { n, p }, r, s, make }: Scene): SignatureCase[] {
  const outside: Record<string, bigint> = { 0: 0n, n, 'n + 1': n + 1n, p, 'p + 1': p + 1n, '2^256 - 1': MAX };
  const cases: SignatureCase[] = [];
  for (const [name, value] of Object.entries(outside)) {
    cases.push(make(`r of ${name}`, { signature: rawSignature(value, s) }));
    cases.push(make(`s of ${name}`, { signature: rawSignature(r, value) }));
    for (const [other, second] of Object.entries(outside)) {
      cases.push(make(`r of ${name}, s of ${other}`, { signature: rawSignature(value, second) }));
    }
  }
  for (const [name, value] of Object.entries({ 1: 1n, 'n - 1': n - 1n })) {
    cases.push(make(`r of ${name}, not met`, { signature: rawSignature(value, s) }));
    cases.push(make(`s of ${name}, not met`, { signature: rawSignature(r, value) }));
  }
  return cases;
}

/** s at its ends, made valid by choice of the key; and the same s with n added, where 32 bytes hold it. */
function extremeScalarCases({ curve, make }: Scene): SignatureCase[] {
  const { n } = curve;
  const point = curve.base.multiply(NONCE);
  const r = point.toAffine().x % n;
  const cases: SignatureCase[] = [];
  const values: Record<string, bigint> = {
    1: 1n,
    2: 2n,
    '2^64': 1n << 64n,
    '(n - 1) / 2': (n - 1n) / 2n,
    '(n + 1) / 2': (n + 1n) / 2n,
    'n - 2': n - 2n,
    'n - 1': n - 1n,
  };
  for (const [name, s] of Object.entries(values)) {
    const publicKey = curve.keyThatMeets(r, s, point, MESSAGE);
    cases.push(make(`s of ${name}`, { publicKey, signature: rawSignature(r, s), valid: true }));
    cases.push(make(`s of n - (${name})`, { publicKey, signature: rawSignature(r, n - s), valid: true }));
    if (s + n <= MAX)
      cases.push(make(`s of ${name} with n added`, { publicKey, signature: rawSignature(r, s + n) }));
  }
  return cases;
}

/**
 * Points whose x lies in [n, p): their r is x - n, and x itself is out of range. And the reverse: a small r that is the
 * x of its point, where x + n would be in the field too.
 */
function aboveOrderCases({ curve, make }: Scene): SignatureCase[] {
  const { n } = curve;
  const cases: SignatureCase[] = [];
  const s = SECRET;
  let [above, below] = [n + 1n, 1n];
  for (let i = 0; i < 4; i++) {
    const high = curve.liftFrom(above);
    const x = high.toAffine().x;
    const publicKey = curve.keyThatMeets(x - n, s, high, MESSAGE);
    cases.push(make(`x above n ${i}`, { publicKey, signature: rawSignature(x - n, s), valid: true }));
    cases.push(make(`x above n ${i}, not reduced`, { publicKey, signature: rawSignature(x, s) }));
    above = x + 1n;

    const low = curve.liftFrom(below);
    const r = low.toAffine().x;
    const lowKey = curve.keyThatMeets(r, s, low, MESSAGE);
    cases.push(make(`small r ${i}`, { publicKey: lowKey, signature: rawSignature(r, s), valid: true }));
    cases.push(make(`small r ${i} with n added`, { publicKey: lowKey, signature: rawSignature(r + n, s) }));
    below = r + 1n;
  }
  return cases;
}

/** Keys that lead a verifier's additions to a doubling, to the point at infinity, or to G itself. */
function specialKeyCases({ curve, make }: Scene): SignatureCase[] {
  const { n } = curve;
  const { Fn } = curve.curve.Point;
  const e = curve.hash(MESSAGE);
  const cases = [1n, 2n, 3n, n - 1n, n - 2n, (n + 1n) / 2n].map((secret, at) => {
    const { r, s } = curve.sign(secret, NONCE, MESSAGE);
    return make(`special key ${at}`, {
      publicKey: curve.publicKey(secret),
      signature: rawSignature(r, s),
      valid: true,
    });
  });
  // u1 G = u2 Q when the secret is e / r.
  const r = curve.base.multiply(NONCE).toAffine().x % n;
  const doubling = Fn.div(e, r);
  cases.push(
    make('u1 G is u2 Q', {
      publicKey: curve.publicKey(doubling),
      signature: rawSignature(r, Fn.div(Fn.create(2n * e), NONCE)),
      valid: true,
    }),
  );
  // u1 G = -u2 Q when it is -e / r, whatever s is.
  for (const s of [1n, 9n, SECRET, n - 1n]) {
    cases.push(
      make(`u1 G + u2 Q at infinity, s ${s === SECRET ? 'any' : s === n - 1n ? 'n - 1' : s}`, {
        publicKey: curve.publicKey(n - doubling),
        signature: rawSignature(r, s),
      }),
    );
  }
  return cases;
}

/** The other forms of the same good key. Enrolment takes the compressed one alone; verification none. */
function keyFormCases({ curve, key, make }: Scene): SignatureCase[] {
  const point = key.subarray(1);
  const odd = (key[64] as number) & 1;
  const prefixed = (prefix: number, bytes: Uint8Array): Uint8Array =>
    concatBytes(Uint8Array.of(prefix), bytes);
  const x = point.subarray(0, 32);
  const cases = [
    make('compressed key', { publicKey: prefixed(2 + odd, x) }),
    make('compressed key of opposite sign', { publicKey: prefixed(3 - odd, x) }),
    make('key without prefix', { publicKey: point, enrollable: false }),
    make('key at infinity', { publicKey: Uint8Array.of(0), enrollable: false }),
    make('key at infinity, filled up', { publicKey: new Uint8Array(65), enrollable: false }),
    make('key at infinity, 33 bytes', { publicKey: new Uint8Array(33), enrollable: false }),
  ];
  for (const prefix of [0, 1, 2, 3, 5, 6, 7, 8, 0x44, 0x84, 0xff])
    cases.push(make(`key with prefix ${prefix}`, { publicKey: prefixed(prefix, point), enrollable: false }));
  for (const prefix of [0, 1, 4, 5, 6, 7]) {
    const publicKey = prefixed(prefix, x);
    cases.push(make(`key of 33 bytes with prefix ${prefix}`, { publicKey, enrollable: false }));
  }
  // Of its own curve a good key; of this one none.
  const other = new EcdsaCurve(curve.algorithm === 'ESP256' ? 'ES256K' : 'ESP256');
  const { r, s } = other.sign(SECRET, NONCE, MESSAGE);
  cases.push(
    make('key and signature of the other curve', {
      publicKey: other.publicKey(SECRET),
      signature: rawSignature(r, s),
      enrollable: false,
    }),
  );
  return cases;
}

/** Coordinates that are no point, or not reduced. */
function noPointCases({ curve, key, make }: Scene): SignatureCase[] {
  const { p } = curve;
  const [x, y] = [fromBig(key.subarray(1, 33)), fromBig(key.subarray(33))];
  const uncompressed = (x: bigint, y: bigint): Uint8Array => concatBytes(Uint8Array.of(4), big(x), big(y));
  const small = curve.liftFrom(2n).toAffine();
  let noX = 2n;
  while (curve.lift(noX) !== undefined) noX += 1n;
  const bad: Record<string, Uint8Array> = {
    'y + 1': uncompressed(x, y + 1n),
    'x + 1': uncompressed(x + 1n, y),
    'x and y exchanged': uncompressed(y, x),
    'y of 0': uncompressed(x, 0n),
    'x and y of 0': uncompressed(0n, 0n),
    'x and y of p': uncompressed(p, p),
    'x not reduced': uncompressed(small.x + p, small.y),
    'x of p': uncompressed(p, y),
    'y of p': uncompressed(x, p),
    'x of ff': uncompressed(MAX, y),
    'y of ff': uncompressed(x, MAX),
    'x of no point': uncompressed(noX, 1n),
    'compressed, x of no point': concatBytes(Uint8Array.of(2), big(noX)),
    'compressed, x not reduced': concatBytes(Uint8Array.of(2), big(small.x + p)),
    'compressed, x of ff': concatBytes(Uint8Array.of(3), big(MAX)),
  };
  // y + p fits into 32 bytes only where y is small.
  const lowY = smallY(curve);
  if (lowY !== undefined) bad['y not reduced'] = uncompressed(lowY.x, lowY.y + p);
  const cases = Object.entries(bad).map(([name, publicKey]) =>
    make(`key with ${name}`, { publicKey, enrollable: false }),
  );
  // The point with x = 0 is on P-256; y^2 = 7 has no root for secp256k1.
  const zero = curve.lift(0n);
  if (zero !== undefined) cases.push(make('key with x of 0', { publicKey: zero.toBytes(false) }));
  return cases;
}

/** A point of secp256k1 with a small y: x is a cube root of y^2 - 7, which a third of all numbers have. */
function smallY({ algorithm, p, curve }: EcdsaCurve): { readonly x: bigint; readonly y: bigint } | undefined {
  if (algorithm !== 'ES256K') return undefined;
  const { Fp } = curve.Point;
  for (let y = 1n; ; y++) {
    const cube = Fp.create(y * y - 7n);
    const x = Fp.pow(cube, (p + 2n) / 9n); // p is 7 modulo 9
    if (Fp.mul(Fp.mul(x, x), x) === cube) return { x, y };
  }
}
