import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { base64ToBytes, bytesToBase64 } from './bytes.ts';
import { formatCheckpoint, signCheckpoint, verifyCheckpoint } from './checkpoint.ts';
import { COSIGNATURE_TYPE, signCosignature, verifyCosignature } from './cosignature.ts';
import { EMPTY_ROOT } from './merkle/hash.ts';
import { createSigner } from './signature.ts';
import type { NoteKey } from './signed-note.ts';
import { ARCHE, NAVIGLI } from './testing/public-checkpoints.ts';
import { parseVerifierKey } from './verifier-key.ts';

const LOG = createSigner('Ed25519', new Uint8Array(32).fill(1));
const SEED = new Uint8Array(32).fill(2);
const WITNESS = createSigner('Ed25519', SEED);
const NAME = 'w.example/1';
const KEY: NoteKey = { name: NAME, publicKey: WITNESS.publicKey.bytes };
const HEAD = { origin: 'log.example', size: 7, root: EMPTY_ROOT };
const TIME = 1_760_000_000;

let note: string;
let line: string;

beforeAll(async () => {
  note = await signCheckpoint(HEAD, LOG);
  line = await signCosignature(note, { name: NAME, time: TIME }, WITNESS);
});

describe('cosignatures of public witnesses', () => {
  const vectors = [
    ...ARCHE.witnessKeys.map((text) => [text, ARCHE.note, ARCHE.cosignedAt] as const),
    [NAVIGLI.witnessKey, NAVIGLI.note, NAVIGLI.cosignedAt] as const,
  ];

  test.each(vectors)('%s', (text, checkpoint, time) => {
    const key = parseVerifierKey(text, COSIGNATURE_TYPE);
    if (key.kind === 'reject') expect.fail(key.detail);
    const found = verifyCosignature(checkpoint, key.value);
    if (found.kind === 'reject') expect.fail(found.detail);
    expect(found.value).toMatchObject({ witness: key.value.name, time });
    expect(checkpoint).toContain(found.value.line);
    const changed = checkpoint.replace(/^(.*\n)(\d+)\n/, '$142\n');
    expect(verifyCosignature(changed, key.value)).toMatchObject({ code: 'bad-signature' });
  });
});

describe('our cosignatures', () => {
  test('verify, beside the signature of the log', () => {
    expect(verifyCosignature(note + line, KEY)).toEqual({
      kind: 'ok',
      value: { witness: NAME, time: TIME, line },
    });
    const { origin, size, root } = HEAD;
    expect(verifyCheckpoint(note + line, { origin, publicKey: LOG.publicKey.bytes })).toEqual({
      kind: 'ok',
      value: { size, root },
    });
  });

  test('OpenSSL makes and checks the same bytes, put together by hand', () => {
    const secret = createPrivateKey({
      key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), SEED]),
      format: 'der',
      type: 'pkcs8',
    });
    const message = Buffer.from(`cosignature/v1\ntime ${TIME}\n${formatCheckpoint(HEAD)}`);
    const keyBytes = Buffer.concat([Buffer.from([4]), WITNESS.publicKey.bytes]);
    const id = createHash('sha256').update(`${NAME}\n`).update(keyBytes).digest().subarray(0, 4);
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(TIME));
    const expected = Buffer.concat([id, time, sign(null, message, secret)]).toString('base64');
    expect(line).toBe(`— ${NAME} ${expected}\n`);
    const signature = Buffer.from(line.trimEnd().split(' ')[2] ?? '', 'base64').subarray(12);
    expect(verify(null, message, createPublicKey(secret), signature)).toBe(true);
  });

  test('of several the newest counts, and one that is wrong spoils all', async () => {
    const later = await signCosignature(note, { name: NAME, time: TIME + 9 }, WITNESS);
    for (const lines of [line + later, later + line])
      expect(verifyCosignature(note + lines, KEY)).toMatchObject({ value: { time: TIME + 9 } });
    const wrong = await signCosignature(note.replace('\n7\n', '\n8\n'), { name: NAME, time: TIME }, WITNESS);
    expect(verifyCosignature(note + line + wrong, KEY)).toMatchObject({ code: 'bad-signature' });
  });

  test('another name or key, or a plain signature of the key, is not one', async () => {
    expect(verifyCosignature(note, KEY)).toMatchObject({ code: 'unknown-key' });
    expect(verifyCosignature(note + line, { ...KEY, name: 'w.example/2' })).toMatchObject({
      code: 'unknown-key',
    });
    expect(verifyCosignature(note + line, { ...KEY, publicKey: LOG.publicKey.bytes })).toMatchObject({
      code: 'unknown-key',
    });
    const plain = await signCheckpoint({ ...HEAD, origin: NAME }, WITNESS);
    expect(verifyCosignature(plain, KEY)).toMatchObject({ code: 'unknown-key' });
  });

  test('every changed bit is refused', () => {
    const bytes = base64ToBytes(line.trimEnd().split(' ')[2] ?? '') as Uint8Array;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Uint8Array.from(bytes);
      changed[bit >>> 3] = (changed[bit >>> 3] as number) ^ (1 << (bit & 7));
      const found = verifyCosignature(`${note}— ${NAME} ${bytesToBase64(changed)}\n`, KEY);
      expect([bit, found.kind]).toEqual([bit, 'reject']);
    }
  });

  test('one that is too short, too long or beyond time is malformed', () => {
    const bytes = base64ToBytes(line.trimEnd().split(' ')[2] ?? '') as Uint8Array;
    const beyond = Uint8Array.from(bytes).fill(0xff, 4, 12);
    for (const changed of [bytes.slice(0, -1), bytes.slice(0, 5), Uint8Array.of(...bytes, 0), beyond]) {
      const found = verifyCosignature(`${note}— ${NAME} ${bytesToBase64(changed)}\n`, KEY);
      expect(found).toMatchObject({ code: 'malformed' });
    }
  });

  test('misuse throws', async () => {
    await expect(signCosignature('no note', { name: NAME, time: 1 }, WITNESS)).rejects.toThrow(/note/);
    await expect(signCosignature(note, { name: NAME, time: 1.5 }, WITNESS)).rejects.toThrow(/time/);
    await expect(signCosignature(note, { name: 'a b', time: 1 }, WITNESS)).rejects.toThrow(/name/);
    const ecdsa = createSigner('ESP256', SEED);
    await expect(signCosignature(note, { name: NAME, time: 1 }, ecdsa)).rejects.toThrow(/Ed25519/);
  });
});
