import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isLogOrigin } from '../src/checkpoint.ts';
import { environmentName, loadConfig, settingsOf } from './config.ts';
import { GatewayConfigSchema } from './config-schema.ts';
import { makeFolder, type TestFolder } from './testing/folder.ts';

let folder: TestFolder;
let file: string;

beforeEach(() => {
  folder = makeFolder();
  file = join(folder.path, 'gateway.json');
});

afterEach(() => folder.remove());

const HASH = 'ab'.repeat(32);
const minimal = {
  origin: 'log.example.org/one',
  dataDir: 'data',
  keys: { masterKeyFile: 'k/master', logKeyFile: '/abs/log', webhookKeyFile: '../hook' },
};
const chain = {
  rpcUrls: ['https://user:hunter2@rpc.example.org'],
  chainId: 31_337,
  contract: `0x${'11'.repeat(20)}`,
  logId: `0x${'22'.repeat(32)}`,
  keystoreFile: 'keystore.json',
  passwordFile: 'password',
};

function load(config: unknown, environment: Record<string, string> = {}) {
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  return loadConfig(file, environment);
}

/** The message of the refusal, with the file's name out of it. */
function refusal(config: unknown, environment: Record<string, string> = {}): string {
  try {
    load(config, environment);
  } catch (error) {
    expect(error).toMatchObject({ code: 'config-invalid' });
    return (error as Error).message.replaceAll(file, '<file>');
  }
  throw new Error('the configuration was taken');
}

describe('what is not said has its default', () => {
  test('everything but origin, data and keys', () => {
    const config = load(minimal);
    expect(config).toMatchObject({
      checkpointEverySeconds: 60,
      checkpointPadding: 1,
      mqtt: { host: '127.0.0.1', port: 1883, maxConnections: 10_000, maxStatementBytes: 262_144 },
      http: { host: '127.0.0.1', port: 8480 },
      providers: [],
      access: [],
      limits: { commitBatch: 1024, deliveryBatch: 200 },
      policy: { suspendOnEquivocation: true },
      logLevel: 'info',
    });
    expect(config.chain).toBeUndefined();
  });

  test('also inside a section that says something', () => {
    const config = load({ ...minimal, mqtt: { port: 1 }, chain });
    expect(config.mqtt).toMatchObject({ port: 1, host: '127.0.0.1' });
    expect(config.chain).toMatchObject({ finality: 'auto', confirmations: 12, maxFeeGwei: 200 });
  });
});

test('paths are relative to the file', () => {
  const { dataDir, keys, chain: read } = load({ ...minimal, chain });
  expect(dataDir).toBe(join(folder.path, 'data'));
  expect(keys).toEqual({
    masterKeyFile: join(folder.path, 'k/master'),
    logKeyFile: '/abs/log',
    webhookKeyFile: join(folder.path, '../hook'),
  });
  expect(read?.keystoreFile).toBe(join(folder.path, 'keystore.json'));
});

describe('the account that pays for anchors', () => {
  const { keystoreFile: _, passwordFile: __, ...unsigned } = chain;
  const signer = { url: 'http://127.0.0.1:9000', address: `0x${'33'.repeat(20)}` };

  test('is in a keystore or with a signer, whose defaults are filled in', () => {
    expect(load({ ...minimal, chain }).chain?.signer).toBeUndefined();
    const read = load({ ...minimal, chain: { ...unsigned, signer } }).chain;
    expect(read?.signer).toEqual({ ...signer, method: 'eth_signTransaction', timeoutSeconds: 10 });
    expect(read).not.toHaveProperty('keystoreFile');
  });

  test('is named once', () => {
    expect(refusal({ ...minimal, chain: unsigned })).toMatchInlineSnapshot(`
      "<file> has 2 problem(s):
        chain.keystoreFile: is required without chain.signer
        chain.passwordFile: is required without chain.signer"
    `);
    expect(refusal({ ...minimal, chain: { ...unsigned, keystoreFile: 'k' } })).toMatchInlineSnapshot(`
      "<file> has 1 problem(s):
        chain.passwordFile: is required without chain.signer"
    `);
    expect(refusal({ ...minimal, chain: { ...chain, signer } })).toMatchInlineSnapshot(`
      "<file> has 1 problem(s):
        chain.signer: takes the place of keystoreFile and passwordFile; give one of the two"
    `);
  });

  test('pays nothing where gas is free, and waits for no price above the ceiling', () => {
    expect(load({ ...minimal, chain: { ...chain, maxFeeGwei: 0 } }).chain?.maxFeeGwei).toBe(0);
    const dear = { ...chain, maxFeeGwei: 5, preferredFeeGwei: 6 };
    expect(refusal({ ...minimal, chain: dear })).toMatchInlineSnapshot(`
      "<file> has 1 problem(s):
        chain.preferredFeeGwei: must not be above chain.maxFeeGwei"
    `);
    expect(load({ ...minimal, chain: { ...dear, preferredFeeGwei: 5 } }).chain).toMatchObject({
      transactions: 'auto',
      preferredFeeWaitSeconds: 21_600,
      lowBalanceDays: 14,
    });
  });
});

test('witnesses are known by verifier keys of cosignatures, each once', () => {
  const url = 'https://witness.example/w1';
  const key = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2';
  const logKey = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';
  expect(load({ ...minimal, witnesses: [{ key, url }] }).witnesses).toEqual([{ key, url }]);
  const refused = refusal({
    ...minimal,
    witnesses: [
      { key, url },
      { key, url: 'https://user:hunter2@witness.example' },
      { key: logKey, url },
      { key: key.replace('da77', 'da78'), url },
    ],
  });
  expect(refused).toContain('witnesses.1.key: its name is used twice');
  expect(refused).toContain('witnesses.1.url: must match pattern');
  expect(refused).toContain('witnesses.2.key: the verifier key is of signature type 1, not 4');
  expect(refused).toContain(
    'witnesses.3.key: the id of the verifier key does not belong to its name and key',
  );
  expect(refused).not.toContain('hunter2');
});

describe('existing brokers', () => {
  const ward = { name: 'ward', url: 'mqtts://broker.example.org:8883' };

  test('have their defaults and their paths', () => {
    const { brokers } = load({
      ...minimal,
      brokers: [{ ...ward, passwordFile: 'p', caFile: '/abs/ca', certFile: 'c', keyFile: 'k' }],
    });
    expect(brokers).toEqual([
      {
        ...ward,
        passwordFile: join(folder.path, 'p'),
        caFile: '/abs/ca',
        certFile: join(folder.path, 'c'),
        keyFile: join(folder.path, 'k'),
        group: 'vitalseal',
        connections: 1,
        receiveMaximum: 1000,
        sessionExpirySeconds: 2_592_000,
        answers: true,
      },
    ]);
  });

  test('that could not work are refused', () => {
    const plain = { name: 'plain', url: 'mqtt://broker.example.org' };
    expect(
      refusal({
        ...minimal,
        brokers: [
          { ...plain, caFile: 'ca' },
          { ...plain, certFile: 'c' },
          { ...ward, group: 'a/b', connections: 17 },
          { ...ward, url: 'mqtt://user:hunter2@broker.example.org' },
        ],
      }),
    ).toMatchInlineSnapshot(`
      "<file> has 9 problem(s):
        brokers.2.group: must match pattern "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
        brokers.2.connections: must be <= 16
        brokers.3.url: must match pattern "^mqtts?://[^@]+$"
        brokers.1.name: is used twice
        brokers.3.name: is used twice
        brokers.0.url: must begin with mqtts:// for certificates to be used
        brokers.1.group: is used twice at mqtt://broker.example.org
        brokers.1: certFile and keyFile go together
        brokers.1.url: must begin with mqtts:// for certificates to be used"
    `);
    expect(refusal({ ...minimal, mqtt: { enabled: false } })).toMatchInlineSnapshot(`
      "<file> has 1 problem(s):
        mqtt.enabled: is false and there are no brokers, so nothing could come in"
    `);
  });
});

test('the configuration is frozen to its leaves', () => {
  const config = load({
    ...minimal,
    chain,
    access: [{ name: 'a', role: 'admin', tokenSha256: HASH }],
  });
  const thaw = (value: unknown, path: string): string[] =>
    typeof value !== 'object' || value === null
      ? []
      : [
          ...(Object.isFrozen(value) ? [] : [path]),
          ...Object.entries(value).flatMap(([name, inner]) => thaw(inner, `${path}.${name}`)),
        ];
  expect(thaw(config, 'config')).toEqual([]);
  expect(() => Object.assign(config.mqtt, { port: 5 })).toThrow(TypeError);
});

describe('mistakes', () => {
  test('are reported all at once, by key', () => {
    expect(
      refusal({
        origin: 'Not An Origin',
        checkpointEverySeconds: 0,
        dataDir: '',
        keys: { masterKeyFile: 5, logkeyfile: 'x' },
        mqtt: { port: 70_000, hots: 'x' },
        http: [],
        chain: { ...chain, rpcUrls: ['ws://x'], contract: '0x12', finality: 'soon', confirmations: 0.5 },
        providers: [
          { id: 'a', url: 'http://a', sealingKey: 'short' },
          { id: 'a', url: 'ftp://a', sealingKey: `${'A'.repeat(43)}=` },
        ],
        access: [
          { name: 'x', role: 'patient', tokenSha256: HASH },
          { name: 'y', role: 'root', tokenSha256: HASH },
        ],
        logLevel: 'verbose',
        color: true,
      }),
    ).toMatchInlineSnapshot(`
      "<file> has 23 problem(s):
        color: there is no such setting
        origin: must match pattern "^[a-z0-9.-]+(/[A-Za-z0-9._~-]+)*$", such as clinic.example/log
        checkpointEverySeconds: must be >= 0.05
        dataDir: must not have fewer than 1 characters
        keys.logKeyFile: is required
        keys.webhookKeyFile: is required
        keys.logkeyfile: there is no such setting
        keys.masterKeyFile: must be string
        mqtt.hots: there is no such setting
        mqtt.port: must be <= 65535
        http: must be object
        chain.rpcUrls.0: must match pattern "^https?://", such as https://rpc.example.org
        chain.contract: must match pattern "^0x[0-9a-fA-F]{40}$", such as 0x5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f
        chain.finality: must be equal to one of the allowed values (auto, finalized, confirmations)
        chain.confirmations: must be integer
        chain.confirmations: must be >= 1
        providers.0.sealingKey: must match pattern "^[A-Za-z0-9+/]{43}=$", such as the 44 characters that \`vitalseal provider init\` prints
        providers.1.url: must match pattern "^https?://", such as https://clinic.example/vitalseal
        access.1.role: must be equal to one of the allowed values (admin, auditor, provider, patient)
        logLevel: must be equal to one of the allowed values (debug, info, warn, error, silent)
        providers.1.id: is used twice
        access.1.tokenSha256: is used twice
        access.0.subject: is required for the role patient"
    `);
  });

  test('one mistake is one line', () => {
    expect(refusal({ ...minimal, mqtt: { maxConnections: 'many' } })).toMatchInlineSnapshot(`
      "<file> has 1 problem(s):
        mqtt.maxConnections: must be integer"
    `);
  });

  test('a missing file says how to make one', () => {
    expect(() => loadConfig(join(folder.path, 'none.json'), {})).toThrow(
      expect.objectContaining({
        code: 'config-invalid',
        message: expect.stringContaining('none.json; vitalseal init makes one'),
      }),
    );
  });

  test.each([
    ['[]', '<file> must hold one JSON object'],
    ['null', '<file> must hold one JSON object'],
    ['"x"', '<file> must hold one JSON object'],
  ])('%s', (text, message) => {
    expect(refusal(text)).toBe(message);
  });

  test.each([
    ['{"chain": {"rpcUrls": hunter2@rpc}}', "<file> is not JSON: Unexpected token 'h'"],
    ['{"a": 1, "b" hunter2}', /^<file> is not JSON: Expected ':' after property name in JSON at position 13/],
    ['{"a": "hunter2', /^<file> is not JSON: Unterminated string in JSON at position 14/],
    ['', '<file> is not JSON: Unexpected end of JSON input'],
  ])('text that is no JSON is refused, and nothing of it is repeated: %s', (text, expected) => {
    const message = refusal(text);
    if (typeof expected === 'string') expect(message).toBe(expected);
    else expect(message).toMatch(expected);
    expect(message).not.toContain('hunter2');
  });

  test('no value is repeated: an address may hold credentials', () => {
    const message = refusal({ ...minimal, chain: { ...chain, rpcUrls: ['wss://user:hunter2@rpc'] } });
    expect(message).toContain('chain.rpcUrls.0');
    expect(message).not.toContain('hunter2');
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s is no setting', (name) => {
    const text = JSON.stringify(minimal).replace('{', `{"${name}": {"polluted": true}, `);
    expect(refusal(text)).toContain(`${name}: there is no such setting`);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test.each([
    ['provider', 'access.0.subject: is required for the role provider'],
    ['patient', 'access.0.subject: is required for the role patient'],
  ])('a %s’s token needs its subject', (role, message) => {
    const access = [{ name: 'x', role, tokenSha256: HASH }];
    expect(refusal({ ...minimal, access })).toContain(message);
    expect(load({ ...minimal, access: [{ ...access[0], subject: 'p-1' }] }).access).toHaveLength(1);
  });

  test('a token or a provider used twice', () => {
    const access = ['a', 'b'].map((name) => ({ name, role: 'admin', tokenSha256: HASH }));
    expect(refusal({ ...minimal, access })).toContain('access.1.tokenSha256: is used twice');
  });

  const urls = (count: number): string[] => Array.from({ length: count }, (_, at) => `https://${at}.example`);
  test.each<[string, object, string]>([
    ['no node', { rpcUrls: [] }, 'chain.rpcUrls: must not have fewer than 1 items'],
    ['nine nodes', { rpcUrls: urls(9) }, 'chain.rpcUrls: must not have more than 8 items'],
    ['no URL', { rpcUrls: ['https://'] }, 'chain.rpcUrls.0: is not a URL, such as https://rpc.example.org'],
    [
      'one node twice',
      { rpcUrls: [...urls(2), 'https://user:hunter2@0.example:443/key'] },
      'chain.rpcUrls.2: is on the same host and port as chain.rpcUrls.0, so it is no second opinion',
    ],
    [
      'more than there are',
      { rpcUrls: urls(2), quorum: 3 },
      'chain.quorum: is 3, and chain.rpcUrls has only 2',
    ],
    [
      'less than a majority',
      { rpcUrls: urls(4), quorum: 2 },
      'chain.quorum: must be more than half of the 4 of chain.rpcUrls, at least 3',
    ],
    ['nobody', { quorum: 0 }, 'chain.quorum: must be >= 1'],
  ])('a quorum of %s', (_what, over, problem) => {
    expect(refusal({ ...minimal, chain: { ...chain, ...over } })).toContain(`  ${problem}`);
  });

  test.each([1, 2, 3, 8])('%i nodes, and every quorum from a majority to all of them', (count) => {
    for (let quorum = Math.floor(count / 2) + 1; quorum <= count; quorum++)
      expect(load({ ...minimal, chain: { ...chain, rpcUrls: urls(count), quorum } }).chain?.quorum).toBe(
        quorum,
      );
    expect(load({ ...minimal, chain: { ...chain, rpcUrls: urls(count) } }).chain?.quorum).toBeUndefined();
  });

  test.each([`${'a'.repeat(128)}b`, 'log one', 'log+one', 'Log', '', 'log/', '/log'])(
    'an origin that no checkpoint can carry: %j',
    (origin) => {
      expect(refusal({ ...minimal, origin })).toContain('origin');
    },
  );

  test('every origin that is taken can be signed: the longest too', () => {
    for (const origin of ['a', 'a'.repeat(128), 'log.example.org/a-b_c~d/E'])
      expect(isLogOrigin(load({ ...minimal, origin }).origin)).toBe(true);
  });
});

describe('the environment', () => {
  test('names every setting outside lists of sections', () => {
    const names = settingsOf(GatewayConfigSchema).map(({ path }) => environmentName(path));
    expect(names).toContain('VITALSEAL_MQTT_MAX_CONNECTIONS');
    expect(names).toContain('VITALSEAL_CHAIN_RPC_URLS');
    expect(names).toContain('VITALSEAL_POLICY_SUSPEND_ON_EQUIVOCATION');
    expect(new Set(names).size).toBe(names.length);
    expect(names.some((name) => name.includes('PROVIDERS') || name.includes('ACCESS'))).toBe(false);
  });

  test('overrides the file, by the type of the setting', () => {
    const config = load(
      { ...minimal, mqtt: { port: 1 }, chain },
      {
        VITALSEAL_MQTT_PORT: '2',
        VITALSEAL_HTTP_HOST: '0.0.0.0',
        VITALSEAL_CHECKPOINT_EVERY_SECONDS: '0.5',
        VITALSEAL_POLICY_SUSPEND_ON_EQUIVOCATION: 'false',
        VITALSEAL_ORIGIN: 'other.example',
        VITALSEAL_DATA_DIR: 'elsewhere',
        VITALSEAL_CHAIN_CHAIN_ID: '5',
        VITALSEAL_CHAIN_RPC_URLS: ' https://a.example/key  https://b.example\n',
        VITALSEAL_UNKNOWN: 'x',
        PATH: '/bin',
      },
    );
    expect(config.mqtt.port).toBe(2);
    expect(config.http.host).toBe('0.0.0.0');
    expect(config.checkpointEverySeconds).toBe(0.5);
    expect(config.policy.suspendOnEquivocation).toBe(false);
    expect(config.origin).toBe('other.example');
    expect(config.dataDir).toBe(join(folder.path, 'elsewhere'));
    expect(config.chain?.chainId).toBe(5);
    expect(config.chain?.rpcUrls).toEqual(['https://a.example/key', 'https://b.example']);
  });

  test('can give what the file leaves out', () => {
    const { origin, ...rest } = minimal;
    expect(load(rest, { VITALSEAL_ORIGIN: origin }).origin).toBe(origin);
  });

  test.each([
    ['VITALSEAL_MQTT_PORT', 'x', 'mqtt.port'],
    ['VITALSEAL_MQTT_PORT', '', 'mqtt.port'],
    ['VITALSEAL_MQTT_PORT', ' ', 'mqtt.port'],
    ['VITALSEAL_MQTT_PORT', '1e9', 'mqtt.port'],
    ['VITALSEAL_MQTT_PORT', '1.5', 'mqtt.port'],
    ['VITALSEAL_MQTT_PORT', 'Infinity', 'mqtt.port'],
    ['VITALSEAL_POLICY_SUSPEND_ON_EQUIVOCATION', 'no', 'policy.suspendOnEquivocation'],
    ['VITALSEAL_LOG_LEVEL', 'loud', 'logLevel'],
    ['VITALSEAL_CHAIN_RPC_URLS', ' ', 'chain.rpcUrls'],
    ['VITALSEAL_CHAIN_RPC_URLS', 'https://a.example ftp://b', 'chain.rpcUrls.1'],
  ])('%s=%j is reported under its key', (name, value, key) => {
    expect(refusal(minimal, { [name]: value })).toContain(`  ${key}: `);
  });
});

describe('how devices connect', () => {
  const tls = { certFile: 'tls/cert.pem', keyFile: '/abs/key.pem' };
  const certified = { ...tls, clientCaFile: 'ca.pem', clientCertificate: 'required' };

  test('by default without TLS on this machine, by name, within limits', () => {
    const { mqtt } = load(minimal);
    expect(mqtt).toMatchObject({
      plain: true,
      authentication: 'none',
      token: { maxSeconds: 600, leewaySeconds: 300 },
      limits: { connectionsPerAddress: 5_000, connectSeconds: 10, inFlightMessages: 1_000 },
    });
    expect(mqtt.tls).toBeUndefined();
  });

  test('the files of mqtt.tls are relative to the file, and one that is not named stays so', () => {
    expect(load({ ...minimal, mqtt: { tls } }).mqtt.tls).toEqual({
      host: '127.0.0.1',
      port: 8883,
      clientCertificate: 'none',
      certFile: join(folder.path, 'tls/cert.pem'),
      keyFile: '/abs/key.pem',
    });
    const { mqtt } = load({
      ...minimal,
      mqtt: { tls: certified, authentication: 'certificate', plain: false },
    });
    expect(mqtt.tls?.clientCaFile).toBe(join(folder.path, 'ca.pem'));
  });

  test.each([
    [{ plain: false }, 'mqtt.plain: is false and there is no mqtt.tls; nothing would listen'],
    [{ tls: { ...tls, clientCertificate: 'optional' } }, 'mqtt.tls.clientCaFile: is required where'],
    [{ authentication: 'certificate' }, 'mqtt.tls.clientCertificate: must be optional or required'],
    [
      { authentication: 'token-or-certificate', tls },
      'mqtt.tls.clientCertificate: must be optional or required',
    ],
    [{ authentication: 'password' }, 'mqtt.authentication: '],
    [{ tls: { keyFile: 'k' } }, 'mqtt.tls.certFile: is required'],
    [{ limits: { connectSeconds: 0 } }, 'mqtt.limits.connectSeconds: '],
  ])('%j is refused', (mqtt, message) => {
    expect(refusal({ ...minimal, mqtt })).toContain(message);
  });

  test('every policy that can work is taken', () => {
    for (const mqtt of [
      { authentication: 'token' },
      { authentication: 'token', plain: false, tls },
      { authentication: 'token-or-certificate', tls: { ...certified, clientCertificate: 'optional' } },
    ])
      expect(load({ ...minimal, mqtt }).mqtt.authentication).toBe(mqtt.authentication);
  });
});
