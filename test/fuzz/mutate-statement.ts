/** Mutated statements: their bytes, their CBOR items and their header's entries, signed again or not. */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { bytesToHex, concatBytes, hexToBytes } from '../../src/bytes.ts';
import { CborFloat, type CborValue, encodeCbor } from '../../src/cbor.ts';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { decodeSign1, signatureInput } from '../../src/cose/sign1.ts';
import { createSigner } from '../../src/signature.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { mutateBytes } from './mutate-bytes.ts';

/** As far as docs/vectors/statements.json is read here. */
export interface StatementVectors {
  readonly devices: readonly { readonly algorithm: Algorithm; readonly secretKey: string }[];
  readonly statements: readonly {
    readonly algorithm: Algorithm;
    readonly publicKey: string;
    readonly statement: string;
    readonly verdict: string;
  }[];
}

export interface StatementPool {
  /** Those that are accepted; most of the others are refused for their form before much of them is read. */
  readonly good: readonly PooledStatement[];
  readonly statements: readonly PooledStatement[];
  /** Of the devices of the vectors. OpenSSL's, which signs fifty times faster than noble. */
  readonly secrets: Readonly<Record<Algorithm, KeyObject>>;
}

interface PooledStatement {
  readonly algorithm: Algorithm;
  readonly publicKey: Uint8Array;
  readonly bytes: Uint8Array;
}

/** The label of the CWT claims. */
const CLAIMS = 15;

/** Items that stand at the edge of something, encoded. */
const ITEMS: readonly Uint8Array[] = [
  ...['00', '17', '1818', '20', '40', '60', '80', 'a0', 'f4', 'f6', 'f7', 'ff', 'c0', 'd2'].map(hexToBytes),
  ...['1b001fffffffffffff', '1b0020000000000000', '1bffffffffffffffff', '3bffffffffffffffff'].map(hexToBytes),
  ...['1817', '190001', '1a00000001', '5f40ff', '9fff', 'bfff', 'f97e00', 'f97e01', 'fa7fc00000'].map(
    hexToBytes,
  ),
  ...['f90000', 'f98000', 'f93c00', 'fa3f800000', 'fb3ff0000000000000', 'fb3ff8cccccccccccd'].map(hexToBytes),
  ...['c249010000000000000000', '61ff', '62c328', '6161', '6100', '617f', '62c285', 'f0', 'f8ff'].map(
    hexToBytes,
  ),
  ...([112, 65_535, 65_536, -9, -19, -47, -7, -8, -70_001, -70_004, 2 ** 53 - 1] as const).map((n) =>
    encodeCbor(n),
  ),
  ...([253_402_300_799, 253_402_300_800, -62_135_596_800, -62_135_596_801] as const).map((n) =>
    encodeCbor(n),
  ),
  ...[253_402_300_799.5, -62_135_596_800.5, 0.1, Number.NaN, Number.POSITIVE_INFINITY].map((n) =>
    encodeCbor(new CborFloat(n)),
  ),
  ...['urn:dev:mac:0024befffe804ff1', 'urn:dev:ow:10e2073a01080063', 'vitals', 'text/plain', '/', 'a/b '].map(
    (t) => encodeCbor(t),
  ),
  ...[7, 8, 9, 31, 32, 33].map((length) => encodeCbor(new Uint8Array(length).fill(0xab))),
  encodeCbor([23_500_000, new Uint8Array(32)]),
  encodeCbor([2n ** 64n - 1n, new Uint8Array(32)]),
  encodeCbor(new Map<CborValue, CborValue>([[1, 'urn:dev:mac:0024befffe804ff1']])),
];

export function statementPool({ devices, statements }: StatementVectors): StatementPool {
  const secrets = devices.map(({ algorithm, secretKey }) => [algorithm, opensslKey(algorithm, secretKey)]);
  const pooled = statements.map(({ algorithm, publicKey, statement, verdict }) => ({
    algorithm,
    publicKey: hexToBytes(publicKey),
    bytes: hexToBytes(statement),
    isGood: verdict === 'accept',
  }));
  return {
    good: pooled.filter(({ isGood }) => isGood),
    statements: pooled,
    secrets: Object.fromEntries(secrets) as Record<Algorithm, KeyObject>,
  };
}

function opensslKey(algorithm: Algorithm, secretKey: string): KeyObject {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  const { bytes } = createSigner(algorithm, hexToBytes(secretKey)).publicKey;
  const d = base64(hexToBytes(secretKey));
  const key =
    algorithm === 'Ed25519'
      ? { kty: 'OKP', crv: 'Ed25519', x: base64(bytes), d }
      : {
          kty: 'EC',
          crv: algorithm === 'ESP256' ? 'P-256' : 'secp256k1',
          x: base64(bytes.subarray(1, 33)),
          y: base64(bytes.subarray(33)),
          d,
        };
  return createPrivateKey({ key, format: 'jwk' });
}

/** A statement with something changed, and the key of the device that it came from. */
export function mutatedStatement(random: SeededRandom, pool: StatementPool): PooledStatement {
  const from = random.pick(random.chance(1 / 4) ? pool.statements : pool.good);
  const other = random.pick(pool.statements);
  const sign1 = random.chance(1 / 4) ? undefined : decodeSign1(from.bytes);
  if (sign1?.kind !== 'ok' || sign1.value.payload === null) {
    return { ...from, bytes: mutateBytes(random, from.bytes, other.bytes) };
  }
  const { protectedHeader } = sign1.value;
  let { protectedBytes, payload, signature } = sign1.value;
  if (!random.chance(1 / 4)) protectedBytes = mutatedHeader(random, protectedHeader);
  else if (random.chance(1 / 2)) protectedBytes = mutateBytes(random, protectedBytes, other.bytes);
  if (random.chance(1 / 4)) payload = mutateBytes(random, payload, other.bytes);
  if (random.chance(1 / 2)) {
    const signer = random.chance(1 / 8) ? other.algorithm : from.algorithm;
    signature = signNow(pool, signer, signatureInput(protectedBytes, payload));
  }
  if (random.chance(1 / 8)) signature = mutateBytes(random, signature, other.bytes);
  return { ...from, bytes: putTogether(random, protectedBytes, payload, signature) };
}

function signNow({ secrets }: StatementPool, algorithm: Algorithm, message: Uint8Array): Uint8Array {
  const key = secrets[algorithm];
  if (algorithm === 'Ed25519') return sign(null, message, key);
  return sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
}

/** The header with something changed in it, or in the claims within it. */
function mutatedHeader(random: SeededRandom, header: ReadonlyMap<CborValue, CborValue>): Uint8Array {
  const claims = header.get(CLAIMS);
  const isWithin = claims instanceof Map && random.chance(1 / 3);
  const entries = [...header].map(([key, value]): [Uint8Array, Uint8Array] => [
    encodeCbor(key),
    isWithin && key === CLAIMS ? mutatedMap(random, encodedEntries(claims)) : encodeCbor(value),
  ]);
  return isWithin ? encodedMap(entries) : mutatedMap(random, entries);
}

function encodedEntries(map: ReadonlyMap<CborValue, CborValue>): [Uint8Array, Uint8Array][] {
  return [...map].map(([key, value]) => [encodeCbor(key), encodeCbor(value)]);
}

/** The map with entries changed, dropped, doubled, added or out of order; the rest stays deterministic. */
function mutatedMap(random: SeededRandom, entries: [Uint8Array, Uint8Array][]): Uint8Array {
  for (let changes = 1 + random.below(2); changes > 0 && entries.length > 0; changes--)
    changeEntry(random, entries);
  if (!random.chance(1 / 6)) entries.sort(([a], [b]) => (bytesToHex(a) < bytesToHex(b) ? -1 : 1));
  return encodedMap(entries);
}

function encodedMap(entries: readonly [Uint8Array, Uint8Array][]): Uint8Array {
  return concatBytes(mapHead(entries.length), ...entries.flat());
}

function changeEntry(random: SeededRandom, entries: [Uint8Array, Uint8Array][]): void {
  const at = random.below(entries.length);
  const entry = entries[at] as [Uint8Array, Uint8Array];
  switch (random.below(8)) {
    case 0:
      entries.splice(at, 1);
      return;
    case 1:
      entries.push([entry[0], random.pick(ITEMS)]);
      return;
    case 2:
      entries.push([random.pick(ITEMS), random.pick(ITEMS)]);
      return;
    case 3:
      entry[0] = random.pick(ITEMS);
      return;
    case 4:
      entry[1] = mutateBytes(random, entry[1], random.pick(ITEMS));
      return;
    default:
      entry[1] = random.pick(ITEMS);
  }
}

const mapHead = (pairs: number): Uint8Array =>
  pairs < 24 ? Uint8Array.of(0xa0 + pairs) : Uint8Array.of(0xb8, pairs);

/** COSE_Sign1 again; now and then with another tag, another unprotected header, or a part more. */
function putTogether(
  random: SeededRandom,
  protectedBytes: Uint8Array,
  payload: Uint8Array,
  signature: Uint8Array,
): Uint8Array {
  const odd = random.chance(1 / 16);
  return concatBytes(
    hexToBytes(odd && random.chance(1 / 3) ? random.pick(['d3', 'd812', 'd862', '']) : 'd2'),
    hexToBytes(odd && random.chance(1 / 3) ? random.pick(['83', '85', '9804', '9f']) : '84'),
    encodeCbor(protectedBytes),
    odd && random.chance(1 / 3) ? random.pick(ITEMS) : Uint8Array.of(0xa0),
    odd && random.chance(1 / 3) ? random.pick(ITEMS) : encodeCbor(payload),
    odd && random.chance(1 / 3) ? random.pick(ITEMS) : encodeCbor(signature),
  );
}
