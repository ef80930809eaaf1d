/**
 * The witness's configuration: one JSON file, read once, all mistakes reported together by their key.
 *
 * ```json
 * {
 *   "listen": { "host": "127.0.0.1", "port": 8491 },
 *   "name": "witness.example/w1",
 *   "keyFile": "witness-key",
 *   "dataDir": "state",
 *   "requestsPerMinute": 600,
 *   "logs": [{ "origin": "clinic.example/log", "keys": ["clinic.example/log+0123abcd+AbCd..."] }]
 * }
 * ```
 * Paths are relative to the file. A log may have several keys, while it changes them.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Type from 'typebox';
import Value from 'typebox/value';
import type { Signer } from '../src/signature.ts';
import { ED25519_TYPE, isKeyName, type NoteKey } from '../src/signed-note.ts';
import { parseVerifierKey } from '../src/verifier-key.ts';
import { readSignerFile } from './keys.ts';

/** The logs a witness knows, by origin, with the keys it trusts for each. */
export type TrustedLogs = ReadonlyMap<string, readonly NoteKey[]>;

export interface WitnessConfig {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Key name of the witness. */
  readonly name: string;
  readonly signer: Signer;
  readonly dataDir: string;
  /** From one address; more are refused with 429. */
  readonly requestsPerMinute: number;
  readonly logs: TrustedLogs;
}

/** A configuration that cannot be used, with everything that is wrong with it, a line each. */
export class WitnessConfigError extends Error {
  override readonly name = 'WitnessConfigError';

  constructor(file: string, problems: readonly string[]) {
    super(`${file}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}

const closed = { additionalProperties: false };
const Schema = Type.Object(
  {
    listen: Type.Object(
      {
        host: Type.String({ minLength: 1, maxLength: 255 }),
        port: Type.Integer({ minimum: 0, maximum: 65_535 }),
      },
      closed,
    ),
    name: Type.String({ minLength: 1, maxLength: 255 }),
    keyFile: Type.String({ minLength: 1 }),
    dataDir: Type.String({ minLength: 1 }),
    requestsPerMinute: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    logs: Type.Array(
      Type.Object(
        {
          origin: Type.String({ minLength: 1 }),
          keys: Type.Array(Type.String(), { minItems: 1, maxItems: 8 }),
        },
        closed,
      ),
      { maxItems: 10_000 },
    ),
  },
  closed,
);
type Settings = Type.Static<typeof Schema>;

/** Reads and checks the file and the key file it names. Throws WitnessConfigError with all problems at once. */
export function loadWitnessConfig(file: string): WitnessConfig {
  const settings = readSettings(file);
  const directory = path.dirname(path.resolve(file));
  const problems: string[] = [];
  if (!isKeyName(settings.name))
    problems.push('name: must be without spaces, plus signs and control characters');
  const signer = readSignerFile(path.resolve(directory, settings.keyFile));
  if (signer === undefined) problems.push('keyFile: cannot be read, or does not hold 64 hex digits');
  const logs = readLogs(settings.logs, problems);
  if (signer === undefined || problems.length > 0) throw new WitnessConfigError(file, problems);
  return Object.freeze({
    ...settings.listen,
    name: settings.name,
    signer,
    dataDir: path.resolve(directory, settings.dataDir),
    requestsPerMinute: settings.requestsPerMinute,
    logs,
  });
}

function readSettings(file: string): Settings {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const reason =
      error instanceof SyntaxError ? 'it is not JSON' : 'it cannot be read; vitalseal witness init makes one';
    throw new WitnessConfigError(file, [reason]);
  }
  const problems = [...Value.Errors(Schema, value)].map(({ instancePath, message }) => {
    const key = instancePath.slice(1).replaceAll('/', '.');
    return `${key === '' ? '(file)' : key}: ${message}`;
  });
  if (problems.length > 0) throw new WitnessConfigError(file, problems);
  return value as Settings;
}

function readLogs(logs: Settings['logs'], problems: string[]): TrustedLogs {
  const trusted = new Map<string, NoteKey[]>();
  for (const [at, { origin, keys }] of logs.entries()) {
    if (trusted.has(origin)) problems.push(`logs.${at}.origin: is used twice`);
    const parsed = keys.flatMap((text, place) => {
      const key = parseVerifierKey(text, ED25519_TYPE);
      if (key.kind === 'ok') return [key.value];
      problems.push(`logs.${at}.keys.${place}: ${key.detail}`);
      return [];
    });
    trusted.set(origin, parsed);
  }
  return trusted;
}
