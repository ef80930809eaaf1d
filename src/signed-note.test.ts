import { describe, expect, test } from 'vitest';
import { base64ToBytes, bytesToHex } from './bytes.ts';
import { createSigner } from './signature.ts';
import { noteKeyId, parseNote, signNote, verifyNote } from './signed-note.ts';

// Key pair and note of golang.org/x/mod/sumdb/note, where the format comes from.
const NAME = 'PeterNeumann';
const decode = (text: string) => base64ToBytes(text) as Uint8Array;
const PUBLIC = decode('ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW').slice(1);
const SEED = decode('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz').slice(1);
const TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const LINE =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
const NOTE = `${TEXT}\n${LINE}`;
const KEY = { name: NAME, publicKey: PUBLIC };
const OTHER = createSigner('Ed25519', new Uint8Array(32).fill(9));

describe('the published note of golang.org/x/mod/sumdb/note', () => {
  test('has the published key id', () => {
    expect(bytesToHex(noteKeyId(KEY))).toBe('c74f20a3');
  });

  test('verifies', () => {
    expect(verifyNote(NOTE, KEY)).toMatchObject({ kind: 'ok', value: { text: TEXT } });
  });

  test('is what signing its text gives', async () => {
    expect(await signNote(TEXT, NAME, createSigner('Ed25519', SEED))).toBe(NOTE);
  });
});

describe('verifying', () => {
  test('ignores unknown signatures, even of the same name or of another type', async () => {
    const sameName = (await signNote(TEXT, NAME, OTHER)).slice(TEXT.length + 1);
    const note = `${TEXT}\n— witness.example AAAAAAE=\n${sameName}${LINE}`;
    expect(verifyNote(note, KEY)).toMatchObject({ kind: 'ok' });
    expect(verifyNote(note, { name: NAME, publicKey: OTHER.publicKey.bytes })).toMatchObject({ kind: 'ok' });
  });

  test('refuses the note when a signature by the known key is wrong beside a right one', () => {
    const wrong = LINE.replace('nAM=', 'nAI=');
    expect(verifyNote(`${TEXT}\n${LINE}${wrong}`, KEY)).toMatchObject({ code: 'bad-signature' });
  });

  test('refuses another text, key or name', () => {
    const text = NOTE.replace('think', 'thinK');
    expect(verifyNote(text, KEY)).toMatchObject({ code: 'bad-signature' });
    expect(verifyNote(NOTE, { ...KEY, name: 'Peter' })).toMatchObject({ code: 'unknown-key' });
    expect(verifyNote(NOTE, { ...KEY, publicKey: OTHER.publicKey.bytes })).toMatchObject({
      code: 'unknown-key',
    });
  });

  test('a text with blank lines ends at the last one', async () => {
    const text = 'a\n\n— not a signature\n\nb\n';
    const note = await signNote(text, 'x', OTHER);
    expect(verifyNote(note, { name: 'x', publicKey: OTHER.publicKey.bytes })).toMatchObject({
      value: { text },
    });
  });

  test('every changed character is refused', () => {
    for (let at = 0; at < NOTE.length; at++) {
      for (const char of ['A', '\n', ' ', '\u0000', '—', '\ud800']) {
        if (NOTE[at] === char) continue;
        const changed = NOTE.slice(0, at) + char + NOTE.slice(at + 1);
        expect(verifyNote(changed, KEY).kind).toBe('reject');
      }
    }
  });
});

describe('parsing', () => {
  test.each([
    ['nothing', ''],
    ['no blank line', `${TEXT}${LINE}`],
    ['no signature', `${TEXT}\n`],
    ['no final newline', NOTE.slice(0, -1)],
    ['something after the signatures', `${NOTE}more\n`],
    ['a hyphen for the dash', NOTE.replace('— ', '- ')],
    ['two spaces', NOTE.replace('— ', '—  ')],
    ['no name', NOTE.replace('PeterNeumann ', '')],
    ['a plus in the name', NOTE.replace('PeterNeumann', 'Peter+Neumann')],
    ['a no-break space in the name', NOTE.replace('PeterNeumann', 'Peter\u00a0Neumann')],
    ['a next-line character in the name', NOTE.replace('PeterNeumann', 'Peter\u0085Neumann')],
    ['base64 without padding', NOTE.replace('nAM=', 'nAM')],
    ['base64 with loose bits', NOTE.replace('nAM=', 'nAN=')],
    ['URL-safe base64', NOTE.replace('go/Z', 'go_Z')],
    ['a key id alone', `${TEXT}\n— x AAAAAA==\n`],
    ['a carriage return', NOTE.replaceAll('\n', '\r\n')],
    ['a tab in the text', NOTE.replace('If you', 'If\tyou')],
    ['a lone surrogate', NOTE.replace('If you', 'If \udc00you')],
  ])('%s is malformed', (_, note) => {
    expect(parseNote(note)).toMatchObject({ kind: 'reject', code: 'malformed' });
  });

  test('16 signatures pass, 101 and a million characters are too many', () => {
    expect(parseNote(`${TEXT}\n${LINE.repeat(16)}`)).toMatchObject({ kind: 'ok' });
    expect(parseNote(`${TEXT}\n${LINE.repeat(101)}`)).toMatchObject({ code: 'oversize' });
    expect(parseNote('x'.repeat(1_000_001))).toMatchObject({ code: 'oversize' });
  });
});

test('misuse of signNote throws', async () => {
  await expect(signNote('no newline', 'x', OTHER)).rejects.toThrow(/text/);
  await expect(signNote('a\tb\n', 'x', OTHER)).rejects.toThrow(/text/);
  for (const name of ['', 'a b', 'a+b', 'a\nb']) {
    await expect(signNote('a\n', name, OTHER)).rejects.toThrow(/name/);
  }
  const ecdsa = createSigner('ESP256', new Uint8Array(32).fill(1));
  await expect(signNote('a\n', 'x', ecdsa)).rejects.toThrow(/Ed25519/);
});
