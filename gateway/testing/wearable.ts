/** Devices for tests: a key, a URN and a chain of statements, each signed for real. */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '../../src/bytes.ts';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { decimal } from '../../src/decimal.ts';
import { encodeSenml } from '../../src/senml.ts';
import { createSigner, type Signer } from '../../src/signature.ts';
import { hashEntry, type StatementFields, signStatement } from '../../src/statement.ts';
import { TEST_NOW_MS } from './clock.ts';

export const ALGORITHMS: readonly Algorithm[] = ['Ed25519', 'ESP256', 'ES256K'];

/** A SenML pack of one heart rate. */
export function heartRate(beatsPerMinute: number | string): Uint8Array {
  return encodeSenml([
    { name: 'hr', unit: '/min', value: { kind: 'number', value: decimal(String(beatsPerMinute)) } },
  ]);
}

/** A signer whose key follows from a word. */
export function signerFrom(word: string, algorithm: Algorithm = 'Ed25519'): Signer {
  return createSigner(algorithm, sha256(utf8ToBytes(word)));
}

export class Wearable {
  readonly urn: string;
  readonly signer: Signer;
  #seq = 0;
  #prev: Uint8Array | undefined;

  /** @param number makes the URN and the key. */
  constructor(number: number, algorithm: Algorithm = 'Ed25519') {
    this.urn = `urn:dev:mac:${number.toString(16).padStart(12, '0')}`;
    this.signer = signerFrom(this.urn, algorithm);
  }

  /** The next statement of the chain. */
  async next(changes: Partial<StatementFields> = {}): Promise<Uint8Array> {
    const bytes = await this.sign({
      seq: this.#seq,
      ...(this.#prev === undefined ? {} : { prev: this.#prev }),
      ...changes,
    });
    this.#seq += 1;
    this.#prev = hashEntry(bytes);
    return bytes;
  }

  /** Signs and forgets a statement that never arrives. */
  async skip(count = 1): Promise<Uint8Array[]> {
    const skipped: Uint8Array[] = [];
    for (let i = 0; i < count; i++) skipped.push(await this.next());
    return skipped;
  }

  /** A statement with these fields, outside the chain. */
  sign(changes: Partial<StatementFields> = {}, signer: Signer = this.signer): Promise<Uint8Array> {
    const seq = changes.seq ?? 0;
    return signStatement(
      {
        issuer: this.urn,
        subject: 'vitals',
        contentType: 112,
        issuedAt: Math.floor(TEST_NOW_MS / 1000),
        seq,
        ...(seq > 0 ? { prev: new Uint8Array(32).fill(0x5e) } : {}),
        payload: heartRate(60),
        ...changes,
      },
      signer,
    );
  }
}

/** A copy with the last bit flipped: in a statement, a bit of the signature. */
export function spoil(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 1] = (copy[copy.length - 1] as number) ^ 1;
  return copy;
}
