import { beforeAll, describe, expect, test } from 'vitest';
import { bytesToBase64 } from './bytes.ts';
import { signCheckpoint } from './checkpoint.ts';
import { signCosignature } from './cosignature.ts';
import { EMPTY_ROOT } from './merkle/hash.ts';
import { createSigner } from './signature.ts';
import { encodeAddCheckpoint, parseAddCheckpoint, parseTreeSize, readCosignatures } from './tlog-witness.ts';

// The example of the specification.
const EXAMPLE_PROOF = [
  'PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=',
  'jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=',
  '5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=',
  '/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=',
];
const EXAMPLE_NOTE = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`;
const EXAMPLE = `old 20852014\n${EXAMPLE_PROOF.join('\n')}\n\n${EXAMPLE_NOTE}`;

describe('requests', () => {
  test('the example of the specification is read and written', () => {
    const parsed = parseAddCheckpoint(EXAMPLE);
    if (parsed.kind === 'reject') expect.fail(parsed.detail);
    expect(parsed.value).toMatchObject({ oldSize: 20_852_014, note: EXAMPLE_NOTE });
    expect(parsed.value.proof.map(bytesToBase64)).toEqual(EXAMPLE_PROOF);
    expect(encodeAddCheckpoint(parsed.value)).toBe(EXAMPLE);
  });

  test('a first request has no proof', () => {
    const body = encodeAddCheckpoint({ oldSize: 0, proof: [], note: EXAMPLE_NOTE });
    expect(body).toBe(`old 0\n\n${EXAMPLE_NOTE}`);
    expect(parseAddCheckpoint(body)).toMatchObject({ value: { oldSize: 0, proof: [], note: EXAMPLE_NOTE } });
  });

  test.each([
    ['nothing', ''],
    ['no empty line', 'old 0\n'],
    ['no size', EXAMPLE.replace('old 20852014', 'old')],
    ['another word', EXAMPLE.replace('old ', 'new ')],
    ['two spaces', EXAMPLE.replace('old ', 'old  ')],
    ['a leading zero', EXAMPLE.replace('old ', 'old 0')],
    ['a sign', EXAMPLE.replace('old ', 'old +')],
    ['2^53', EXAMPLE.replace('old 20852014', 'old 9007199254740992')],
    ['a short hash', EXAMPLE.replace(EXAMPLE_PROOF[1] ?? '', 'AAAA')],
    ['a hash in hexadecimal', EXAMPLE.replace(EXAMPLE_PROOF[1] ?? '', '00'.repeat(32))],
    ['carriage returns', EXAMPLE.replaceAll('\n', '\r\n')],
  ])('%s is malformed', (_, body) => {
    expect(parseAddCheckpoint(body)).toMatchObject({ kind: 'reject', code: 'malformed' });
  });

  test('63 lines of proof pass, 64 are too many, and so is what no log would send', () => {
    const body = (lines: number) => `old 1\n${`${EXAMPLE_PROOF[0]}\n`.repeat(lines)}\n${EXAMPLE_NOTE}`;
    expect(parseAddCheckpoint(body(63))).toMatchObject({ kind: 'ok' });
    expect(parseAddCheckpoint(body(64))).toMatchObject({ code: 'oversize' });
    expect(parseAddCheckpoint(EXAMPLE + 'x'.repeat(70_000))).toMatchObject({ code: 'oversize' });
  });

  test('misuse throws', () => {
    const good = { oldSize: 1, proof: [], note: EXAMPLE_NOTE };
    expect(() => encodeAddCheckpoint({ ...good, oldSize: -1 })).toThrow(/oldSize/);
    expect(() => encodeAddCheckpoint({ ...good, proof: [new Uint8Array(31)] })).toThrow(/proof/);
    expect(() => encodeAddCheckpoint({ ...good, proof: Array(64).fill(EMPTY_ROOT) })).toThrow(/proof/);
  });
});

test('sizes are decimal, without anything superfluous', () => {
  expect(parseTreeSize('0')).toBe(0);
  expect(parseTreeSize('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
  for (const text of ['', '00', '01', '-1', '1.0', '1e3', ' 1', '1\n', '9007199254740992', '٣'])
    expect([text, parseTreeSize(text)]).toEqual([text, undefined]);
});

describe('answers', () => {
  const log = createSigner('Ed25519', new Uint8Array(32).fill(1));
  const witness = createSigner('Ed25519', new Uint8Array(32).fill(2));
  const key = { name: 'w.example/1', publicKey: witness.publicKey.bytes };
  const TIME = 1_760_000_000;
  let note: string;
  let line: string;

  beforeAll(async () => {
    note = await signCheckpoint({ origin: 'log.example', size: 7, root: EMPTY_ROOT }, log);
    line = await signCosignature(note, { name: key.name, time: TIME }, witness);
  });

  test('the cosignature is found among those of unknown keys', () => {
    for (const answer of [line, `— x AAAAAAE=\n${line}`, `${line}— ${key.name} AAAAAAE=\n`])
      expect(readCosignatures(note, answer, key)).toEqual({
        kind: 'ok',
        value: { witness: key.name, time: TIME, line },
      });
  });

  test('what is not lines of signatures is malformed', () => {
    const hostile = ['ok', line.trimEnd(), `${line}\n`, `\n${line}`, `<html>\n\n${line}`, '\u0000'];
    // With nothing there is the note alone, in which the witness has no signature.
    expect(readCosignatures(note, '', key)).toMatchObject({ code: 'unknown-key' });
    for (const answer of hostile)
      expect([answer, readCosignatures(note, answer, key)]).toMatchObject([answer, { code: 'malformed' }]);
  });

  test('a cosignature of a text that the answer makes up is refused', async () => {
    const extended = `${note}more\n\n`;
    const forged = await signCosignature(
      `${extended}— x AAAAAAE=\n`,
      { name: key.name, time: TIME },
      witness,
    );
    expect(readCosignatures(note, `more\n\n${forged}`, key)).toMatchObject({ code: 'malformed' });
  });

  test('the cosignature of another checkpoint is refused', async () => {
    const other = await signCheckpoint({ origin: 'log.example', size: 8, root: EMPTY_ROOT }, log);
    const wrong = await signCosignature(other, { name: key.name, time: TIME }, witness);
    expect(readCosignatures(note, wrong, key)).toMatchObject({ code: 'bad-signature' });
  });
});
