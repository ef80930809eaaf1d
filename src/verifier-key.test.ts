import { describe, expect, test } from 'vitest';
import { verifyCheckpoint } from './checkpoint.ts';
import { COSIGNATURE_TYPE } from './cosignature.ts';
import { createSigner } from './signature.ts';
import { ED25519_TYPE } from './signed-note.ts';
import { ARCHE, NAVIGLI } from './testing/public-checkpoints.ts';
import { formatVerifierKey, parseVerifierKey } from './verifier-key.ts';

const KEY = {
  name: 'w.example/1',
  publicKey: createSigner('Ed25519', new Uint8Array(32).fill(3)).publicKey.bytes,
};
const TEXT = formatVerifierKey(KEY, COSIGNATURE_TYPE);

test.each([...ARCHE.witnessKeys, NAVIGLI.witnessKey])('the published key %s is read and written', (text) => {
  const key = parseVerifierKey(text, COSIGNATURE_TYPE);
  if (key.kind === 'reject') expect.fail(key.detail);
  expect(formatVerifierKey(key.value, COSIGNATURE_TYPE)).toBe(text);
});

test('the published key of a log opens its checkpoint', () => {
  const key = parseVerifierKey(ARCHE.logKey, ED25519_TYPE);
  if (key.kind === 'reject') expect.fail(key.detail);
  const { name, publicKey } = key.value;
  expect(verifyCheckpoint(ARCHE.note, { origin: name, publicKey })).toMatchObject({
    value: { size: ARCHE.size },
  });
  expect(parseVerifierKey(ARCHE.logKey, COSIGNATURE_TYPE)).toMatchObject({ code: 'malformed' });
});

describe('what is none', () => {
  test.each([
    ['nothing', ''],
    ['a name alone', 'w.example/1'],
    ['no name', TEXT.replace('w.example/1', '')],
    ['a space in the name', TEXT.replace('w.example/1', 'w example')],
    ['another name', TEXT.replace('w.example/1', 'w.example/2')],
    ['another id', TEXT.replace(/\+[0-9a-f]{8}\+/, '+00000000+')],
    ['an id in capitals', TEXT.replace(/\+[0-9a-f]{8}\+/, (id) => id.toUpperCase().replace(/[0-9]/, 'A'))],
    ['a short key', 'w.example/1+00000000+BAAA'],
    [
      'a key of small order',
      formatVerifierKey({ name: 'x', publicKey: new Uint8Array(32) }, COSIGNATURE_TYPE),
    ],
    ['a newline behind', `${TEXT}\n`],
    ['a megabyte', `${'w'.repeat(1_000_000)}+00000000+BAAA`],
  ])('%s is malformed', (_, text) => {
    expect(parseVerifierKey(text, COSIGNATURE_TYPE)).toMatchObject({ kind: 'reject', code: 'malformed' });
  });

  test('a name with a plus cannot be written', () => {
    expect(() => formatVerifierKey({ ...KEY, name: 'a+b' }, ED25519_TYPE)).toThrow(/name/);
  });
});
