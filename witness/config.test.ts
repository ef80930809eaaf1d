import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COSIGNATURE_TYPE } from '../src/cosignature.ts';
import { ED25519_TYPE } from '../src/signed-note.ts';
import { formatVerifierKey, parseVerifierKey } from '../src/verifier-key.ts';
import { loadWitnessConfig } from './config.ts';
import { initWitness } from './init.ts';
import { LOG_ORIGIN, LOG_SIGNER } from './testing/test-log.ts';

const LOG_KEY = { name: LOG_ORIGIN, publicKey: LOG_SIGNER.publicKey.bytes };
const LOG = { origin: LOG_ORIGIN, keys: [formatVerifierKey(LOG_KEY, ED25519_TYPE)] };
const OPTIONS = { name: 'w.example/1', host: '127.0.0.1', port: 0, requestsPerMinute: 60, logs: [LOG] };

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitalseal-witness-'));
  file = join(folder, 'w', 'witness.json');
});

afterEach(() => rmSync(folder, { recursive: true }));

test('what init makes is read back, and is for its owner alone', () => {
  const key = initWitness(join(folder, 'w'), OPTIONS);
  const config = loadWitnessConfig(file);
  expect(config).toMatchObject({ name: 'w.example/1', host: '127.0.0.1', port: 0, requestsPerMinute: 60 });
  expect(config.logs.get(LOG_ORIGIN)).toEqual([LOG_KEY]);
  expect(parseVerifierKey(key, COSIGNATURE_TYPE)).toMatchObject({
    value: { name: 'w.example/1', publicKey: config.signer.publicKey.bytes },
  });
  for (const name of ['witness.json', 'witness-key', 'state/witness.db'])
    expect([name, statSync(join(folder, 'w', name)).mode & 0o077]).toEqual([name, 0]);
  expect(() => initWitness(join(folder, 'w'), OPTIONS)).toThrow(/EEXIST/);
});

test('every mistake is told at once, by its key', () => {
  initWitness(join(folder, 'w'), OPTIONS);
  const good = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const complaint = (change: object): string => {
    writeFileSync(file, JSON.stringify({ ...good, ...change }));
    try {
      loadWitnessConfig(file);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  expect(complaint({ name: '', listen: { host: 'h' }, colour: 1 })).toMatch(
    /listen.*\n.*name|name.*\n.*listen/s,
  );
  const wrong = { origin: 'b', keys: ['nonsense'] };
  const told = complaint({ name: 'a b', keyFile: 'none', logs: [LOG, { ...LOG }, wrong] });
  expect(told).toContain('name: must be without spaces');
  expect(told).toContain('keyFile: cannot be read');
  expect(told).toContain('logs.1.origin: is used twice');
  expect(told).toContain('logs.2.keys.0: not a verifier key');
  writeFileSync(file, '{');
  expect(() => loadWitnessConfig(file)).toThrow(/not JSON/);
  expect(() => loadWitnessConfig(join(folder, 'none'))).toThrow(/witness init/);
});
