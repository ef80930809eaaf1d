import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToBase64, bytesToHex, utf8ToBytes } from '../src/bytes.ts';
import { encodeCoseKey, keyId } from '../src/cose/key.ts';
import { createSigner } from '../src/signature.ts';
import { decodeText, type FileFormat, formatOf, readEnrolments } from './enrolment-file.ts';

const keyOf = (seed: number) => createSigner('Ed25519', new Uint8Array(32).fill(seed)).publicKey;
const base64 = (seed: number) => bytesToBase64(encodeCoseKey(keyOf(seed)));
const HEADER = 'device,patient,provider,key';
const urn = (number: number) => `urn:dev:os:32473-${number}`;
const row = (number: number) => `${urn(number)},p-${number},clinic,${base64(number)}`;
const json = (fields: object) =>
  JSON.stringify({ device: urn(1), patient: 'p', provider: 'clinic', key: base64(1), ...fields });

const read = (text: string, format: FileFormat = 'csv', provider?: string) =>
  readEnrolments(text, { format, providers: ['clinic', 'hospital'], provider });
/** The problems of a file that must have some. */
function problemsOf(text: string, format: FileFormat = 'csv'): string[] {
  const { problems } = read(text, format);
  expect(problems.length).toBeGreaterThan(0);
  return problems.map(({ line, problem }) => `${line}: ${problem}`);
}

describe('what is read', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const jwk = JSON.stringify(publicKey.export({ format: 'jwk' }));
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

  test('columns in any order and case, keys in every form, quoted or not', () => {
    const hex = bytesToHex(encodeCoseKey(keyOf(3)));
    const text = [
      '\ufeffKey, Provider ,DEVICE,patient',
      `${quoted(pem)},clinic,${urn(1)},p-1`,
      `${base64(2)},"hospital","${urn(2)}","p-2"`,
      `${hex},clinic,${urn(3)},p-3`,
      '',
    ].join('\r\n');
    const { enrolments, problems } = read(decodeText(utf8ToBytes(text)) as string);
    expect(problems).toEqual([]);
    expect(enrolments.map(({ line, device, provider }) => [line, device, provider])).toEqual([
      [2, urn(1), 'clinic'],
      [2 + pem.split('\n').length, urn(2), 'hospital'],
      [3 + pem.split('\n').length, urn(3), 'clinic'],
    ]);
    expect(enrolments[1]).toMatchObject({
      coseKey: encodeCoseKey(keyOf(2)),
      kid: bytesToHex(keyId(keyOf(2))),
    });
    const [fromJwk] = read(`${HEADER}\n${urn(1)},p,clinic,${quoted(jwk)}`).enrolments;
    expect(fromJwk?.kid).toBe(enrolments[0]?.kid);
  });

  test('JSON lines, empty ones and carriage returns passed over', () => {
    const { enrolments, problems } = read(
      `\n${json({})}\r\n\n${json({ device: urn(2), key: pem })}\n`,
      'jsonl',
    );
    expect(problems).toEqual([]);
    expect(enrolments.map(({ line, device }) => [line, device])).toEqual([
      [2, urn(1)],
      [4, urn(2)],
    ]);
  });

  test('a provider for the lines that name none', () => {
    const text = `device,patient,provider,key\n${urn(1)},p,,${base64(1)}\n${row(2)}`;
    expect(read(text, 'csv', 'hospital').enrolments.map(({ provider }) => provider)).toEqual([
      'hospital',
      'clinic',
    ]);
    expect(read(`device,patient,key\n${urn(1)},p,${base64(1)}`, 'csv', 'hospital').problems).toEqual([]);
  });
});

describe('what is refused, by line', () => {
  test('CSV', () => {
    const small = `a3010120062158${'20'}${'00'.repeat(32)}`;
    expect(
      problemsOf(
        [
          HEADER,
          row(1),
          `${urn(2)},p,clinic`,
          `mac:00,../x,nobody,AAAA`,
          `${urn(1)},p,clinic,${base64(5)}`,
          `${urn(6)},p,clinic,${base64(1)}`,
          ',,,',
          `${urn(7)},p,clinic,${small}`,
          `${urn(8)},p,clinic,not a key`,
          `${urn(9)},"p"x,clinic,`,
          `${urn(10)},p,clinic,"-----BEGIN PRIVATE KEY-----`,
          'MC4CAQAwBQYDK2VwBCIEIA==',
          '-----END PRIVATE KEY-----"',
          `${urn(11)},p,clinic,"{""kty"":""OKP"",""crv"":""Ed25519"",""d"":""c2VjcmV0"",""x"":""AAAA""}"`,
          `${urn(12)},p,clinic,"{c2VjcmV0"`,
          `\u001b[31m${'x'.repeat(99)},p,clinic,${base64(12)}`,
        ].join('\n'),
      ),
    ).toMatchInlineSnapshot(`
      [
        "3: has 3 fields, the header 4",
        "4: device: "mac:00" is no device URN (urn:dev:mac:0024befffe804ff1, RFC 9039); patient: must be a pseudonym of letters, digits, ._:- (at most 64); provider: there is no provider "nobody" in the configuration (clinic, hospital); key: COSE_Key: longer than the input, at byte 0",
        "5: device: the same as on line 2",
        "6: key: the same as on line 2; each device has its own",
        "7: device: is missing; patient: is missing; provider: is missing; key: is missing",
        "8: key: not a usable Ed25519 public key",
        "9: key: must be a COSE_Key in base64 or hex, a PEM or a JWK",
        "10: something stands between a closing quote and the next comma",
        "11: key: a private key; only the public key leaves a device",
        "14: key: a private key; only the public key leaves a device",
        "15: key: no readable public key (not JSON)",
        "16: device: "\\u001b[31mxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... is no device URN (urn:dev:mac:0024befffe804ff1, RFC 9039)",
      ]
    `);
  });

  test('JSON lines', () => {
    expect(
      problemsOf(
        [
          'not json',
          '[]',
          'null',
          '"x"',
          '{}',
          json({ patinet: 'p' }),
          json({ device: 1, patient: [], provider: {}, key: 7 }),
          json({}),
          json({ key: base64(2) }),
          json({ device: urn(2) }),
        ].join('\n'),
        'jsonl',
      ),
    ).toMatchInlineSnapshot(`
      [
        "1: not JSON",
        "2: not a JSON object",
        "3: not a JSON object",
        "4: not a JSON object",
        "5: device: is missing; patient: is missing; provider: is missing; key: is missing",
        "6: "patinet" is no field; the fields are device, patient, provider, key, cadence",
        "7: device: 1 is no device URN (urn:dev:mac:0024befffe804ff1, RFC 9039); patient: must be a pseudonym of letters, digits, ._:- (at most 64); provider: there is no provider {} in the configuration (clinic, hospital); key: must be a COSE_Key in base64 or hex, a PEM or a JWK",
        "9: device: the same as on line 8",
        "10: key: the same as on line 8; each device has its own",
      ]
    `);
  });

  test('headers', () => {
    const headers = [
      'urn:dev:os:32473-1,p-1,clinic,AAAA',
      `${HEADER},ward\n${row(1)},3`,
      'device,device,patient,key',
      'device,provider',
      'device;patient;provider;key',
      '"device,patient',
      '',
      HEADER,
    ];
    expect(headers.flatMap((text) => problemsOf(text))).toMatchInlineSnapshot(`
      [
        "1: "urn:dev:os:32473-1" is no column; the first line names the columns: device,patient,provider,key and perhaps cadence, in any order",
        "1: "ward" is no column; the first line names the columns: device,patient,provider,key and perhaps cadence, in any order",
        "1: a column stands there twice; the first line names the columns: device,patient,provider,key and perhaps cadence, in any order",
        "1: the column patient, key is missing; the first line names the columns: device,patient,provider,key and perhaps cadence, in any order",
        "1: the columns are not separated by commas (RFC 4180); save the file as comma-separated values",
        "1: the quote that line 1 opens is never closed; nothing behind it was read",
        "1: the file holds no enrolment",
        "1: the file holds no enrolment",
      ]
    `);
  });

  test('no secret is repeated', () => {
    const text = problemsOf(`${HEADER}\n${urn(11)},p,clinic,"{c2VjcmV0"\n${urn(1)},p,clinic,c2VjcmV0`).join();
    expect(text).not.toContain('c2VjcmV0');
  });
});

describe('text', () => {
  test('that is no UTF-8 is told by line', () => {
    const bytes = Buffer.concat([
      Buffer.from('a\nb'),
      Buffer.of(0xe9),
      Buffer.from('\nc\n'),
      Buffer.of(0xff),
    ]);
    expect(decodeText(bytes)).toEqual([
      { line: 2, problem: 'not UTF-8; save the file as UTF-8' },
      { line: 4, problem: 'not UTF-8; save the file as UTF-8' },
    ]);
    expect(decodeText(Buffer.from('\ufeffa', 'utf16le'))).toEqual([
      { line: 1, problem: 'the file is in UTF-16; save it as UTF-8' },
    ]);
  });

  test.each([
    ['fleet.csv', '{', 'csv'],
    ['FLEET.CSV', '', 'csv'],
    ['fleet.jsonl', 'device', 'jsonl'],
    ['fleet.ndjson', '', 'jsonl'],
    ['-', ' \n{"device"', 'jsonl'],
    ['fleet', 'device,', 'csv'],
  ])('%s beginning with %s is %s', (name, text, format) => expect(formatOf(name, text)).toBe(format));
});

test('whatever the file: no exception, and every line is enrolled or told of', () => {
  const noise = fc.string({
    unit: fc.constantFrom('"', ',', '\n', '\r', '{', '}', '\\', '\u0000', '\ud800', 'é'),
  });
  const mangled = fc
    .tuple(
      fc.constantFrom(
        `${HEADER}\n${row(1)}\n${row(2)}`,
        `${json({})}\n${json({ device: urn(2), key: base64(2) })}`,
      ),
      fc.nat(400),
      noise,
      fc.nat(30),
    )
    .map(([text, at, insert, cut]) => text.slice(0, at) + insert + text.slice(at + cut));
  fc.assert(
    fc.property(mangled, fc.constantFrom<FileFormat>('csv', 'jsonl'), (text, format) => {
      const { enrolments, problems } = read(text, format);
      expect(enrolments.length + problems.length).toBeGreaterThan(0);
      for (const { problem, line } of problems) {
        expect(problem).toMatch(/^[\x20-\x7e\u00a0-\uffff]+$/);
        expect(line).toBeGreaterThan(0);
      }
      for (const { device, patient, provider } of enrolments) {
        expect(device).toMatch(/^urn:dev:/);
        expect(patient).toMatch(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/);
        expect(['clinic', 'hospital']).toContain(provider);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a cadence in seconds, off, default or nothing; anything else is told', () => {
  const cadences = ['60', 'off', 'DEFAULT', '', '0', '1.5', '99999999', '"a ""b"""'];
  const text = [
    'device,patient,provider,key,cadence',
    ...cadences.map((cadence, at) => `${urn(at + 1)},p,clinic,${base64(at + 1)},${cadence}`),
  ].join('\n');
  const { enrolments, problems } = readEnrolments(text, {
    format: 'csv',
    providers: ['clinic'],
    provider: undefined,
  });
  expect(enrolments.map(({ cadence }) => cadence)).toEqual([60, 0, null, null]);
  expect(problems.map(({ line }) => line)).toEqual([6, 7, 8, 9]);
  expect(problems[0]?.problem).toBe(
    'cadence: must be whole seconds from 1 to 31536000 (a year), off or default',
  );
  const lines = [60, 'off', null].map((cadence, at) =>
    JSON.stringify({ device: urn(at + 1), patient: 'p', provider: 'clinic', key: base64(at + 1), cadence }),
  );
  const json = readEnrolments(lines.join('\n'), {
    format: 'jsonl',
    providers: ['clinic'],
    provider: undefined,
  });
  expect(json).toMatchObject({
    problems: [],
    enrolments: [{ cadence: 60 }, { cadence: 0 }, { cadence: null }],
  });
});
