/**
 * The provider's configuration: one JSON file, read once, all mistakes reported together by their key.
 *
 * ```json
 * {
 *   "listen": { "host": "127.0.0.1", "port": 8490 },
 *   "provider": "clinic-a",
 *   "dataDir": "inbox",
 *   "sealingKeyFile": "sealing-key",
 *   "gateway": { "origin": "gateway.example/log", "logKey": "base64", "webhookKeys": ["whpk_..."] },
 *   "devices": [{ "device": "urn:dev:ow:...", "algorithm": "ESP256", "publicKey": "base64" }]
 * }
 * ```
 * Paths are relative to the file. `devices` is optional: keys the clinic pins instead of learning them from the log.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { base64ToBytes } from '../src/bytes.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { type PublicKey, parsePublicKey } from '../src/cose/key.ts';
import { isDeviceUrn } from '../src/statement.ts';
import { parseWebhookKey } from '../src/webhook.ts';
import type { Trust } from './judge.ts';
import { parseKey } from './keys.ts';

export interface ProviderConfig {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Our id, as the gateway knows us. */
  readonly provider: string;
  readonly dataDir: string;
  /** X25519 private key, 32 bytes. */
  readonly sealingKey: Uint8Array;
  readonly trust: Trust;
  readonly webhookKeys: readonly Uint8Array[];
}

export interface ConfigProblem {
  /** Where in the file, as `gateway.logKey`. */
  readonly key: string;
  readonly problem: string;
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ProviderConfigError extends Error {
  override readonly name = 'ProviderConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    super(`${file}:\n${problems.map(({ key, problem }) => `  ${key}: ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Reads and checks the file and the key file it names. Throws ProviderConfigError with all problems at once. */
export function loadProviderConfig(file: string): ProviderConfig {
  const reader = new ConfigReader();
  const root = reader.object(readJson(file), '', [
    'listen',
    'provider',
    'dataDir',
    'sealingKeyFile',
    'gateway',
    'devices',
  ]);
  const listen = reader.object(root['listen'], 'listen', ['host', 'port']);
  const gateway = reader.object(root['gateway'], 'gateway', ['origin', 'logKey', 'webhookKeys']);
  const directory = path.dirname(path.resolve(file));
  const config = {
    host: reader.text(listen['host'], 'listen.host', /^\S{1,255}$/, 'a host name or address'),
    port: reader.port(listen['port'], 'listen.port'),
    provider: reader.text(root['provider'], 'provider', /^[!-~]{1,64}$/, 'the id the gateway knows you by'),
    dataDir: path.resolve(directory, reader.text(root['dataDir'], 'dataDir', /./, 'a directory')),
    sealingKey: reader.keyFile(root['sealingKeyFile'], 'sealingKeyFile', directory),
    trust: {
      origin: reader.text(
        gateway['origin'],
        'gateway.origin',
        /^[!-*,-~]{1,128}$/,
        "the origin of the gateway's log",
      ),
      logKey: reader.logKey(gateway['logKey'], 'gateway.logKey'),
      pinned: reader.devices(root['devices'] ?? [], 'devices'),
    },
    webhookKeys: reader.webhookKeys(gateway['webhookKeys'], 'gateway.webhookKeys'),
  };
  if (reader.problems.length > 0) throw new ProviderConfigError(file, reader.problems);
  return Object.freeze(config);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch (cause) {
    const reason =
      cause instanceof SyntaxError ? `not JSON: ${cause.message}` : 'cannot be read; run provider init first';
    throw new ProviderConfigError(file, [{ key: '(file)', problem: reason }]);
  }
}

/** Reads values by key; a wrong one is noted and replaced by a harmless one, so that reading goes on. */
class ConfigReader {
  readonly problems: ConfigProblem[] = [];

  object(value: unknown, key: string, known: readonly string[]): Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#note(key === '' ? '(file)' : key, value === undefined ? 'missing' : 'must be an object');
      return {};
    }
    for (const name of Object.keys(value)) {
      if (!known.includes(name)) this.#note(key === '' ? name : `${key}.${name}`, 'unknown key');
    }
    return value as Record<string, unknown>;
  }

  text(value: unknown, key: string, form: RegExp, what: string): string {
    if (typeof value === 'string' && form.test(value)) return value;
    this.#note(key, value === undefined || value === '' ? `missing: ${what}` : `must be ${what}`);
    return '';
  }

  port(value: unknown, key: string): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
    this.#note(key, 'must be a port number from 0 to 65535');
    return 0;
  }

  keyFile(value: unknown, key: string, directory: string): Uint8Array {
    const name = this.text(value, key, /./, 'the file with the sealing key');
    if (name === '') return new Uint8Array(32);
    try {
      const bytes = parseKey(readFileSync(path.resolve(directory, name), 'utf8'));
      if (bytes !== undefined) return bytes;
      this.#note(key, 'the file does not hold 32 bytes in base64');
    } catch {
      this.#note(key, 'the file cannot be read');
    }
    return new Uint8Array(32);
  }

  logKey(value: unknown, key: string): Uint8Array {
    const bytes = typeof value === 'string' ? parseKey(value) : undefined;
    const parsed = bytes && parsePublicKey('Ed25519', bytes);
    if (parsed?.kind === 'ok') return parsed.value.bytes;
    const what = "the log's Ed25519 key in base64, from the gateway's operator";
    this.#note(key, value === undefined || value === '' ? `missing: ${what}` : `must be ${what}`);
    return new Uint8Array(32);
  }

  webhookKeys(value: unknown, key: string): Uint8Array[] {
    const items = Array.isArray(value) ? (value as unknown[]) : [];
    if (items.length < 1 || items.length > 4)
      this.#note(key, 'must be a list of one to four keys (whpk_...)');
    return items.flatMap((item, at) => {
      const bytes = typeof item === 'string' ? parseWebhookKey(item) : undefined;
      if (bytes !== undefined && parsePublicKey('Ed25519', bytes).kind === 'ok') return [bytes];
      this.#note(`${key}[${at}]`, "must be the gateway's webhook key (whpk_...)");
      return [];
    });
  }

  devices(value: unknown, key: string): ReadonlyMap<string, readonly PublicKey[]> {
    const pinned = new Map<string, PublicKey[]>();
    if (!Array.isArray(value)) this.#note(key, 'must be a list');
    for (const [at, item] of (Array.isArray(value) ? (value as unknown[]) : []).entries()) {
      const here = `${key}[${at}]`;
      const fields = this.object(item, here, ['device', 'algorithm', 'publicKey']);
      const device = this.text(fields['device'], `${here}.device`, /./, 'a device URN (urn:dev:...)');
      if (device !== '' && !isDeviceUrn(device))
        this.#note(`${here}.device`, 'must be a device URN (urn:dev:...)');
      const algorithm = this.text(
        fields['algorithm'],
        `${here}.algorithm`,
        /^(Ed25519|ESP256|ES256K)$/,
        'Ed25519, ESP256 or ES256K',
      );
      const encoded = this.text(fields['publicKey'], `${here}.publicKey`, /./, 'a public key in base64');
      const bytes = base64ToBytes(encoded);
      if (algorithm === '' || encoded === '') continue;
      const parsed = bytes && parsePublicKey(algorithm as Algorithm, bytes);
      if (parsed?.kind === 'ok') pinned.set(device, [...(pinned.get(device) ?? []), parsed.value]);
      else this.#note(`${here}.publicKey`, `must be a usable ${algorithm} key in base64`);
    }
    return pinned;
  }

  #note(key: string, problem: string): void {
    this.problems.push({ key, problem });
  }
}
