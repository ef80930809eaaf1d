/** Sets a provider up: its sealing key, and a configuration that says what is still to be filled in. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { formatKey, generateProviderKeys } from './keys.ts';

export interface InitOptions {
  readonly provider: string;
  readonly host?: string;
  readonly port?: number;
  /** What the gateway's operator tells; left empty, the server names each as missing when it starts. */
  readonly origin?: string;
  /** The log's Ed25519 key, base64. */
  readonly logKey?: string;
  /** `whpk_...` */
  readonly webhookKeys?: readonly string[];
}

export interface InitResult {
  readonly configFile: string;
  /** What the gateway's operator must be given: the X25519 public key, base64. */
  readonly sealingKey: string;
}

/**
 * Creates `directory` with `provider.json` and `sealing-key`, readable by this user alone.
 * Never overwrites: throws the file system's EEXIST when either file is there.
 */
export function initProvider(directory: string, options: InitOptions): InitResult {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const keys = generateProviderKeys();
  const configFile = path.join(directory, 'provider.json');
  const config = {
    listen: { host: options.host ?? '127.0.0.1', port: options.port ?? 8480 },
    provider: options.provider,
    dataDir: 'inbox',
    sealingKeyFile: 'sealing-key',
    gateway: {
      origin: options.origin ?? '',
      logKey: options.logKey ?? '',
      webhookKeys: options.webhookKeys ?? [],
    },
  };
  writePrivate(path.join(directory, 'sealing-key'), `${formatKey(keys.privateKey)}\n`);
  writePrivate(configFile, `${JSON.stringify(config, null, 2)}\n`);
  return { configFile, sealingKey: formatKey(keys.publicKey) };
}

function writePrivate(file: string, text: string): void {
  writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
  // The mode above is subject to the umask only downwards; this keeps it exact where a file system adds bits.
  chmodSync(file, 0o600);
}
