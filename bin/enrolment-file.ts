/** A file of enrolments, CSV or JSON lines: every line checked, every mistake told by its line. */

import type { EnrolmentItem } from '../gateway/store/enrolment-store.ts';
import { bytesToHex } from '../src/bytes.ts';
import { encodeCoseKey, keyId } from '../src/cose/key.ts';
import { isDeviceUrn } from '../src/statement.ts';
import { parseCadence } from './cadence.ts';
import { readCsv } from './csv.ts';
import { parseText } from './key-files.ts';

export type FileFormat = 'csv' | 'jsonl';

/** What is wrong with a line. */
export interface LineProblem {
  readonly line: number;
  readonly problem: string;
}

/** An enrolment with what it is compared by. */
export interface Enrolment extends EnrolmentItem {
  /** 16 hex digits. */
  readonly kid: string;
}

export interface EnrolmentFile {
  readonly enrolments: readonly Enrolment[];
  /** By line. */
  readonly problems: readonly LineProblem[];
}

export interface ReadOptions {
  readonly format: FileFormat;
  /** Ids of the providers of the configuration. */
  readonly providers: readonly string[];
  /** For lines that name none. */
  readonly provider: string | undefined;
}

const FIELDS = ['device', 'patient', 'provider', 'key', 'cadence'] as const;
/** Fields that a file may do without. */
const OPTIONAL: readonly string[] = ['provider', 'cadence'];
type Field = (typeof FIELDS)[number];
type Fields = Readonly<Partial<Record<Field, unknown>>>;
type RawLine = { readonly line: number } & ({ readonly fields: Fields } | { readonly problem: string });

/** At 0.3 ms each half a minute of work for the gateway; whoever has more can split the file. */
export const MAX_ENROLMENTS = 100_000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
/** Of a wrong value only so much is repeated. */
const SHOWN_CHARACTERS = 60;

/** CSV or JSON lines, by the name of the file, or else by its first character. */
export function formatOf(name: string, text: string): FileFormat {
  if (/\.csv$/i.test(name)) return 'csv';
  if (/\.(?:jsonl|ndjson|json)$/i.test(name)) return 'jsonl';
  return text.trimStart().startsWith('{') ? 'jsonl' : 'csv';
}

/** The text of a file; a byte order mark is taken off. Lines that are not UTF-8 are problems. */
export function decodeText(bytes: Uint8Array): string | LineProblem[] {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    if (isUtf16) return [{ line: 1, problem: 'the file is in UTF-16; save it as UTF-8' }];
    const problems: LineProblem[] = [];
    let [line, start] = [1, 0];
    while (start <= bytes.length) {
      const end = bytes.indexOf(0x0a, start);
      const part = bytes.subarray(start, end < 0 ? bytes.length : end);
      if (!isUtf8(part)) problems.push({ line, problem: 'not UTF-8; save the file as UTF-8' });
      if (end < 0) break;
      [line, start] = [line + 1, end + 1];
    }
    return problems;
  }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Reads and checks all lines. Devices and keys that stand in the file twice are problems of the later line. */
export function readEnrolments(text: string, options: ReadOptions): EnrolmentFile {
  const problems: LineProblem[] = [];
  const enrolments: Enrolment[] = [];
  const devices = new Map<string, number>();
  const keys = new Map<string, number>();
  for (const raw of options.format === 'csv' ? csvLines(text) : jsonLines(text)) {
    const read = 'problem' in raw ? raw : readLine(raw.line, raw.fields, options);
    if ('problem' in read) {
      problems.push({ line: read.line, problem: read.problem });
      continue;
    }
    const twice = sayTwice('device', devices, read.device, read) ?? sayTwice('key', keys, read.kid, read);
    if (twice === undefined) enrolments.push(read);
    else problems.push(twice);
  }
  if (problems.length === 0 && enrolments.length === 0)
    problems.push({ line: 1, problem: 'the file holds no enrolment' });
  if (enrolments.length > MAX_ENROLMENTS)
    problems.push({
      line: enrolments[MAX_ENROLMENTS]?.line ?? 1,
      problem: `more than ${MAX_ENROLMENTS} enrolments; split the file here`,
    });
  return { enrolments, problems };
}

function sayTwice(
  what: string,
  seen: Map<string, number>,
  value: string,
  { line }: Enrolment,
): LineProblem | undefined {
  const before = seen.get(value);
  if (before !== undefined)
    return {
      line,
      problem: `${what}: the same as on line ${before}${what === 'key' ? '; each device has its own' : ''}`,
    };
  seen.set(value, line);
  return undefined;
}

function* csvLines(text: string): Generator<RawLine> {
  let columns: readonly Field[] | undefined;
  for (const record of readCsv(text)) {
    if ('problem' in record) {
      yield record;
      if (columns === undefined) return; // without a header nothing that follows means anything
    } else if (columns === undefined) {
      const header = readHeader(record.fields);
      if (typeof header === 'string') {
        yield { line: record.line, problem: header };
        return;
      }
      columns = header;
    } else {
      yield toFields(record.line, record.fields, columns);
    }
  }
}

function toFields(line: number, values: readonly string[], columns: readonly Field[]): RawLine {
  if (values.length !== columns.length)
    return { line, problem: `has ${values.length} fields, the header ${columns.length}` };
  return { line, fields: Object.fromEntries(columns.map((column, at) => [column, values[at]])) };
}

/** The columns, or what is wrong with the header. */
function readHeader(names: readonly string[]): readonly Field[] | string {
  const expected =
    'the first line names the columns: device,patient,provider,key and perhaps cadence, in any order';
  const columns = names.map((name) => FIELDS.find((field) => field === name.trim().toLowerCase()));
  const unknown = columns.indexOf(undefined);
  if (unknown >= 0) {
    const name = names[unknown] ?? '';
    if (names.length === 1 && /[;\t]/.test(name))
      return 'the columns are not separated by commas (RFC 4180); save the file as comma-separated values';
    return `${show(name)} is no column; ${expected}`;
  }
  if (new Set(columns).size < columns.length) return `a column stands there twice; ${expected}`;
  const missing = FIELDS.filter((field) => !OPTIONAL.includes(field) && !columns.includes(field));
  return missing.length > 0
    ? `the column ${missing.join(', ')} is missing; ${expected}`
    : (columns as Field[]);
}

function* jsonLines(text: string): Generator<RawLine> {
  for (const [at, content] of text.split('\n').entries()) {
    if (content.trim() === '') continue;
    const line = at + 1;
    let value: unknown;
    try {
      value = JSON.parse(content); // attacker-controlled
    } catch {
      yield { line, problem: 'not JSON' };
      continue;
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      yield { line, problem: 'not a JSON object' };
      continue;
    }
    const unknown = Object.keys(value).find((name) => !FIELDS.some((field) => field === name));
    if (unknown !== undefined)
      yield { line, problem: `${show(unknown)} is no field; the fields are ${FIELDS.join(', ')}` };
    else yield { line, fields: value };
  }
}

/** One enrolment, or what is wrong with the line: all of it, not the first. */
function readLine(
  line: number,
  { device, patient, provider, key, cadence }: Fields,
  { providers, provider: otherwise }: ReadOptions,
): Enrolment | LineProblem {
  const receiver = provider === undefined || provider === '' ? otherwise : provider;
  const parsed = typeof key === 'string' ? parseText(key.trim()) : undefined;
  const silence = cadenceOf(cadence);
  const problems = [
    problemOfDevice(device),
    problemOfPatient(patient),
    problemOfProvider(receiver, providers),
    problemOfKey(key, parsed),
    typeof silence === 'string' ? `cadence: ${silence}` : undefined,
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0 || parsed?.kind !== 'ok' || typeof silence === 'string')
    return { line, problem: problems.join('; ') };
  return {
    line,
    device: String(device),
    patient: String(patient),
    provider: String(receiver),
    coseKey: encodeCoseKey(parsed.value),
    cadence: silence,
    kid: bytesToHex(keyId(parsed.value)),
  };
}

/** What is wrong with the URN of a device; undefined: nothing. */
export function problemOfDevice(device: unknown): string | undefined {
  if (isMissing(device)) return 'device: is missing';
  return typeof device === 'string' && isDeviceUrn(device)
    ? undefined
    : `device: ${show(device)} is no device URN (urn:dev:mac:0024befffe804ff1, RFC 9039)`;
}

/** What is wrong with the pseudonym of a patient. */
export function problemOfPatient(patient: unknown): string | undefined {
  if (isMissing(patient)) return 'patient: is missing';
  return typeof patient === 'string' && NAME.test(patient)
    ? undefined
    : 'patient: must be a pseudonym of letters, digits, ._:- (at most 64)';
}

/** What is wrong with the id of a provider. */
export function problemOfProvider(provider: unknown, known: readonly string[]): string | undefined {
  if (isMissing(provider)) return 'provider: is missing';
  if (typeof provider === 'string' && known.includes(provider)) return undefined;
  const list = known.length === 0 ? 'none' : known.join(', ');
  return `provider: there is no provider ${show(provider)} in the configuration (${list})`;
}

/** The cadence of a line, or what is wrong with it. */
function cadenceOf(cadence: unknown): number | null | string {
  if (isMissing(cadence)) return null;
  return parseCadence(typeof cadence === 'number' ? String(cadence) : show(cadence).replaceAll('"', ''));
}

function problemOfKey(key: unknown, parsed: ReturnType<typeof parseText>): string | undefined {
  if (isMissing(key)) return 'key: is missing';
  if (parsed === undefined) return 'key: must be a COSE_Key in base64 or hex, a PEM or a JWK';
  return parsed.kind === 'reject' ? `key: ${parsed.detail}` : undefined;
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** A value as it may be repeated: short, and nothing in it that a terminal obeys. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  const plain = text.replaceAll(/[^\x20-\x7e\u00a0-\ud7ff]/g, '.');
  return plain.length > SHOWN_CHARACTERS ? `${plain.slice(0, SHOWN_CHARACTERS)}...` : plain;
}
