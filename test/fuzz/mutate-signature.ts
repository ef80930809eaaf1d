/** Mutated signatures with their keys and messages. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { concatBytes } from '../../src/bytes.ts';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { edgeCases } from '../../src/signature/testing/edge-cases.ts';
import { big, fromBig, fromLittle, little } from '../../src/signature/testing/signature-case.ts';
import { createSigner } from '../../src/signature.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { mutateBytes, mutateNumber } from './mutate-bytes.ts';

/** What a verifier is asked. */
export interface Claim {
  readonly algorithm: Algorithm;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

const ALGORITHMS: readonly Algorithm[] = ['Ed25519', 'ESP256', 'ES256K'];
const POINTS = { Ed25519: ed25519.Point, ESP256: p256.Point, ES256K: secp256k1.Point } as const;
const HONEST_KEYS = 4;
const HONEST_SIGNATURES = 12;

type Pool = Readonly<
  Record<Algorithm, { readonly honest: readonly Claim[]; readonly edge: readonly Claim[] }>
>;

/** Honest signatures and the edge cases, to start from. */
export async function makePool(): Promise<Pool> {
  const part = async (algorithm: Algorithm) => ({
    honest: await honestClaims(algorithm),
    edge: edgeCases().filter((one) => one.algorithm === algorithm),
  });
  return { Ed25519: await part('Ed25519'), ESP256: await part('ESP256'), ES256K: await part('ES256K') };
}

async function honestClaims(algorithm: Algorithm): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (let key = 1; key <= HONEST_KEYS; key++) {
    const signer = createSigner(algorithm, new Uint8Array(32).fill(key));
    for (let i = 0; i < HONEST_SIGNATURES; i++) {
      const message = new Uint8Array(i * 17).fill(i);
      const signature = await signer.sign(message);
      claims.push({ algorithm, publicKey: signer.publicKey.bytes, message, signature });
    }
  }
  return claims;
}

/** A claim with nothing to several things changed. */
export function mutatedClaim(random: SeededRandom, pool: Pool): Claim {
  const algorithm = random.pick(ALGORITHMS);
  const draw = (of: Algorithm = algorithm): Claim =>
    random.pick(random.chance(1 / 2) ? pool[of].edge : pool[of].honest);
  let claim = draw();
  for (let changes = random.below(4); changes > 0; changes--) {
    const from = draw(random.chance(1 / 8) ? random.pick(ALGORITHMS) : algorithm);
    claim = changed(random, claim, from);
  }
  return claim;
}

function changed(random: SeededRandom, claim: Claim, from: Claim): Claim {
  const { algorithm, publicKey, message, signature } = claim;
  switch (random.below(10)) {
    case 0:
    case 1:
      return { ...claim, signature: mutateBytes(random, signature, from.signature) };
    case 2:
    case 3:
    case 4:
      return { ...claim, signature: mutatedScalar(random, algorithm, signature) };
    case 5:
      return { ...claim, publicKey: mutateBytes(random, publicKey, from.publicKey) };
    case 6:
      return { ...claim, publicKey: mutatedCoordinate(random, algorithm, publicKey) };
    case 7:
      return { ...claim, message: mutateBytes(random, message, from.message) };
    case 8:
      return { ...claim, [random.pick(['publicKey', 'message', 'signature'])]: from[random.pick(FIELDS)] };
    default:
      return { ...claim, ...exchanged(random, claim, from) };
  }
}

const FIELDS = ['publicKey', 'message', 'signature'] as const;

/** One field, or one half of the signature, from another claim. */
function exchanged(random: SeededRandom, claim: Claim, from: Claim): Partial<Claim> {
  const field = random.pick([...FIELDS, 'halves', 'first half', 'second half'] as const);
  const [a, b] = [claim.signature.subarray(0, 32), claim.signature.subarray(32)];
  switch (field) {
    case 'halves':
      return { signature: concatBytes(b, a) };
    case 'first half':
      return { signature: concatBytes(from.signature.subarray(0, 32), b) };
    case 'second half':
      return { signature: concatBytes(a, from.signature.subarray(32)) };
    default:
      return { [field]: from[field] };
  }
}

function mutatedScalar(random: SeededRandom, algorithm: Algorithm, signature: Uint8Array): Uint8Array {
  if (signature.length !== 64) return signature;
  const { Fn, Fp } = POINTS[algorithm];
  const at = algorithm === 'Ed25519' && !random.chance(1 / 4) ? 32 : random.pick([0, 32]);
  return withNumber(random, signature, at, algorithm === 'Ed25519', Fn.ORDER, Fp.ORDER);
}

function mutatedCoordinate(random: SeededRandom, algorithm: Algorithm, publicKey: Uint8Array): Uint8Array {
  const { Fn, Fp } = POINTS[algorithm];
  if (algorithm === 'Ed25519') {
    return publicKey.length === 32 ? withNumber(random, publicKey, 0, true, Fp.ORDER, Fn.ORDER) : publicKey;
  }
  return publicKey.length === 65
    ? withNumber(random, publicKey, random.pick([1, 33]), false, Fp.ORDER, Fn.ORDER)
    : publicKey;
}

/** The number of 32 bytes at a place changed. */
function withNumber(
  random: SeededRandom,
  bytes: Uint8Array,
  at: number,
  isLittle: boolean,
  modulus: bigint,
  field: bigint,
): Uint8Array {
  const part = bytes.subarray(at, at + 32);
  const value = mutateNumber(random, isLittle ? fromLittle(part) : fromBig(part), modulus, field);
  const copy = Uint8Array.from(bytes);
  copy.set(isLittle ? little(value) : big(value), at);
  return copy;
}
