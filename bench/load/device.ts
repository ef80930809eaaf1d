/**
 * A device of the load generator: real keys, real statements of one heart rate each, numbered and chained, signed by node:crypto
 * before the measured window. What it makes is a whole PUBLISH packet: to send it takes one write.
 *
 * A statement is pressed out of a template, as firmware does it (docs/protocol.md): only seq, prev, iat, the value and the
 * signature change. The first of each template is held against the project's own decoder and verifier.
 */
import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  sign,
} from 'node:crypto';
import { publishPacket } from '../../gateway/testing/raw-mqtt.ts';
import { encodeCbor } from '../../src/cbor.ts';
import { ALGORITHM_IDS } from '../../src/cose/algorithm.ts';
import { keyId, type PublicKey } from '../../src/cose/key.ts';
import { encodeSign1, signatureInput } from '../../src/cose/sign1.ts';
import { decimal } from '../../src/decimal.ts';
import { encodeSenml } from '../../src/senml.ts';
import { verifySignature } from '../../src/signature.ts';
import { headerToCbor } from '../../src/statement/header.ts';
import { decodeStatement } from '../../src/statement.ts';

/** Algorithms a load can be made of. */
export type LoadAlgorithm = 'Ed25519' | 'ESP256';

/** RFC 8410: what stands before the 32-byte seed in PKCS #8. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEQ_LABEL = Buffer.from('3a00011170', 'hex');
const PREV_LABEL = Buffer.from('3a000111715820', 'hex');
const IAT_KEY = Buffer.from('061a', 'hex');
const SIGNATURE_BYTES = 64;
const LOWEST_BEATS = 50;
const DISTINCT_BEATS = 100;

/** Forms of a statement that have been found valid: an algorithm and the length of its sequence number. */
const checkedForms = new Set<string>();

/** What stays the same in the packets of a device, and where the rest goes. */
interface Template {
  readonly packet: Buffer;
  /** Where the packet identifier stands. */
  readonly idAt: number;
  readonly statement: Buffer;
  readonly header: Buffer;
  readonly payload: Buffer;
  readonly signature: Buffer;
  readonly toSign: Buffer;
  /** The header's and the payload's place in what is signed. */
  readonly headerToSign: Buffer;
  readonly payloadToSign: Buffer;
  readonly seqAt: number;
  readonly prevAt: number;
  readonly iatAt: number;
}

/** The URN of the device with this number in a fleet. */
export function deviceUrn(algorithm: LoadAlgorithm, number: number): string {
  return `urn:dev:mac:${algorithm === 'Ed25519' ? 'ed' : '25'}${number.toString(16).padStart(14, '0')}`;
}

/** The key of a device. It follows from the URN: a benchmark has nothing to hide. */
export function devicePublicKey(algorithm: LoadAlgorithm, number: number): PublicKey {
  const { x, y } = createPublicKey(privateKeyOf(algorithm, deviceUrn(algorithm, number))).export({
    format: 'jwk',
  });
  const parts = [x, y].map((part) => Buffer.from(part ?? '', 'base64url'));
  const bytes = Buffer.concat(algorithm === 'Ed25519' ? parts : [Uint8Array.of(4), ...parts]);
  return { algorithm, bytes: new Uint8Array(bytes) };
}

function privateKeyOf(algorithm: LoadAlgorithm, urn: string): KeyObject {
  const secret = createHash('sha256').update(urn).digest();
  if (algorithm === 'Ed25519') {
    const key = Buffer.concat([ED25519_PKCS8, secret]);
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  }
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(secret);
  const point = ecdh.getPublicKey();
  const [d, x, y] = [secret, point.subarray(1, 33), point.subarray(33)].map((part) =>
    part.toString('base64url'),
  );
  const jwk = { kty: 'EC', crv: 'P-256', d, x, y } as JsonWebKey;
  return createPrivateKey({ key: jwk, format: 'jwk' });
}

/** One device and its chain. */
export class LoadDevice {
  readonly urn: string;
  readonly #algorithm: LoadAlgorithm;
  readonly #publicKey: PublicKey;
  readonly #kid: Uint8Array;
  readonly #signer: KeyObject;
  #template: Template | undefined;
  #templateBytes = -1;
  #seq = 0;
  #prev: Buffer | undefined;

  constructor(algorithm: LoadAlgorithm, number: number) {
    this.urn = deviceUrn(algorithm, number);
    this.#algorithm = algorithm;
    this.#publicKey = devicePublicKey(algorithm, number);
    this.#kid = keyId(this.#publicKey);
    this.#signer = privateKeyOf(algorithm, this.urn);
  }

  /** Signs the next statement. The packet's memory is used again by the next call. `id` is its packet identifier. */
  press(id: number): Buffer {
    const template = this.#templateFor(this.#seq);
    const { packet, header, payload, statement, toSign } = template;
    packet.writeUInt16BE(id, template.idAt);
    writeUint(header, template.seqAt, this.#seq);
    this.#prev?.copy(header, template.prevAt);
    header.writeUInt32BE(Math.floor(Date.now() / 1000), template.iatAt);
    payload[payload.length - 1] = LOWEST_BEATS + (this.#seq % DISTINCT_BEATS);
    header.copy(template.headerToSign);
    payload.copy(template.payloadToSign);
    this.#sign(toSign).copy(template.signature);
    this.#prev = createHash('sha256').update(statement).digest();
    this.#seq += 1;
    return packet;
  }

  #sign(bytes: Uint8Array): Buffer {
    return this.#algorithm === 'Ed25519'
      ? sign(null, bytes, this.#signer)
      : sign('sha256', bytes, { key: this.#signer, dsaEncoding: 'ieee-p1363' });
  }

  /** The template for a sequence number: its length decides, and whether there is a statement before it. */
  #templateFor(seq: number): Template {
    const bytes = seq === 0 ? 0 : uintBytes(seq);
    if (this.#template === undefined || this.#templateBytes !== bytes) {
      this.#template = this.#makeTemplate(seq);
      this.#templateBytes = bytes;
    }
    return this.#template;
  }

  #makeTemplate(seq: number): Template {
    const protectedBytes = encodeCbor(
      headerToCbor({
        issuer: this.urn,
        subject: 'vitals',
        contentType: 112,
        issuedAt: Math.floor(Date.now() / 1000),
        seq,
        boot: 0,
        kid: this.#kid,
        algorithmId: ALGORITHM_IDS[this.#algorithm],
        ...(this.#prev === undefined ? {} : { prev: this.#prev }),
      }),
    );
    const payloadBytes = heartRate(LOWEST_BEATS + (seq % DISTINCT_BEATS));
    const toSign = Buffer.from(signatureInput(protectedBytes, payloadBytes));
    const signed = encodeSign1({
      protectedBytes,
      payload: payloadBytes,
      signature: this.#sign(toSign),
    });
    this.#checkOnce(signed, seq);
    const topic = `wearables/${this.urn}/statements`;
    const packet = publishPacket(topic, signed);
    const statement = packet.subarray(packet.length - signed.length);
    const header = find(statement, protectedBytes);
    return {
      packet,
      idAt: packet.length - signed.length - 2,
      statement,
      header,
      payload: find(statement, payloadBytes),
      signature: statement.subarray(statement.length - SIGNATURE_BYTES),
      toSign,
      headerToSign: find(toSign, protectedBytes),
      payloadToSign: find(toSign, payloadBytes),
      seqAt: header.indexOf(SEQ_LABEL) + SEQ_LABEL.length,
      prevAt: header.indexOf(PREV_LABEL) + PREV_LABEL.length,
      iatAt: header.indexOf(IAT_KEY) + IAT_KEY.length,
    };
  }

  #checkOnce(statement: Uint8Array, seq: number): void {
    const form = `${this.#algorithm} ${uintBytes(seq)} ${this.#prev === undefined}`;
    if (checkedForms.has(form)) return;
    checkedForms.add(form);
    const decoded = decodeStatement(statement);
    if (decoded.kind === 'reject')
      throw new Error(`the load generator makes no statement: ${decoded.detail}`);
    const { signedBytes, signature } = decoded.value;
    if (!verifySignature(this.#algorithm, this.#publicKey.bytes, signedBytes, signature))
      throw new Error('the load generator signs nothing valid');
  }
}

function heartRate(beats: number): Uint8Array {
  return encodeSenml([
    { name: 'hr', unit: '1/min', value: { kind: 'number', value: decimal(String(beats)) } },
  ]);
}

function find(within: Buffer, part: Uint8Array): Buffer {
  const at = within.indexOf(part);
  return within.subarray(at, at + part.length);
}

/** Bytes that a CBOR unsigned integer takes (RFC 8949 section 3). */
function uintBytes(value: number): number {
  if (value < 24) return 1;
  if (value < 0x100) return 2;
  return value < 0x10000 ? 3 : 5;
}

function writeUint(to: Buffer, at: number, value: number): void {
  const bytes = uintBytes(value);
  if (bytes === 1) to[at] = value;
  else {
    to[at] = { 2: 0x18, 3: 0x19, 5: 0x1a }[bytes] as number;
    to.writeUIntBE(value, at + 1, bytes - 1);
  }
}
