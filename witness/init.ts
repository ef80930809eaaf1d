/** Sets a witness up: its key, its state, and a configuration. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Signer } from '../src/signature.ts';
import { createState, syncFolder } from './database.ts';
import { generateSecret, signerFromSecret, witnessKey } from './keys.ts';

export interface InitOptions {
  /** Key name: a schema-less URL such as witness.example/w1. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly requestsPerMinute: number;
  /** Verifier keys of the logs to follow, by origin. */
  readonly logs: readonly { readonly origin: string; readonly keys: readonly string[] }[];
}

/**
 * Creates `directory` with witness.json, witness-key and state, readable by this user alone, and returns the witness's verifier key.
 * Never overwrites: throws the file system's EEXIST when a file is there.
 */
export function initWitness(
  directory: string,
  { name, host, port, requestsPerMinute, logs }: InitOptions,
): string {
  const state = path.join(directory, 'state');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const secret = generateSecret();
  writePrivate(path.join(directory, 'witness-key'), `${secret}\n`);
  createState(state);
  const config = {
    listen: { host, port },
    name,
    keyFile: 'witness-key',
    dataDir: 'state',
    requestsPerMinute,
    logs,
  };
  writePrivate(path.join(directory, 'witness.json'), `${JSON.stringify(config, null, 2)}\n`);
  syncFolder(directory);
  return witnessKey(name, signerFromSecret(secret) as Signer);
}

function writePrivate(file: string, text: string): void {
  writeFileSync(file, text, { flag: 'wx', mode: 0o600, flush: true });
}
