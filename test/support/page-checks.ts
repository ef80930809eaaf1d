/** What is asked of src in Node and, unchanged, in a browser. No Node here. Values travel as JSON text. */
import { bytesToHex, equalBytes, hexToBytes } from '../../src/bytes.ts';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { keyId, parsePublicKey } from '../../src/cose/key.ts';
import { inspectPayload } from '../../src/payload.ts';
import type { ChainFacts, Trust } from '../../src/receipt/trust.ts';
import { chainQuestions, isProven, verifyReceipt } from '../../src/receipt/verify.ts';
import { createSigner, verifySignature } from '../../src/signature.ts';
import { decodeStatement, hashEntry, signStatement } from '../../src/statement.ts';

/** One line of docs/vectors/statements.json. */
export interface Vector {
  readonly name: string;
  readonly statement: string;
  readonly topic: string;
  readonly device: string;
  readonly algorithm: string;
  readonly publicKey: string;
  readonly verdict: string;
  readonly entry: string;
}

/** A receipt with what its verifier brings along. */
export interface Case {
  readonly receipt: Uint8Array;
  readonly trust: Trust;
  readonly facts: ChainFacts | undefined;
}

/** JSON that keeps bytes and big integers. */
export function pack(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner instanceof Uint8Array) return { $bytes: bytesToHex(inner) };
    return typeof inner === 'bigint' ? { $bigint: String(inner) } : inner;
  });
}

export function unpack(text: string): unknown {
  return JSON.parse(text, (_key, inner: { $bytes?: string; $bigint?: string } | null) => {
    if (typeof inner?.$bytes === 'string') return hexToBytes(inner.$bytes);
    return typeof inner?.$bigint === 'string' ? BigInt(inner.$bigint) : inner;
  });
}

/** Every answer about every receipt. */
export function verifyReceipts(cases: string): string {
  return pack(
    (unpack(cases) as Case[]).map(({ receipt, trust, facts }) => {
      const verdicts = verifyReceipt(receipt, trust, facts);
      return { ...verdicts, proven: isProven(verdicts), questions: chainQuestions(receipt) };
    }),
  );
}

/** Verdict and entry of every vector. */
export function judgeVectors(vectors: string): string {
  const judged = (JSON.parse(vectors) as Vector[]).map((vector) => ({
    name: vector.name,
    verdict: judge(vector),
    entry: bytesToHex(hashEntry(hexToBytes(vector.statement))),
  }));
  return JSON.stringify(judged);
}

/** Signs a statement of each algorithm. ECDSA is deterministic here (RFC 6979), so that the bytes can be compared. */
export async function signSamples(): Promise<string> {
  const signed: string[] = [];
  for (const algorithm of ['Ed25519', 'ESP256', 'ES256K'] as const) {
    const signer = createSigner(algorithm, new Uint8Array(32).fill(5));
    const fields = { issuer: 'urn:dev:os:32473-page', subject: 'vitals', contentType: 112, seq: 0 };
    signed.push(bytesToHex(await signStatement({ ...fields, payload: Uint8Array.of(0x80) }, signer)));
  }
  return JSON.stringify(signed);
}

/** The verdict in the order of docs/protocol.md: form, topic, key, signature, payload. */
function judge({ statement, topic, device, algorithm, publicKey }: Vector): string {
  const decoded = decodeStatement(hexToBytes(statement));
  if (decoded.kind === 'reject') return decoded.code;
  const { issuer, kid, signedBytes, signature, contentType, payload } = decoded.value;
  if (topic !== `wearables/${issuer}/statements` || issuer !== device) return 'wrong-issuer';
  const key = parsePublicKey(algorithm as Algorithm, hexToBytes(publicKey));
  if (key.kind === 'reject') return `the vector's key: ${key.detail}`;
  if (!equalBytes(kid, keyId(key.value)) || decoded.value.algorithm !== algorithm) return 'unknown-key';
  if (!verifySignature(key.value.algorithm, key.value.bytes, signedBytes, signature)) return 'bad-signature';
  const inspected = inspectPayload(contentType, payload);
  return inspected.kind === 'reject' ? inspected.code : 'accept';
}
