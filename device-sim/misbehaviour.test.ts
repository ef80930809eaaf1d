import { describe, expect, it } from 'vitest';
import { equalBytes } from '../src/bytes.ts';
import { keyId } from '../src/cose/key.ts';
import { inspectPayload } from '../src/payload.ts';
import { createSigner, verifySignature } from '../src/signature.ts';
import { decodeStatement, hashEntry, type Statement, signStatement } from '../src/statement.ts';
import { statementsTopic } from './link.ts';
import { type Actor, MISBEHAVIOURS } from './misbehaviour.ts';
import { createRandom } from './random.ts';

const URN = 'urn:dev:mac:0024befffe804ff1';
const OTHER = 'urn:dev:mac:0024befffe804ff2';
const LIMIT = 262_144;

async function makeActor(): Promise<{ actor: Actor; sent: Uint8Array[] }> {
  const signer = createSigner('ESP256', new Uint8Array(32).fill(5));
  const sent: Uint8Array[] = [];
  for (let seq = 0; seq < 3; seq++) {
    const previous = sent.at(-1);
    const fields = { issuer: URN, subject: 'vitals', contentType: 112, seq, payload: Uint8Array.of(0x80) };
    sent.push(await signStatement({ ...fields, ...(previous && { prev: hashEntry(previous) }) }, signer));
  }
  const actor: Actor = {
    urn: URN,
    signer,
    boot: 0,
    nextSeq: 3,
    read: async ({ seq }) => sent[seq],
    otherUrn: OTHER,
    oversizeBytes: LIMIT + 1000,
    random: createRandom('test'),
  };
  return { actor, sent };
}

/** What the protocol says of these bytes, as far as one message and the device's own past can tell. */
function judge(bytes: Uint8Array, actor: Actor, sent: readonly Uint8Array[]): string {
  if (bytes.length > LIMIT) return 'oversize';
  const decoded = decodeStatement(bytes);
  if (decoded.kind === 'reject') return decoded.code;
  const statement: Statement = decoded.value;
  if (statement.issuer !== actor.urn) return 'wrong-issuer';
  const { publicKey } = actor.signer;
  if (!equalBytes(statement.kid, keyId(publicKey))) return 'unknown-key';
  const isValid = verifySignature(
    publicKey.algorithm,
    publicKey.bytes,
    statement.signedBytes,
    statement.signature,
  );
  if (!isValid) return 'bad-signature';
  const payload = inspectPayload(statement.contentType, statement.payload);
  const held = sent[statement.seq];
  if (held) return equalBytes(held, bytes) ? 'duplicate' : 'equivocation';
  return payload.kind === 'reject' ? payload.code : 'accept';
}

describe('each misbehaviour', () => {
  it('earns its code, and no other', async () => {
    for (const { name, code, make } of MISBEHAVIOURS.values()) {
      const { actor, sent } = await makeActor();
      const { topic, bytes } = await make(actor);
      expect([name, topic]).toEqual([name, statementsTopic(URN)]);
      // Whether a device is enrolled does not show in its bytes: they are an honest statement.
      expect([name, judge(bytes, actor, sent)]).toEqual([name, code === 'unknown-device' ? 'accept' : code]);
    }
  });

  it('flips one bit, and that in the reading', async () => {
    const { actor } = await makeActor();
    const { bytes } = (await MISBEHAVIOURS.get('flipped-bit')?.make(actor)) ?? { bytes: new Uint8Array() };
    const decoded = decodeStatement(bytes);
    if (decoded.kind === 'reject') throw new Error(decoded.detail);
    expect(inspectPayload(112, decoded.value.payload).kind).toBe('ok');
    expect(decoded.value.payload.at(-1)).toBe(73);
  });

  it('is described in one sentence', () => {
    expect([...MISBEHAVIOURS.keys()]).toMatchInlineSnapshot(`
      [
        "flipped-bit",
        "replay",
        "wrong-key",
        "cloned-key",
        "stale-sequence",
        "oversize",
        "garbage",
        "not-deterministic",
        "wrong-issuer",
        "unknown-device",
      ]
    `);
    for (const { description } of MISBEHAVIOURS.values()) expect(description).toMatch(/^[A-Z][^.]*\.$/);
  });
});
