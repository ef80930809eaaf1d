/** A gateway that cannot start says what is missing and what to do, and leaves nothing behind. */
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { endPrograms, type Outcome, startProgram, VITALSEAL, vitalseal } from './support/command.ts';
import { holdPort } from './support/free-port.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

let site: Site;
let sound: string;

/** What `serve` says on the way out, its log aside; this machine's paths and ports are named. One that starts is ended. */
async function serveFails(port?: number): Promise<Outcome> {
  const program = startProgram(process.execPath, [VITALSEAL, 'serve', '--config', site.config]);
  const started = until('end or start of serve', () => program.out() !== '').then(() => 'started');
  const code = await Promise.race([program.exited, started]);
  program.kill('SIGKILL');
  await program.exited;
  const named = program.err().replaceAll(site.directory, '<site>').replaceAll(String(port), '<port>');
  const said = named
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('{'));
  return { code, out: program.out(), err: said.join('\n') };
}

beforeAll(async () => {
  site = await Site.create();
  sound = readFileSync(site.config, 'utf8');
});

beforeEach(() => writeFileSync(site.config, sound));
afterEach(endPrograms);
afterAll(() => site?.remove());

describe('a gateway that cannot start', () => {
  it('names every mistake of its configuration at once, by key', async () => {
    site.amend(() => ({
      origin: 'Not an origin!',
      dataDir: 7,
      mqtt: { port: 70_000, colour: 'blue' },
      http: { port: 'http' },
      providers: [
        { id: 'clinic', url: 'ftp://clinic.example', sealingKey: 'short' },
        { id: 'clinic', url: 'https://clinic.example', sealingKey: `${'A'.repeat(43)}=` },
      ],
      access: [{ name: 'p', role: 'patient', tokenSha256: 'f'.repeat(64) }],
      keys: { masterKeyFile: 'master-key' },
      speed: 'fast',
    }));
    const { code, out, err } = await serveFails();
    expect(code).toBe(2);
    expect(out).toBe('');
    for (const key of [
      ...['origin', 'dataDir', 'mqtt.port', 'mqtt.colour', 'http.port', 'providers.0.url'],
      ...['providers.0.sealingKey', 'providers.1.id', 'access.0.subject', 'keys.logKeyFile'],
      ...['keys.webhookKeyFile', 'speed'],
    ])
      expect(err).toMatch(new RegExp(`^ {2}${key.replaceAll('.', '\\.')}: `, 'm'));
    expect(err).toMatchInlineSnapshot(`
      "vitalseal serve: <site>/gateway/vitalseal.json has 12 problem(s):
        speed: there is no such setting
        origin: must match pattern "^[a-z0-9.-]+(/[A-Za-z0-9._~-]+)*$", such as clinic.example/log
        dataDir: must be string
        keys.logKeyFile: is required
        keys.webhookKeyFile: is required
        mqtt.colour: there is no such setting
        mqtt.port: must be <= 65535
        http.port: must be integer
        providers.0.url: must match pattern "^https?://", such as https://clinic.example/vitalseal
        providers.0.sealingKey: must match pattern "^[A-Za-z0-9+/]{43}=$", such as the 44 characters that \`vitalseal provider init\` prints
        providers.1.id: is used twice
        access.0.subject: is required for the role patient"
    `);
  });

  it('says which file of the configuration is missing or is not JSON', async () => {
    rmSync(site.config);
    expect(await serveFails()).toMatchInlineSnapshot(`
      {
        "code": 2,
        "err": "vitalseal serve: cannot read the configuration <site>/gateway/vitalseal.json; vitalseal init makes one",
        "out": "",
      }
    `);
    writeFileSync(site.config, '{"origin": ');
    expect(await serveFails()).toMatchInlineSnapshot(`
      {
        "code": 2,
        "err": "vitalseal serve: <site>/gateway/vitalseal.json is not JSON: Unexpected end of JSON input",
        "out": "",
      }
    `);
  });

  it('takes a setting from the environment, and reports a wrong one by its key', async () => {
    const env = { VITALSEAL_MQTT_PORT: 'x', VITALSEAL_LOG_LEVEL: 'loud' };
    const { code, err } = await vitalseal(['serve', '--config', site.config], { env });
    expect(code).toBe(2);
    expect(err.replaceAll(site.directory, '<site>')).toMatchInlineSnapshot(`
      "vitalseal serve: <site>/gateway/vitalseal.json has 2 problem(s):
        mqtt.port: must be integer
        logLevel: must be equal to one of the allowed values (debug, info, warn, error, silent)
      "
    `);
  });

  it('says which port is busy: MQTT', async () => {
    const held = await holdPort();
    site.amend(() => ({ mqtt: { port: held.port }, http: { port: 0 } }));
    const failed = await serveFails(held.port);
    await held.release();
    expect(failed).toMatchInlineSnapshot(`
      {
        "code": 3,
        "err": "vitalseal serve: MQTT port 127.0.0.1:<port> is in use; stop what holds it or set mqtt.port",
        "out": "",
      }
    `);
  });

  it('says which port is busy: HTTP', async () => {
    const held = await holdPort();
    site.amend(() => ({ mqtt: { port: 0 }, http: { port: held.port } }));
    const failed = await serveFails(held.port);
    await held.release();
    expect(failed).toMatchInlineSnapshot(`
      {
        "code": 3,
        "err": "vitalseal serve: HTTP port 127.0.0.1:<port> is in use; stop what holds it or set http.port",
        "out": "",
      }
    `);
  });

  it('says which key file cannot be read, and never what is in it', async () => {
    site.amend(({ keys }) => ({ keys: { ...keys, logKeyFile: 'no-such-file' } }));
    expect(await serveFails()).toMatchInlineSnapshot(`
      {
        "code": 3,
        "err": "vitalseal serve: keys.logKeyFile: cannot read <site>/gateway/no-such-file",
        "out": "",
      }
    `);
    writeFileSync(site.config, sound);
    const secret = randomBytes(20).toString('hex');
    writeFileSync(site.file('gateway/short-key'), secret);
    site.amend(({ keys }) => ({ keys: { ...keys, webhookKeyFile: 'short-key' } }));
    const failed = await serveFails();
    expect(failed).toMatchInlineSnapshot(`
      {
        "code": 3,
        "err": "vitalseal serve: keys.webhookKeyFile: <site>/gateway/short-key must hold 64 hex digits",
        "out": "",
      }
    `);
    expect(failed.err).not.toContain(secret);
  });

  it('does not open a store under another master key', async () => {
    const port = { port: 0 };
    site.amend(() => ({ mqtt: port, http: port }));
    const gateway = await site.startGateway();
    gateway.kill('SIGTERM');
    await gateway.exited;
    writeFileSync(site.file('gateway/other-key'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
    site.amend(({ keys }) => ({ keys: { ...keys, masterKeyFile: 'other-key' } }));
    expect(await serveFails()).toMatchInlineSnapshot(`
      {
        "code": 3,
        "err": "vitalseal serve: the master key does not open this store; is it the key file the store was made with?",
        "out": "",
      }
    `);
  });

  it('does not go on with a log under another log key or another origin', async () => {
    const port = { port: 0 };
    site.amend(() => ({ mqtt: port, http: port }));
    const gateway = await site.startGateway();
    await until('a checkpoint', async () => (await site.get('/checkpoint')).ok);
    gateway.kill('SIGTERM');
    await gateway.exited;
    site.amend(() => ({ origin: 'another.example/log' }));
    expect(await serveFails()).toMatchInlineSnapshot(`
      {
        "code": 2,
        "err": "vitalseal serve: origin: this store holds the log clinic.example/log, not another.example/log; a log never changes its name",
        "out": "",
      }
    `);
    writeFileSync(site.config, sound);
    writeFileSync(site.file('gateway/other-key'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
    site.amend(({ keys }) => ({ mqtt: port, http: port, keys: { ...keys, logKeyFile: 'other-key' } }));
    expect(await serveFails()).toMatchInlineSnapshot(`
      {
        "code": 3,
        "err": "vitalseal serve: the log key did not sign the checkpoints of this store; is it the key file the store was made with?",
        "out": "",
      }
    `);
  });

  it('says that the data directory cannot be used', async () => {
    writeFileSync(site.file('gateway/a-file'), '');
    chmodSync(site.file('gateway/a-file'), 0o600);
    site.amend(() => ({ dataDir: 'a-file' }));
    expect(await serveFails()).toMatchInlineSnapshot(`
      {
        "code": 3,
        "err": "vitalseal serve: cannot use the data directory <site>/gateway/a-file: it is a file, not a directory",
        "out": "",
      }
    `);
  });

  it('says that the database is damaged', async () => {
    site.amend(() => ({ dataDir: 'damaged', mqtt: { port: 0 }, http: { port: 0 } }));
    const gateway = await site.startGateway();
    gateway.kill('SIGTERM');
    await gateway.exited;
    const file = site.file('gateway/damaged/gateway.db');
    writeFileSync(file, Buffer.concat([randomBytes(4096), readFileSync(file).subarray(4096)]));
    expect(await serveFails()).toMatchInlineSnapshot(`
      {
        "code": 3,
        "err": "vitalseal serve: cannot open the database <site>/gateway/damaged/gateway.db: the file is damaged (file is not a database); run vitalseal fsck and restore a backup",
        "out": "",
      }
    `);
  });
});
