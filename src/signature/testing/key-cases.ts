/** The keys of the corpus as COSE_Keys, and what enrolment says of each. */
import { bytesToHex, concatBytes } from '../../bytes.ts';
import { type CborValue, encodeCbor } from '../../cbor.ts';
import type { Algorithm } from '../../cose/algorithm.ts';
import { EcdsaCurve } from './ecdsa-points.ts';
import { edgeCases } from './edge-cases.ts';
import { big } from './signature-case.ts';

export interface KeyCase {
  readonly name: string;
  readonly algorithm: Algorithm;
  /** As it is presented for enrolment. */
  readonly coseKey: Uint8Array;
  /** The key as it is then used: 32 bytes, or 65 uncompressed. Undefined when it is refused. */
  readonly enrolled: Uint8Array | undefined;
}

/** kty and crv. */
const FORMS: Readonly<Record<Algorithm, readonly [number, number]>> = {
  Ed25519: [1, 6],
  ESP256: [2, 1],
  ES256K: [2, 8],
};

/** Every key of the corpus that a COSE_Key can say, and coordinates of wrong lengths. */
export function keyCases(): KeyCase[] {
  const cases: KeyCase[] = [];
  const seen = new Set<string>();
  for (const { name, algorithm, publicKey, enrollable } of edgeCases()) {
    const coordinates = coordinatesOf(algorithm, publicKey);
    const id = algorithm + bytesToHex(publicKey);
    if (coordinates === undefined || seen.has(id)) continue;
    seen.add(id);
    const enrolled = enrollable ? uncompressed(algorithm, publicKey) : undefined;
    cases.push({ name: `key of: ${name}`, algorithm, coseKey: coseKey(algorithm, ...coordinates), enrolled });
  }
  return [...cases, ...lengthCases('ESP256'), ...lengthCases('ES256K'), ...ed25519LengthCases()];
}

/** x and, for EC2, y or its sign; undefined for bytes that no COSE_Key can hold as they are. */
function coordinatesOf(algorithm: Algorithm, key: Uint8Array): [Uint8Array, CborValue?] | undefined {
  if (algorithm === 'Ed25519') return [key];
  const [prefix] = key;
  if (key.length === 65 && prefix === 4) return [key.slice(1, 33), key.slice(33)];
  if (key.length === 33 && (prefix === 2 || prefix === 3)) return [key.slice(1), prefix === 3];
  return undefined;
}

function uncompressed(algorithm: Algorithm, key: Uint8Array): Uint8Array {
  if (algorithm === 'Ed25519' || key.length === 65) return key;
  return new EcdsaCurve(algorithm).curve.Point.fromBytes(key).toBytes(false);
}

function coseKey(algorithm: Algorithm, x: CborValue, y?: CborValue): Uint8Array {
  const [kty, crv] = FORMS[algorithm];
  const members = new Map<CborValue, CborValue>([
    [1, kty],
    [-1, crv],
    [-2, x],
  ]);
  if (y !== undefined) members.set(-3, y);
  return encodeCbor(members);
}

/** Coordinates with a zero more or the leading zero left out, and the point at infinity as what some take for it. */
function lengthCases(algorithm: 'ESP256' | 'ES256K'): KeyCase[] {
  const { x, y } = new EcdsaCurve(algorithm).base.toAffine();
  const none = new Uint8Array(0);
  const forms: Readonly<Record<string, readonly [CborValue, CborValue?]>> = {
    'x of 31 bytes': [big(x).slice(1), big(y)],
    'x of 33 bytes': [concatBytes(Uint8Array.of(0), big(x)), big(y)],
    'y of 31 bytes': [big(x), big(y).slice(1)],
    'y of 33 bytes': [big(x), concatBytes(Uint8Array.of(0), big(y))],
    'x and y of no bytes': [none, none],
    'x of no bytes, y a sign': [none, false],
    'the whole point in x': [concatBytes(Uint8Array.of(4), big(x), big(y)), big(y)],
    'y left out': [big(x)],
    'y a number': [big(x), 1],
    'y null': [big(x), null],
    'x a sign': [true, big(y)],
  };
  return Object.entries(forms).map(([name, coordinates]) => ({
    name: `${algorithm} ${name}`,
    algorithm,
    coseKey: coseKey(algorithm, ...coordinates),
    enrolled: undefined,
  }));
}

function ed25519LengthCases(): KeyCase[] {
  const x = edgeCases()[0]?.publicKey as Uint8Array;
  return [
    { name: 'Ed25519 with a y', coseKey: coseKey('Ed25519', x, x) },
    { name: 'Ed25519 with a sign', coseKey: coseKey('Ed25519', x, true) },
  ].map((one) => ({ ...one, algorithm: 'Ed25519', enrolled: undefined }));
}
