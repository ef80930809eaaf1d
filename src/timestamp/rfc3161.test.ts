import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../test/support/installed.ts';
import { OpensslAuthority, TSA_POLICY } from '../../test/support/timestamp-authority.ts';
import { equalBytes } from '../bytes.ts';
import { readDer, TAG, writeDer, writeInteger, writeOid } from './der.ts';
import {
  encodeTimestampRequest,
  parseTimestampToken,
  readTimestampResponse,
  type TimestampRequest,
} from './rfc3161.ts';

const digest = Uint8Array.from(createHash('sha256').update('checkpoint').digest());
const request: TimestampRequest = {
  digest,
  nonce: Uint8Array.from([0, 0x9a, 1, 2, 3, 4, 5, 6]),
  policy: TSA_POLICY,
};

describe('DER', () => {
  test('lengths and integers are in their shortest form', () => {
    for (const size of [0, 1, 127, 128, 255, 256, 65_535]) {
      const bytes = writeDer(TAG.octetString, new Uint8Array(size).fill(7));
      expect(readDer(bytes)).toEqual([{ tag: 4, content: new Uint8Array(size).fill(7) }]);
    }
    expect(writeInteger(Uint8Array.of(0, 0))).toEqual(Uint8Array.of(2, 1, 0));
    expect(writeInteger(Uint8Array.of(0, 0x80))).toEqual(Uint8Array.of(2, 2, 0, 0x80));
    expect(writeOid('1.2.840.113549')).toEqual(Uint8Array.of(6, 6, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d));
    expect(writeOid('2.16.840')).toEqual(Uint8Array.of(6, 3, 0x60, 0x86, 0x48));
  });

  test.each([
    ['cut off', [0x30, 2, 5]],
    ['no length', [0x30]],
    ['an indefinite length', [0x30, 0x80, 0, 0]],
    ['a long length that is short', [0x04, 0x81, 1, 7]],
    ['a length with a leading zero', [0x04, 0x82, 0, 0x80, ...Array(128).fill(0)]],
    ['a length beyond everything', [0x04, 0x84, 0xff, 0xff, 0xff, 0xff]],
    ['a tag of two bytes', [0x1f, 0x01, 0]],
  ])('%s is none', (_, bytes) => {
    expect(readDer(Uint8Array.from(bytes))).toBeUndefined();
  });
});

describe.skipIf(findProgram('openssl') === undefined)('an authority made with openssl', () => {
  let folder: string;
  let authority: OpensslAuthority;
  let response: Uint8Array;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vitalseal-tsa-'));
    authority = await OpensslAuthority.create(folder);
    response = await authority.reply(encodeTimestampRequest(request));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('grants what is asked for', () => {
    const read = readTimestampResponse(response, request);
    if (read.kind === 'reject') expect.fail(read.detail);
    const { bytes, token } = read.value;
    expect(token.digest).toEqual(digest);
    expect(Math.abs(token.time - Date.now() / 1000)).toBeLessThan(300);
    expect(token.isOfPolicy(TSA_POLICY)).toBe(true);
    const again = parseTimestampToken(bytes);
    expect(again).toMatchObject({ kind: 'ok', value: { digest, time: token.time } });
    expect(equalBytes(response.slice(-bytes.length), bytes)).toBe(true);
  });

  test.each<[string, Partial<TimestampRequest>]>([
    ['another digest', { digest: new Uint8Array(32) }],
    ['another nonce', { nonce: Uint8Array.of(1) }],
    ['another policy', { policy: '1.2.3.4.2' }],
  ])('%s is refused', (_, change) => {
    expect(readTimestampResponse(response, { ...request, ...change })).toMatchObject({ code: 'malformed' });
  });

  test('a refusal is told', async () => {
    const refused = await authority.reply(encodeTimestampRequest({ ...request, policy: '1.2.3.4.9' }));
    expect(readTimestampResponse(refused, request)).toMatchObject({
      detail: 'the authority refused: status 2',
    });
  });

  test('hostile bytes are refused, never thrown on', () => {
    for (let length = 0; length < response.length; length += 7)
      expect(readTimestampResponse(response.slice(0, length), request).kind).toBe('reject');
    for (let at = 0; at < response.length; at++) {
      const changed = response.with(at, (response[at] as number) ^ 0x21);
      const read = readTimestampResponse(changed, request);
      if (read.kind === 'ok') expect(read.value.token.digest).toEqual(digest);
    }
    expect(readTimestampResponse(new Uint8Array(70_000), request)).toMatchObject({ code: 'oversize' });
    expect(() => encodeTimestampRequest({ ...request, digest: new Uint8Array(31) })).toThrow(/digest/);
  });
});
