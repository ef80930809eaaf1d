/**
 * Mutated signatures, keys, messages and whole statements: every library must say the same, both readers of statements must
 * read the same, and nothing may throw.
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { parsePublicKeyNatively } from '../../gateway/crypto/public-key.ts';
import { agreedVerdict } from '../../gateway/crypto/testing/all-backends.ts';
import { bytesToHex } from '../../src/bytes.ts';
import { decodeCoseKey, encodeCoseKey, parsePublicKey } from '../../src/cose/key.ts';
import { inspectPayload } from '../../src/payload.ts';
import { decodeStatement, type Statement } from '../../src/statement.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { readStatement, type StatementContent } from './independent-statement.ts';
import { type Claim, makePool, mutatedClaim } from './mutate-signature.ts';
import { mutatedStatement, type StatementVectors, statementPool } from './mutate-statement.ts';
import { FuzzFinding, type FuzzOptions, type FuzzTarget } from './target.ts';

const VECTORS = new URL('../../docs/vectors/statements.json', import.meta.url);
/** Of so many runs one asks whether enrolment takes the key: for Ed25519 that costs as much as a verification by noble. */
const ENROLMENT_ONE_IN = 8;
const LINES = 20;

/** How often what was tried, and how often the answer was yes: a fuzzer that only ever hears no tests little. */
export interface SignatureCounts {
  signatures: number;
  valid: number;
  statements: number;
  wellFormed: number;
  wellSigned: number;
  keys: number;
  enrollable: number;
}

export const signatureFuzz: FuzzTarget = {
  summary: 'signatures, keys and statements: every backend gives the same verdict',
  run: async (options) => ({ ...(await fuzzSignatures(options)) }),
};

/** The run behind {@link signatureFuzz}, with its counts. */
export async function fuzzSignatures({ runs, seed, say }: FuzzOptions): Promise<SignatureCounts> {
  const claims = await makePool();
  const statements = statementPool(JSON.parse(readFileSync(VECTORS, 'utf8')) as StatementVectors);
  const counts: SignatureCounts = {
    signatures: 0,
    valid: 0,
    statements: 0,
    wellFormed: 0,
    wellSigned: 0,
    keys: 0,
    enrollable: 0,
  };
  for (let i = 0; i < runs; i++) {
    const random = new SeededRandom(seed + i);
    try {
      if (random.chance(1 / 3)) checkStatement(mutatedStatement(random, statements), counts);
      else checkClaim(random, mutatedClaim(random, claims), counts);
    } catch (error) {
      throw new FuzzFinding('signatures', { runs: 1, seed: seed + i }, (error as Error).message);
    }
    if ((i + 1) % Math.ceil(runs / LINES) === 0) say(`${i + 1} of ${runs}`);
  }
  return counts;
}

function checkClaim(random: SeededRandom, claim: Claim, counts: SignatureCounts): void {
  const { algorithm, publicKey, message, signature } = claim;
  counts.signatures += 1;
  const isValid = agreedVerdict(algorithm, publicKey, message, signature);
  if (isValid) counts.valid += 1;
  if (random.chance(1 / ENROLMENT_ONE_IN)) checkKey(claim, counts);
}

/** Native code takes the keys that the reference takes, and what is taken comes back the same from its own encoding. */
function checkKey({ algorithm, publicKey }: Claim, counts: SignatureCounts): void {
  counts.keys += 1;
  const parsed = parsePublicKey(algorithm, publicKey);
  if (!isDeepStrictEqual(parsePublicKeyNatively(algorithm, publicKey), parsed))
    throw new Error(
      `native code does not say ${parsed.kind} to the key ${algorithm} ${bytesToHex(publicKey)}`,
    );
  if (parsed.kind === 'reject') return;
  counts.enrollable += 1;
  if (!isDeepStrictEqual(decodeCoseKey(encodeCoseKey(parsed.value)), parsed))
    throw new Error(`the enrolled key ${algorithm} ${bytesToHex(publicKey)} does not survive its encoding`);
}

function checkStatement(
  {
    algorithm,
    publicKey,
    bytes,
  }: { algorithm: Claim['algorithm']; publicKey: Uint8Array; bytes: Uint8Array },
  counts: SignatureCounts,
): void {
  counts.statements += 1;
  const decoded = decodeStatement(bytes);
  const other = readStatement(bytes);
  if ((decoded.kind === 'ok') !== (other !== undefined)) {
    const first = decoded.kind === 'ok' ? 'reads it' : `says ${decoded.code}: ${decoded.detail}`;
    throw new Error(
      `src ${first}, the other reader ${other === undefined ? 'refuses' : 'reads'} it: ${bytesToHex(bytes)}`,
    );
  }
  if (decoded.kind === 'reject') return;
  const statement = decoded.value;
  counts.wellFormed += 1;
  const [here, there] = [writtenOut(contentOf(statement)), writtenOut(other as StatementContent)];
  if (here !== there) throw new Error(`src reads ${here}, the other reader ${there}: ${bytesToHex(bytes)}`);
  inspectPayload(statement.contentType, statement.payload); // attacker-controlled
  const { signedBytes, signature } = statement;
  if (agreedVerdict(algorithm, publicKey, signedBytes, signature)) counts.wellSigned += 1;
}

/** The statement as the other reader gives it. */
function contentOf({ bytes: _, issuedAt, prev, beacon, ...rest }: Statement): StatementContent {
  return { ...rest, issuedAt, prev, beacon };
}

/** The content as text in which what differs looks different: bytes, text, numbers and the two zeros. */
function writtenOut(content: StatementContent): string {
  const fields = Object.entries({ ...content, beacon: undefined, ...content.beacon });
  return fields
    .map(([name, value]) => {
      if (value instanceof Uint8Array) return `${name} h'${bytesToHex(Uint8Array.from(value))}'`;
      return `${name} ${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`;
    })
    .sort()
    .join(', ');
}
