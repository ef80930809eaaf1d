/** The command line as people meet it: help, usage, exit codes, and the texts of typical mistakes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../bin/commands.ts';
import { endPrograms, vitalseal } from './support/command.ts';
import { freePort } from './support/free-port.ts';
import { PROVIDER, Site } from './support/site.ts';

let site: Site;
let nowhere: string;
let closedPort: number;

/** What a command says: standard error, or standard output when there is none; paths and ports named. */
async function ask(...args: string[]): Promise<string> {
  const { code, out, err } = await vitalseal(args, { cwd: nowhere });
  const said = (err === '' ? out : err).trimEnd();
  const named = said
    .replaceAll(site.directory, '<site>')
    .replaceAll(nowhere, '<cwd>')
    .replaceAll(String(closedPort), '<port>');
  return `${code}: ${named}`;
}

beforeAll(async () => {
  site = await Site.create();
  nowhere = mkdtempSync(join(tmpdir(), 'vitalseal-cwd-'));
  closedPort = await freePort();
}, 60_000);

afterAll(async () => {
  await endPrograms();
  site?.remove();
  rmSync(nowhere, { recursive: true, force: true });
});

describe.concurrent('help', () => {
  it('lists every command', async () => {
    const { code, out } = await vitalseal(['--help']);
    expect(code).toBe(0);
    for (const { name, summary } of COMMANDS)
      expect(out).toMatch(new RegExp(`^ {2}${name} +${literal(summary)}$`, 'm'));
    expect((await vitalseal([])).code).toBe(2);
    expect((await vitalseal(['help'])).out).toBe(out);
  });

  it.each(COMMANDS.map((command) => [command.name, command] as const))('%s --help', async (name, command) => {
    const { code, out, err } = await vitalseal([...name.split(' '), '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(command.summary);
    expect(out).toContain(`Usage: vitalseal ${name}`);
    for (const [option, { description }] of Object.entries(command.options))
      expect(out).toMatch(new RegExp(`^ {2}--${option}\\b.*${literal(description)}`, 'm'));
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThan(160);
  });
});

describe('usage', () => {
  it.concurrent.each(COMMANDS.map(({ name }) => name))(
    '%s refuses an option it does not have',
    async (name) => {
      const { code, out, err } = await vitalseal([...name.split(' '), '--no-such-option'], { cwd: nowhere });
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain('--no-such-option');
      expect(err).toContain(`vitalseal ${name} --help says more`);
    },
  );

  it('says what a mistyped command could have been', async () => {
    expect(await ask('sreve')).toMatchInlineSnapshot(
      `"2: vitalseal: there is no command "sreve"; vitalseal --help lists them"`,
    );
    expect(await ask('device', 'enroll')).toMatchInlineSnapshot(`
      "2: Vitalseal takes signed wearable readings over MQTT, logs them, anchors the log on an EVM chain,
      and delivers the readings sealed to the care provider.

      Usage: vitalseal COMMAND [options]

        device enrol    Enrol one device, or a file of them
        device list     List the enrolled devices
        device show     Show one device: its keys, what it sent, what is missing
        device export   Write the enrolments as a file that device enrol takes: for a new log
        device rotate   Give a device a new key and retire its old one in one step
        device add-key  Give a device a further key, before retiring the old one
        device retire   Retire a device’s key, or all of them; now, from an earlier time, or at a time to come
        device suspend  Refuse a device’s statements for now
        device resume   Take a suspended device’s statements again
        device revoke   Trust a device no more, for good
        device cadence  Say how long a device may be silent before that is an alarm

      vitalseal COMMAND --help explains one. Exit codes: 0 done; 1 the answer is no; 2 wrong usage or configuration;
      3 something needed is not there; 4 the answer is open."
    `);
  });

  it('names the argument that is missing or wrong', async () => {
    expect(await ask('init', 'somewhere')).toMatchInlineSnapshot(`
      "2: vitalseal init: --origin is needed: name of the log, such as clinic.example/log
      vitalseal init --help says more"
    `);
    expect(await ask('init', '--origin', 'a.example')).toMatchInlineSnapshot(`
      "2: vitalseal init: DIR is missing: vitalseal init DIR
      vitalseal init --help says more"
    `);
    expect(await ask('init', 'somewhere', '--origin', 'https://a.example')).toMatchInlineSnapshot(`
      "2: vitalseal init: --origin must be a name like clinic.example/log
      vitalseal init --help says more"
    `);
    expect(await ask('init', 'one', 'two', '--origin', 'a.example')).toMatchInlineSnapshot(`
      "2: vitalseal init: unexpected argument "two"
      vitalseal init --help says more"
    `);
    expect(await ask('device', 'show')).toMatchInlineSnapshot(`
      "2: vitalseal device show: URN is missing: vitalseal device show URN
      vitalseal device show --help says more"
    `);
    expect(await ask('serve', 'now')).toMatchInlineSnapshot(`
      "2: vitalseal serve: unexpected argument "now"
      vitalseal serve --help says more"
    `);
    expect(await ask('receipt', 'verify', 'x.cbor')).toMatchInlineSnapshot(`
      "2: vitalseal receipt verify: --trust is needed: whom you trust: log keys, contracts, device keys (receipt trust writes one)
      vitalseal receipt verify --help says more"
    `);
    expect(await ask('provider', 'list', '--limit', 'many')).toMatchInlineSnapshot(`
      "2: vitalseal provider list: provider.json:
        (file): cannot be read; run provider init first"
    `);
  });
});

describe('typical mistakes', () => {
  const enrol = (...more: string[]): Promise<string> =>
    ask('device', 'enrol', '--config', site.config, ...more);

  it('no configuration here', async () => {
    expect(await ask('serve')).toMatchInlineSnapshot(
      `"2: vitalseal serve: cannot read the configuration vitalseal.json; vitalseal init makes one"`,
    );
    expect(await ask('provider', 'serve')).toMatchInlineSnapshot(`
      "2: vitalseal provider serve: provider.json:
        (file): cannot be read; run provider init first"
    `);
  });

  it('an installation in the way', async () => {
    expect(await ask('init', site.file('gateway'), '--origin', 'other.example/log')).toMatchInlineSnapshot(`
      "2: vitalseal init: <site>/gateway holds a gateway already; nothing was changed
      vitalseal init --help says more"
    `);
    const publicFile = site.file('gateway/gateway-public.json');
    expect(
      await ask('provider', 'init', site.file('provider'), '--id', PROVIDER, '--gateway', publicFile),
    ).toMatchInlineSnapshot(`
      "2: vitalseal provider init: <site>/provider holds a provider already; nothing was changed
      vitalseal provider init --help says more"
    `);
  });

  it('enrolment', async () => {
    const key = site.file('key');
    const device = ['--device', 'urn:dev:mac:0024befffe80c001', '--patient', 'p'];
    writeFileSync(key, 'hello');
    expect(await enrol(...device, '--provider', PROVIDER, '--key', key)).toMatchInlineSnapshot(`
      "2: vitalseal device enrol: <site>/key: neither PEM nor JWK; COSE_Key: longer than the input, at byte 0
      vitalseal device enrol --help says more"
    `);
    writeFileSync(key, '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----');
    expect(await enrol(...device, '--provider', PROVIDER, '--key', key)).toMatchInlineSnapshot(`
      "2: vitalseal device enrol: <site>/key holds a private key; only the public key leaves a device
      vitalseal device enrol --help says more"
    `);
    // x is 1: y would have to be the root of something that has none.
    writeFileSync(key, `a4010220012158${'20'}${'00'.repeat(31)}01225820${'00'.repeat(31)}01`);
    expect(await enrol(...device, '--provider', PROVIDER, '--key', key)).toMatchInlineSnapshot(`
      "2: vitalseal device enrol: <site>/key: not a usable ESP256 public key
      vitalseal device enrol --help says more"
    `);
    writeFileSync(
      key,
      `a301012006215820${'d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737'}`,
    );
    expect(await enrol(...device, '--provider', 'hospital', '--key', key)).toMatchInlineSnapshot(`
      "2: vitalseal device enrol: provider: there is no provider "hospital" in the configuration (clinic)
      vitalseal device enrol --help says more"
    `);
    expect(
      await enrol('--device', 'mac:00', '--patient', 'p', '--provider', PROVIDER, '--key', key),
    ).toMatchInlineSnapshot(`
      "2: vitalseal device enrol: device: "mac:00" is no device URN (urn:dev:mac:0024befffe804ff1, RFC 9039)
      vitalseal device enrol --help says more"
    `);
    expect(await enrol('--from', site.file('no-such-file'))).toMatchInlineSnapshot(`
      "2: vitalseal device enrol: cannot read <site>/no-such-file: ENOENT: no such file or directory, open '<site>/no-such-file'
      vitalseal device enrol --help says more"
    `);
    writeFileSync(site.file('fleet'), '{"device": 1}\nnot json\n');
    expect(await enrol('--from', site.file('fleet'))).toMatchInlineSnapshot(`
      "2: <site>/fleet: nothing was enrolled; 2 line(s) are wrong
      line 1: device: 1 is no device URN (urn:dev:mac:0024befffe804ff1, RFC 9039); patient: is missing; provider: is missing; key: is missing
      line 2: not JSON"
    `);
    const unknown = ['--config', site.config, '--device', 'urn:dev:os:32473-1'];
    expect(await ask('device', 'revoke', ...unknown)).toMatchInlineSnapshot(
      `"1: revoke urn:dev:os:32473-1: refused: urn:dev:os:32473-1 is not enrolled"`,
    );
    expect(await ask('device', 'list', '--config', site.config)).toMatchInlineSnapshot(
      `"0: no device is enrolled; vitalseal device enrol enrols one"`,
    );
    expect(await ask('device', 'show', 'urn:dev:os:32473-1', '--config', site.config)).toMatchInlineSnapshot(
      `"1: urn:dev:os:32473-1 is not enrolled"`,
    );
  });

  it('a provider and a witness on one machine, and ports that are taken', async () => {
    const gateway = ['--gateway', site.file('gateway/gateway-public.json')];
    const directories = ['provider', 'witness'].map((name) => site.file(`${name}-by-default`));
    await vitalseal(['provider', 'init', directories[0] ?? '', '--id', PROVIDER, ...gateway]);
    await vitalseal(['witness', 'init', directories[1] ?? '', '--name', 'w.example', ...gateway]);
    const configs = directories.map((directory, at) =>
      join(directory, `${['provider', 'witness'][at]}.json`),
    );
    const settings = configs.map(
      (file) => JSON.parse(readFileSync(file, 'utf8')) as { listen: { port: number } },
    );
    expect(new Set(settings.map(({ listen }) => listen.port)).size).toBe(2);

    const holder = createServer().listen(closedPort, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    for (const [at, file] of configs.entries()) {
      const { listen, ...others } = settings[at] ?? { listen: {} };
      writeFileSync(file, JSON.stringify({ ...others, listen: { ...listen, port: closedPort } }));
    }
    expect(await ask('provider', 'serve', '--config', configs[0] ?? '')).toMatchInlineSnapshot(
      `"3: vitalseal provider serve: port 127.0.0.1:<port> is in use; stop what holds it or set listen.port"`,
    );
    expect(await ask('witness', 'serve', '--config', configs[1] ?? '')).toMatchInlineSnapshot(
      `"3: vitalseal witness serve: port 127.0.0.1:<port> is in use; stop what holds it or set listen.port"`,
    );
    await new Promise((resolve) => holder.close(resolve));
  });

  it('receipts', async () => {
    const config = ['--config', site.config];
    expect(await ask('receipt', 'export', ...config)).toMatchInlineSnapshot(`
      "2: vitalseal receipt export: --index, or --device, says which reading
      vitalseal receipt export --help says more"
    `);
    expect(await ask('receipt', 'export', ...config, '--index', '7')).toMatchInlineSnapshot(
      `"1: there is no such statement in the log"`,
    );
    writeFileSync(site.file('bad.receipt.cbor'), 'no receipt');
    expect(await ask('receipt', 'inspect', site.file('bad.receipt.cbor'))).toMatchInlineSnapshot(
      `"1: not a receipt: longer than the input, at byte 0"`,
    );
    expect(await ask('receipt', 'inspect', 'no-such-file')).toMatchInlineSnapshot(`
      "2: vitalseal receipt inspect: cannot read no-such-file: ENOENT: no such file or directory, open 'no-such-file'
      vitalseal receipt inspect --help says more"
    `);
    writeFileSync(site.file('trust'), '{"logs": [{"origin": "a"}], "deviceKeys": []}');
    expect(
      await ask('receipt', 'verify', site.file('bad.receipt.cbor'), '--trust', site.file('trust')),
    ).toMatchInlineSnapshot(`
      "2: vitalseal receipt verify: <site>/trust: logs.0.key: must be text
      vitalseal receipt verify --help says more"
    `);
  });

  it('something that is not there', async () => {
    const url = `http://127.0.0.1:${closedPort}`;
    const config = ['--config', site.config];
    expect(await ask('status', ...config, '--url', url)).toMatchInlineSnapshot(
      `"3: vitalseal status: no gateway answers at http://127.0.0.1:<port>/v1/status; is vitalseal serve running, and is http.port the one it was given?"`,
    );
    expect(await ask('contract', 'deploy', ...config, '--rpc', url)).toMatchInlineSnapshot(
      `"3: vitalseal contract deploy: no chain answers at 127.0.0.1:<port>: check that the node runs and that the RPC URL is right"`,
    );
    expect(
      await ask('contract', 'deploy', ...config, '--rpc', url, '--keystore', 'no-such-file'),
    ).toMatchInlineSnapshot(
      `"3: vitalseal contract deploy: no chain answers at 127.0.0.1:<port>: check that the node runs and that the RPC URL is right"`,
    );
  });
});

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
