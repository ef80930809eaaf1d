/** Edge cases of Ed25519, and what the acceptance rule says of each. */
import { ed25519, ed25519ctx, ed25519ph } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '../../bytes.ts';
import {
  BASE,
  challenge,
  findMessage,
  L,
  noPoints,
  residue,
  SMALL_ORDER,
  signatureWith,
  torsion,
  unreducedEncodings,
} from './ed25519-points.ts';
import {
  type CaseChanges,
  flipped,
  fromLittle,
  little,
  resized,
  type SignatureCase,
} from './signature-case.ts';

const SEED = new Uint8Array(32).fill(0x5e);
const OTHER_SEED = new Uint8Array(32).fill(0x0e);
const MESSAGE = utf8ToBytes('sixty beats a minute');
const KEY = ed25519.getPublicKey(SEED);
const SIGNATURE = ed25519.sign(MESSAGE, SEED);
const [R, S] = [SIGNATURE.subarray(0, 32), SIGNATURE.subarray(32)];

/** Scalars for the cases that need their parts: not secret, not clamped. */
const SECRET = 12_345_678_901_234_567n;
const NONCE = 98_765_432_109_876_543n;
const PURE_KEY = BASE.multiply(SECRET).toBytes();
const PURE_R = BASE.multiply(NONCE).toBytes();

export function ed25519Cases(): SignatureCase[] {
  return [
    ...goodCases(),
    ...formCases(),
    ...scalarCases(),
    ...smallOrderKeyCases(),
    ...smallOrderRCases(),
    ...mixedOrderCases(),
    ...notReducedChallengeCases(),
    ...encodingCases(),
    ...otherSchemeCases(),
  ];
}

/** A case: invalid, under a key of good standing, unless `changes` says otherwise. */
function make(name: string, changes: CaseChanges): SignatureCase {
  return {
    name: `Ed25519 ${name}`,
    algorithm: 'Ed25519',
    publicKey: KEY,
    message: MESSAGE,
    signature: SIGNATURE,
    valid: false,
    enrollable: true,
    ...changes,
  };
}

function goodCases(): SignatureCase[] {
  const lengths = [0, 1, 31, 32, 33, 111, 112, 127, 128, 200];
  return [
    ...lengths.map((length) => {
      const message = new Uint8Array(length).fill(length);
      const signature = ed25519.sign(message, SEED);
      return make(`good, message of ${length}`, { message, signature, valid: true });
    }),
    make('good, from bare scalars', {
      publicKey: PURE_KEY,
      signature: signatureWith(PURE_R, NONCE, SECRET, challenge(PURE_R, PURE_KEY, MESSAGE)),
      valid: true,
    }),
  ];
}

/** Lengths, halves and bits. */
function formCases(): SignatureCase[] {
  const cases: SignatureCase[] = [];
  for (let length = 0; length <= 130; length++) {
    if (length !== 64) cases.push(make(`signature of ${length}`, { signature: resized(SIGNATURE, length) }));
  }
  for (const length of [0, 1, 31, 33, 63, 64, 65]) {
    cases.push(make(`key of ${length}`, { publicKey: resized(KEY, length), enrollable: false }));
  }
  const half = new Uint8Array(32);
  return [
    ...cases,
    make('zero signature', { signature: new Uint8Array(64) }),
    make('signature of ff', { signature: new Uint8Array(64).fill(0xff) }),
    make('zero R', { signature: concatBytes(half, S) }),
    make('zero S', { signature: concatBytes(R, half) }),
    make('halves exchanged', { signature: concatBytes(S, R) }),
    make('R twice', { signature: concatBytes(R, R) }),
    make('S big-endian', { signature: concatBytes(R, Uint8Array.from(S).reverse()) }),
    make('R of opposite sign', { signature: flipped(SIGNATURE, 255) }),
    make('S of opposite sign', { signature: concatBytes(R, little(L - fromLittle(S))) }),
    make('key of opposite sign', { publicKey: flipped(KEY, 255) }),
    make('key of another device', { publicKey: ed25519.getPublicKey(OTHER_SEED) }),
    make('another message', { message: flipped(MESSAGE, 3) }),
  ];
}

/** S that is not reduced, and other S. */
function scalarCases(): SignatureCase[] {
  const s = fromLittle(S);
  const cases: SignatureCase[] = [];
  for (let m = 1n; s + m * L < 1n << 256n; m++) {
    cases.push(make(`S + ${m}L`, { signature: concatBytes(R, little(s + m * L)) }));
  }
  for (const bit of [252, 253, 254, 255]) {
    cases.push(make(`S with bit ${bit} set`, { signature: concatBytes(R, little(s | (1n << BigInt(bit)))) }));
  }
  const others = {
    1: 1n,
    'L - 1': L - 1n,
    L,
    'L + 1': L + 1n,
    '2^252': 1n << 252n,
    '2^253 - 1': (1n << 253n) - 1n,
  };
  for (const [name, value] of Object.entries(others)) {
    cases.push(make(`S of ${name}`, { signature: concatBytes(R, little(value)) }));
  }
  return cases;
}

/** A of small order, with an R and an S under which the equation holds: anyone can make these, for any message. */
function smallOrderKeyCases(): SignatureCase[] {
  const cases: SignatureCase[] = [];
  for (const a of SMALL_ORDER) {
    const under = (name: string, r: Uint8Array, j: number, nonce: bigint): void => {
      // Some torsion in R can be undone by none in A: then only the cofactored equation holds.
      const canHold = canCancel(a.j, j);
      const { message } = findMessage(r, a.bytes, (k) => !canHold || residue(a.j, j, k) === 0);
      const signature = concatBytes(r, little(nonce));
      cases.push(
        make(`small-order A ${a.name}, ${name}`, {
          publicKey: a.bytes,
          message,
          signature,
          enrollable: false,
        }),
      );
    };
    for (const r of SMALL_ORDER) under(`R ${r.name}`, r.bytes, r.j, 0n);
    under('good R', PURE_R, 0, NONCE);
  }
  return cases;
}

/** R of small order, with the S that satisfies the equation, with or without the cofactor. */
function smallOrderRCases(): SignatureCase[] {
  const cases: SignatureCase[] = [];
  for (const r of SMALL_ORDER) {
    const signature = signatureWith(r.bytes, 0n, SECRET, challenge(r.bytes, PURE_KEY, MESSAGE));
    cases.push(make(`small-order R ${r.name}`, { publicKey: PURE_KEY, signature }));
    for (let i = 1; i < 8; i++) {
      if (!canCancel(i, r.j)) continue;
      const publicKey = BASE.multiply(SECRET).add(torsion(i)).toBytes();
      const { message, k } = findMessage(r.bytes, publicKey, (k) => residue(i, r.j, k) === 0);
      cases.push(
        make(`small-order R ${r.name}, A with torsion ${i}, equation holds`, {
          publicKey,
          message,
          signature: signatureWith(r.bytes, 0n, SECRET, k),
          enrollable: false,
        }),
      );
    }
  }
  return cases;
}

/** Whether some challenge makes the torsion i of A undo the torsion j of R. */
function canCancel(i: number, j: number): boolean {
  return [0, 1, 2, 3, 4, 5, 6, 7].some((k) => (j + k * i) % 8 === 0);
}

/** Torsion in A, in R or in both: the equation without cofactor decides. */
function mixedOrderCases(): SignatureCase[] {
  const cases: SignatureCase[] = [];
  for (let i = 0; i < 8; i++) {
    for (let j = 0; j < 8; j++) {
      if (i === 0 && j === 0) continue; // a good signature
      if (canCancel(i, j)) cases.push(mixedOrderCase(i, j, true));
      cases.push(mixedOrderCase(i, j, false));
    }
  }
  return cases;
}

/** Torsion i in A and j in R, which cancel or not. */
function mixedOrderCase(i: number, j: number, valid: boolean): SignatureCase {
  const publicKey = BASE.multiply(SECRET).add(torsion(i)).toBytes();
  const r = BASE.multiply(NONCE).add(torsion(j)).toBytes();
  const { message, k } = findMessage(r, publicKey, (k) => (residue(i, j, k) === 0) === valid);
  return make(`A with torsion ${i}, R with torsion ${j}: ${valid ? 'torsion cancels' : 'cofactored only'}`, {
    publicKey,
    message,
    signature: signatureWith(r, NONCE, SECRET, k),
    valid,
    enrollable: i === 0,
  });
}

/** Under a key with torsion it matters that the challenge is reduced modulo L before it multiplies the key. */
function notReducedChallengeCases(): SignatureCase[] {
  const publicKey = BASE.multiply(SECRET).add(torsion(1)).toBytes();
  return [true, false].map((valid) => {
    const differ = (k: bigint): boolean => ((k % L) % 8n === 0n) === valid && (k % 8n === 0n) !== valid;
    const { message, k } = findMessage(PURE_R, publicKey, differ);
    return make(`A with torsion, challenge ${valid ? '' : 'not '}reduced`, {
      publicKey,
      message,
      signature: signatureWith(PURE_R, NONCE, SECRET, k),
      valid,
      enrollable: false,
    });
  });
}

/** Encodings of A and R that are not canonical, or no point. */
function encodingCases(): SignatureCase[] {
  const cases: SignatureCase[] = [];
  const bad = [
    ...unreducedEncodings().map((bytes, at) => ({ name: `unreduced ${at}`, bytes })),
    ...noPoints().map((bytes, at) => ({ name: `no point ${at}`, bytes })),
    { name: 'ff', bytes: new Uint8Array(32).fill(0xff) },
  ];
  for (const { name, bytes } of bad) {
    cases.push(make(`A ${name}`, { publicKey: bytes, enrollable: false }));
    const signature = signatureWith(bytes, 0n, SECRET, challenge(bytes, PURE_KEY, MESSAGE));
    cases.push(make(`R ${name}`, { publicKey: PURE_KEY, signature }));
    cases.push(
      make(`A and R ${name}`, {
        publicKey: bytes,
        signature: concatBytes(bytes, new Uint8Array(32)),
        enrollable: false,
      }),
    );
  }
  // The challenge over the canonical form of an encoding that was sent in another.
  for (const { name, j, bytes } of SMALL_ORDER.slice(8)) {
    const canonical = torsion(j).toBytes();
    const k = challenge(canonical, PURE_KEY, MESSAGE);
    const signature = signatureWith(bytes, 0n, SECRET, k);
    cases.push(make(`R ${name}, challenge over its canonical form`, { publicKey: PURE_KEY, signature }));
  }
  return cases;
}

/** Signatures of the same key under neighbouring schemes. */
function otherSchemeCases(): SignatureCase[] {
  return [
    make('Ed25519ph', { signature: ed25519ph.sign(MESSAGE, SEED) }),
    make('Ed25519ctx', { signature: ed25519ctx.sign(MESSAGE, SEED, { context: Uint8Array.of(1) }) }),
    make('the hash was signed', { signature: ed25519.sign(sha512(MESSAGE), SEED) }),
  ];
}
