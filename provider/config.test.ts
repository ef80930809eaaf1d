import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesToBase64 } from '../src/bytes.ts';
import { createSigner } from '../src/signature.ts';
import { formatWebhookKey } from '../src/webhook.ts';
import { loadProviderConfig, ProviderConfigError } from './config.ts';
import { initProvider } from './init.ts';
import { parseKey } from './keys.ts';
import { runProvider } from './run.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'provider-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const key = createSigner('Ed25519', new Uint8Array(32).fill(1)).publicKey.bytes;
const known = {
  provider: 'clinic-a',
  origin: 'gateway.example/log',
  logKey: bytesToBase64(key),
  webhookKeys: [formatWebhookKey(key)],
  port: 0,
};

function problemsOf(file: string): string {
  try {
    loadProviderConfig(file);
  } catch (error) {
    if (error instanceof ProviderConfigError) return error.message.replaceAll(directory, '');
    throw error;
  }
  return '';
}

describe('initProvider', () => {
  it('makes a key and a configuration that can be used, both private, and never overwrites them', () => {
    const { configFile, sealingKey } = initProvider(path.join(directory, 'new'), known);
    expect(parseKey(sealingKey)).toHaveLength(32);
    for (const name of ['provider.json', 'sealing-key']) {
      expect(statSync(path.join(directory, 'new', name)).mode & 0o777).toBe(0o600);
    }
    expect(loadProviderConfig(configFile)).toMatchObject({
      host: '127.0.0.1',
      provider: 'clinic-a',
      dataDir: path.join(directory, 'new', 'inbox'),
      trust: { origin: 'gateway.example/log', logKey: key },
      webhookKeys: [key],
    });
    const before = readFileSync(path.join(directory, 'new', 'sealing-key'), 'utf8');
    expect(() => initProvider(path.join(directory, 'new'), known)).toThrow(/EEXIST/);
    expect(readFileSync(path.join(directory, 'new', 'sealing-key'), 'utf8')).toBe(before);
  });

  it('leaves open what only the gateway knows, and the server says what is missing', () => {
    const { configFile } = initProvider(directory, { provider: 'clinic-a' });
    expect(problemsOf(configFile)).toMatchInlineSnapshot(`
      "/provider.json:
        gateway.origin: missing: the origin of the gateway's log
        gateway.logKey: missing: the log's Ed25519 key in base64, from the gateway's operator
        gateway.webhookKeys: must be a list of one to four keys (whpk_...)"
    `);
  });
});

describe('loadProviderConfig', () => {
  it('reports every mistake at once, by key', () => {
    const file = path.join(directory, 'provider.json');
    const config = {
      listen: { host: '', port: 70_000, tls: true },
      provider: 'clinic a',
      dataDir: 7,
      sealingKeyFile: 'nowhere',
      gateway: { origin: 'a b', logKey: bytesToBase64(new Uint8Array(32)), webhookKeys: ['whsec_x'] },
      devices: [
        { device: 'pump', algorithm: 'RSA', publicKey: 'AAAA' },
        { device: 'urn:dev:ow:0011', algorithm: 'ESP256', publicKey: 'AAAA' },
        3,
      ],
      extra: 1,
    };
    writeFileSync(file, JSON.stringify(config));
    expect(problemsOf(file)).toMatchInlineSnapshot(`
      "/provider.json:
        extra: unknown key
        listen.tls: unknown key
        listen.host: missing: a host name or address
        listen.port: must be a port number from 0 to 65535
        provider: must be the id the gateway knows you by
        dataDir: must be a directory
        sealingKeyFile: the file cannot be read
        gateway.origin: must be the origin of the gateway's log
        gateway.logKey: must be the log's Ed25519 key in base64, from the gateway's operator
        devices[0].device: must be a device URN (urn:dev:...)
        devices[0].algorithm: must be Ed25519, ESP256 or ES256K
        devices[1].publicKey: must be a usable ESP256 key in base64
        devices[2]: must be an object
        devices[2].device: missing: a device URN (urn:dev:...)
        devices[2].algorithm: missing: Ed25519, ESP256 or ES256K
        devices[2].publicKey: missing: a public key in base64
        gateway.webhookKeys[0]: must be the gateway's webhook key (whpk_...)"
    `);
  });

  it('reads pinned device keys', () => {
    const { configFile } = initProvider(directory, known);
    const p256 = createSigner('ESP256', new Uint8Array(32).fill(2)).publicKey;
    const pin = { device: 'urn:dev:ow:0011', algorithm: 'ESP256', publicKey: bytesToBase64(p256.bytes) };
    writeFileSync(
      configFile,
      JSON.stringify({ ...(JSON.parse(readFileSync(configFile, 'utf8')) as object), devices: [pin] }),
    );
    expect(loadProviderConfig(configFile).trust.pinned).toEqual(new Map([['urn:dev:ow:0011', [p256]]]));
  });

  it.each(['', '[]', 'null', '{', '"x"', '{"__proto__": 1}'])('takes %j for what it is', (text) => {
    const file = path.join(directory, 'provider.json');
    writeFileSync(file, text);
    expect(() => loadProviderConfig(file)).toThrow(ProviderConfigError);
    expect(() => loadProviderConfig(path.join(directory, 'absent.json'))).toThrow(/cannot be read/);
  });
});

describe('runProvider', () => {
  it('says where it listens, and stops when told', async () => {
    const { configFile } = initProvider(directory, known);
    const stop = new AbortController();
    const lines: string[] = [];
    const writeLine = (line: string) => {
      lines.push(line);
      stop.abort();
    };
    const writeError = (line: string) => lines.push(line);
    const logger = { info: () => undefined, error: (_: object, message: string) => lines.push(message) };
    const io = { logger, writeLine, writeError, stopped: stop.signal };
    expect(await runProvider(configFile, io)).toBe(0);
    expect(lines).toHaveLength(1);
    const { http, url, ready } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
    expect({ ready, url }).toEqual({ ready: true, url: `http://127.0.0.1:${String(http)}/deliveries` });
  });

  it('ends with 2 when the configuration is wrong and with 1 when it cannot start', async () => {
    const { configFile } = initProvider(directory, { ...known, host: 'no.such.host.invalid' });
    const logger = { info: () => {}, error: () => {} };
    const io = { logger, writeLine: () => {}, writeError: () => {}, stopped: new AbortController().signal };
    expect(await runProvider(configFile, io)).toBe(1);
    expect(await runProvider(path.join(directory, 'absent.json'), io)).toBe(2);
  });
});
