import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSecret, readSigner } from './secrets.ts';
import { makeFolder, type TestFolder } from './testing/folder.ts';

let folder: TestFolder;
let file: string;

beforeEach(() => {
  folder = makeFolder();
  file = join(folder.path, 'secret.key');
});

afterEach(() => folder.remove());

function failure(): { code?: string; fatal?: boolean; message: string; stack?: string } {
  try {
    readSecret(file, 'keys.masterKeyFile');
  } catch (error) {
    return error as Error;
  }
  throw new Error('the secret was taken');
}

test('64 hex digits, with or without a line break', () => {
  for (const end of ['', '\n', '\r\n', ' \n']) {
    writeFileSync(file, `${'0a'.repeat(32)}${end}`);
    expect(readSecret(file, 'x')).toEqual(new Uint8Array(32).fill(10));
  }
});

test.each([
  ['empty', ''],
  ['too short', 'deadbeef'],
  ['too long', 'a1'.repeat(33)],
  ['not hex', 'zq'.repeat(32)],
  ['two lines', `${'a1'.repeat(16)}\n${'a1'.repeat(16)}`],
  ['a password', 'correct horse battery staple'],
  ['binary', '\u0000\u0001\u0002'],
])('%s: refused by file and setting, and the content is told to nobody', (_name, content) => {
  writeFileSync(file, content);
  const error = failure();
  expect(error).toMatchObject({ code: 'key-unreadable', fatal: true });
  expect(error.message).toBe(`keys.masterKeyFile: ${file} must hold 64 hex digits`);
  if (content.length > 3) expect(JSON.stringify(error) + error.stack).not.toContain(content.slice(0, 8));
});

test('a file that is missing, or a folder in its place, is named with its setting', () => {
  expect(failure()).toMatchObject({
    code: 'key-unreadable',
    fatal: true,
    message: `keys.masterKeyFile: cannot read ${file}`,
  });
  mkdirSync(file);
  expect(failure()).toMatchObject({ code: 'key-unreadable' });
});

test('a signer is made of the secret', () => {
  writeFileSync(file, '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
  // RFC 8032 section 7.1, test 1.
  expect(Buffer.from(readSigner(file, 'x').publicKey.bytes).toString('hex')).toBe(
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  );
});
