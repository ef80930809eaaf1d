/**
 * A statement put together byte by byte from docs/protocol.md, signed by the openssl command line. Nothing of src is used, so
 * that a mistake both sides of src make alike shows.
 */
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { type OpensslKey, openssl } from './openssl.ts';

/** COSE algorithm identifiers -19, -9 and -47, as CBOR. */
const ALGORITHM: Readonly<Record<Algorithm, string>> = { Ed25519: '32', ESP256: '28', ES256K: '382e' };
/** {0: "hr", 1: "1/min", 2: 61} in an array: a SenML pack. */
const PAYLOAD = Buffer.from('81a3006268720165312f6d696e02183d', 'hex');

/** SHA-256 of bytes. */
export function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

/** The first statement of a device. `base` is where its files may go. */
export async function makeStatementByHand(
  urn: string,
  algorithm: Algorithm,
  key: OpensslKey,
  base: string,
): Promise<Buffer> {
  const claims = Buffer.concat([hex('a201'), text(urn), hex('02'), text('vitals')]);
  const protectedHeader = Buffer.concat([
    hex(`a501${ALGORITHM[algorithm]}`),
    hex('031870'), // 3 content type: 112
    hex('0448'), // 4 kid
    coseThumbprint(algorithm, key).subarray(0, 8),
    hex('0f'), // 15 CWT claims
    claims,
    hex('3a0001117000'), // -70001 seq: 0
  ]);
  const toSign = Buffer.concat([
    hex('84'),
    text('Signature1'),
    bytes(protectedHeader),
    bytes(Buffer.alloc(0)),
    bytes(PAYLOAD),
  ]);
  const signature = await sign(algorithm, key, toSign, base);
  return Buffer.concat([hex('d284'), bytes(protectedHeader), hex('a0'), bytes(PAYLOAD), bytes(signature)]);
}

async function sign(algorithm: Algorithm, key: OpensslKey, message: Buffer, base: string): Promise<Buffer> {
  const [input, output] = [`${base}.to-sign`, `${base}.signature`];
  writeFileSync(input, message);
  if (algorithm === 'Ed25519') {
    await openssl('pkeyutl', '-sign', '-rawin', '-inkey', key.privateFile, '-in', input, '-out', output);
    return readFileSync(output);
  }
  await openssl('dgst', '-sha256', '-sign', key.privateFile, '-out', output, input);
  return rawFromDer(readFileSync(output));
}

/** SEQUENCE { INTEGER r, INTEGER s } as 64 bytes. */
function rawFromDer(der: Buffer): Buffer {
  const lengthOfR = der.readUInt8(3);
  const r = der.subarray(4, 4 + lengthOfR);
  const s = der.subarray(6 + lengthOfR);
  return Buffer.concat([r, s].map((part) => Buffer.concat([Buffer.alloc(32), part]).subarray(-32)));
}

/** RFC 9679: SHA-256 of the COSE_Key with its required parameters only. */
function coseThumbprint(algorithm: Algorithm, { publicFile }: OpensslKey): Buffer {
  const { x = '', y = '' } = createPublicKey(readFileSync(publicFile)).export({ format: 'jwk' });
  const [first, second] = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
  if (algorithm === 'Ed25519') return sha256(hex('a301012006215820'), first);
  const curve = algorithm === 'ESP256' ? '01' : '08';
  return sha256(hex(`a4010220${curve}215820`), first, hex('225820'), second);
}

function hex(digits: string): Buffer {
  return Buffer.from(digits, 'hex');
}

function text(value: string): Buffer {
  const content = Buffer.from(value);
  return Buffer.concat([head(0x60, content.length), content]);
}

function bytes(content: Uint8Array): Buffer {
  return Buffer.concat([head(0x40, content.length), content]);
}

/** CBOR head of a string, in its shortest form. */
function head(major: number, length: number): Buffer {
  return length < 24 ? Buffer.of(major | length) : Buffer.of(major | 24, length);
}
