import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { base64ToBytes, bytesToBase64, bytesToHex } from './bytes.ts';
import { formatCheckpoint, parseCheckpoint, signCheckpoint, verifyCheckpoint } from './checkpoint.ts';
import { EMPTY_ROOT } from './merkle/hash.ts';
import { createSigner } from './signature.ts';
import { noteKeyId } from './signed-note.ts';

const ORIGIN = 'gateway.example/log';
const SIGNER = createSigner('Ed25519', new Uint8Array(32).fill(1));
const KEY = { origin: ORIGIN, publicKey: SIGNER.publicKey.bytes };
const HEAD = { origin: ORIGIN, size: 70_000, root: EMPTY_ROOT };

// A checkpoint of the Go checksum database, and the key every Go toolchain carries.
const GO_SUM = {
  origin: 'go.sum database tree',
  keyName: 'sum.golang.org',
  publicKey: (base64ToBytes('Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8') as Uint8Array).slice(1),
};
const GO_SUM_NOTE = `go.sum database tree
31700353
qINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=

— sum.golang.org Az3grnmrIUEDFqHzAElIQCPNoRFRAAdFo47fooyWKMHb89k11GJh5zHIfNCOBmwn/C3YI8oW9/C8DJ87F61QqspBYwM=
`;

describe('a checkpoint of the Go checksum database', () => {
  test('verifies under its published key', () => {
    expect(bytesToHex(noteKeyId({ name: GO_SUM.keyName, publicKey: GO_SUM.publicKey }))).toBe('033de0ae');
    const verified = verifyCheckpoint(GO_SUM_NOTE, GO_SUM);
    if (verified.kind === 'reject') expect.fail(verified.detail);
    expect(verified.value.size).toBe(31_700_353);
    expect(bytesToBase64(verified.value.root)).toBe('qINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=');
  });

  test('is refused under another size', () => {
    const changed = GO_SUM_NOTE.replace('31700353', '31700354');
    expect(verifyCheckpoint(changed, GO_SUM)).toMatchObject({ kind: 'reject', code: 'bad-signature' });
  });
});

describe('our checkpoints', () => {
  test('have the form of the specification and verify', async () => {
    const note = await signCheckpoint(HEAD, SIGNER);
    expect(
      note.startsWith(`${ORIGIN}\n70000\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— ${ORIGIN} `),
    ).toBe(true);
    expect(verifyCheckpoint(note, KEY)).toEqual({ kind: 'ok', value: { size: 70_000, root: EMPTY_ROOT } });
    expect(parseCheckpoint(note)).toMatchObject({ value: { ...HEAD, extensions: [] } });
  });

  test('OpenSSL signs and verifies the same bytes', async () => {
    const der = Buffer.from(`302e020100300506032b657004220420${'01'.repeat(32)}`, 'hex');
    const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const text = formatCheckpoint(HEAD);
    const note = await signCheckpoint(HEAD, SIGNER);
    const encoded = note.trimEnd().split(' ').at(-1) as string;
    const signature = Buffer.from(encoded, 'base64').subarray(4);
    expect(signature.equals(sign(null, Buffer.from(text), secret))).toBe(true);
    expect(verify(null, Buffer.from(text), createPublicKey(secret), signature)).toBe(true);
  });

  test('size 0, the largest size and extension lines are read', async () => {
    for (const size of [0, 1, Number.MAX_SAFE_INTEGER]) {
      const note = await signCheckpoint({ ...HEAD, size }, SIGNER);
      expect(verifyCheckpoint(note, KEY)).toMatchObject({ value: { size } });
    }
    const extended = (await signCheckpoint(HEAD, SIGNER)).replace('\n\n', '\nextension 1\n— two\n\n');
    expect(parseCheckpoint(extended)).toMatchObject({ value: { extensions: ['extension 1', '— two'] } });
    expect(verifyCheckpoint(extended, KEY)).toMatchObject({ code: 'bad-signature' });
  });

  test('another log, key or key name is refused under its own code', async () => {
    const note = await signCheckpoint(HEAD, SIGNER);
    expect(verifyCheckpoint(note, { ...KEY, origin: 'other.example' })).toMatchObject({
      code: 'wrong-issuer',
    });
    expect(verifyCheckpoint(note, { ...KEY, keyName: 'other' })).toMatchObject({ code: 'unknown-key' });
    const other = createSigner('Ed25519', new Uint8Array(32).fill(2)).publicKey.bytes;
    expect(verifyCheckpoint(note, { ...KEY, publicKey: other })).toMatchObject({ code: 'unknown-key' });
  });

  test.each([
    ['an empty origin', '\n1\nROOT\n'],
    ['no size', 'o\n'],
    ['no root', 'o\n1\n'],
    ['a leading zero', 'o\n01\nROOT\n'],
    ['a sign', 'o\n+1\nROOT\n'],
    ['a negative size', 'o\n-1\nROOT\n'],
    ['a fraction', 'o\n1.0\nROOT\n'],
    ['hexadecimal', 'o\n0x1\nROOT\n'],
    ['an exponent', 'o\n1e3\nROOT\n'],
    ['a space', 'o\n1 \nROOT\n'],
    ['size 2^53', 'o\n9007199254740992\nROOT\n'],
    ['a huge size', `o\n${'9'.repeat(1000)}\nROOT\n`],
    ['a short root', 'o\n1\nAAAA\n'],
    ['a root without padding', 'o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n'],
    ['a root with loose bits', 'o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n'],
    ['a root in hexadecimal', `o\n1\n${'00'.repeat(32)}\n`],
    ['an empty extension line', 'o\n1\nROOT\n\nmore\n'],
  ])('%s is malformed', (_, text) => {
    const note = `${text.replace('ROOT', bytesToBase64(EMPTY_ROOT))}\n— o AAAAAAE=\n`;
    const parsed = parseCheckpoint(note);
    expect(parsed).toMatchObject({ kind: 'reject', code: 'malformed' });
  });

  test('misuse throws', async () => {
    expect(() => formatCheckpoint({ ...HEAD, origin: 'a\nb' })).toThrow(/origin/);
    expect(() => formatCheckpoint({ ...HEAD, size: -1 })).toThrow(/size/);
    expect(() => formatCheckpoint({ ...HEAD, root: new Uint8Array(31) })).toThrow(/root/);
    await expect(signCheckpoint({ ...HEAD, origin: 'two words' }, SIGNER)).rejects.toThrow(/name/);
  });
});
