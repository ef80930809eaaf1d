/** Simulated devices against a gateway as a clinic would run it: TLS, and devices that show who they are. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type LinkSecurity, type Member, runSim, type SimSummary } from '../device-sim/index.ts';
import {
  CertificateAuthority,
  type CertificateFiles,
  readCertificate,
} from '../gateway/testing/certificates.ts';
import { RealClock } from '../gateway/testing/clock.ts';
import { makeFolder, type TestFolder } from '../gateway/testing/folder.ts';
import { GatewayBench, ORIGIN } from '../gateway/testing/gateway-bench.ts';
import { freePort } from './support/free-port.ts';

let folder: TestFolder;
let authority: CertificateAuthority;
let server: CertificateFiles;
let bench: GatewayBench | undefined;
let runs = 0;

beforeAll(() => {
  folder = makeFolder();
  authority = new CertificateAuthority(folder.path);
  server = authority.issue('server', ['IP:127.0.0.1', 'DNS:localhost']);
});

afterEach(async () => {
  await bench?.close();
  bench = undefined;
});

afterAll(() => folder.remove());

async function start(
  mqtt: Record<string, unknown>,
  tls: Record<string, unknown> = {},
): Promise<GatewayBench> {
  bench = await GatewayBench.start(
    { mqtt: { port: 0, plain: false, tls: { port: 0, ...server, ...tls }, ...mqtt } },
    undefined,
    new RealClock(),
  );
  return bench;
}

const trust = (): LinkSecurity => ({ tls: { ca: authority.cert.toString() } });

/** Three statements of each of three devices; `enrol` is told of them first. */
async function simulate(
  url: string,
  security: LinkSecurity,
  enrol: (members: readonly Member[]) => unknown,
  seconds = 20,
  heard: (line: string) => unknown = () => undefined,
): Promise<SimSummary & { readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const summary = await runSim(
    {
      url,
      security,
      stateFolder: join(folder.path, `state-${++runs}`),
      devices: 3,
      limit: 3,
      speed: 1_000_000,
      seed: `secure ${runs}`,
      drainSeconds: seconds,
      durationSeconds: seconds,
    },
    {
      write: () => undefined,
      warn: (line) => {
        lines.push(line);
        heard(line);
      },
      signal: new AbortController().signal,
      onMembers: async (members) => void (await enrol(members)),
    },
  );
  return { ...summary, lines };
}

const enrolInto = (gateway: GatewayBench) => (members: readonly Member[]) =>
  gateway.enrolAll(members.map(({ urn, publicKey }) => ({ urn, signer: { publicKey } })));
const secure = (gateway: GatewayBench) => `mqtts://127.0.0.1:${gateway.gateway.mqttTlsPort}`;

describe('devices get their statements through', () => {
  test.each(['clock', 'challenge'] as const)('with tokens made fresh by a %s', async (freshness) => {
    const gateway = await start({ authentication: 'token' });
    const security = { ...trust(), token: { audience: ORIGIN, freshness } };
    const summary = await simulate(secure(gateway), security, enrolInto(gateway));
    expect([summary.acknowledged, summary.pending, summary.troubles]).toEqual([9, 0, {}]);
    expect(gateway.count('entries', "kind = 'statement'")).toBe(9);
    expect(gateway.gateway.mqttPort).toBe(0);
  });

  test('with a certificate that names them', async () => {
    const tls = { clientCaFile: authority.certFile, clientCertificate: 'required' };
    const gateway = await start({ authentication: 'certificate' }, tls);
    let own: CertificateFiles | undefined;
    const security: { tls: { ca: string; cert?: string; key?: string } } = {
      tls: { ca: authority.cert.toString() },
    };
    const summary = await simulate(secure(gateway), security, async (members) => {
      await enrolInto(gateway)(members);
      own = authority.issue(
        'fleet',
        members.map(({ urn }) => `URI:${urn}`),
      );
      const { cert, key } = readCertificate(own);
      Object.assign(security.tls, { cert: cert.toString(), key: key.toString() });
    });
    expect([summary.acknowledged, summary.pending, summary.troubles]).toEqual([9, 0, {}]);
  });

  test('over a gateway that goes away and comes back, with a new token each time', async () => {
    const port = await freePort();
    const mqtt = { port: 0, plain: false, tls: { port, ...server }, authentication: 'token' };
    const own = makeFolder();
    let gateway = await GatewayBench.start({ mqtt }, own, new RealClock());
    const security = { ...trust(), token: { audience: ORIGIN, freshness: 'challenge' } as const };
    const summary = await simulate(`mqtts://127.0.0.1:${port}`, security, async (members) => {
      await enrolInto(gateway)(members);
      await gateway.stop();
      setTimeout(async () => {
        gateway = await GatewayBench.start({ mqtt }, own, new RealClock());
      }, 1_500);
    });
    expect([summary.acknowledged, summary.pending]).toEqual([9, 0]);
    const trouble = `nothing listens at 127.0.0.1:${port}`;
    expect(Object.keys(summary.troubles)).toEqual([trouble]);
    expect(summary.lines.map((line) => line.replace(/^\S+ /, ''))).toEqual([
      `sends nothing: ${trouble}`,
      `sends again; over: ${trouble}`,
    ]);
    await gateway.stop();
    own.remove();
  });
});

describe('why nothing is sent is said, once', () => {
  const nobody = () => undefined;

  test('nothing listens', async () => {
    const port = await freePort();
    const { lines, acknowledged } = await simulate(`mqtt://127.0.0.1:${port}`, {}, nobody, 2);
    expect(acknowledged).toBe(0);
    const told = lines.filter((line) => line.includes('sends nothing'));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/sends nothing: nothing listens at 127\.0\.0\.1:\d+$/);
  });

  test('the certificate of the gateway is not trusted', async () => {
    const gateway = await start({});
    const { lines } = await simulate(secure(gateway), {}, enrolInto(gateway), 2);
    expect(lines.join('\n')).toMatch(/TLS with .* failed \([A-Z_]+\): is its certificate trusted/);
  });

  test('the devices are not enrolled', async () => {
    const gateway = await start({ authentication: 'token' });
    const security = { ...trust(), token: { audience: ORIGIN, freshness: 'clock' } as const };
    const { lines, troubles } = await simulate(secure(gateway), security, nobody, 2);
    expect(lines.join('\n')).toContain('refused the connection: not authorised: the device is not enrolled');
    expect(Object.keys(troubles).join()).not.toContain('urn:dev');
  });

  test('the gateway lets anyone connect and does not know them, until it does', async () => {
    const gateway = await start({});
    let known: readonly Member[] = [];
    let enrolled: Promise<void> | undefined;
    const { lines, pending } = await simulate(
      secure(gateway),
      trust(),
      (members) => {
        known = members;
      },
      30,
      (line) => {
        if (line.includes('enrol')) enrolled ??= enrolInto(gateway)(known);
      },
    );
    await enrolled;
    expect(pending).toBe(0);
    const told = lines.filter((line) => / sends (nothing|in vain): /.test(line));
    // The gateway's answer may be lost with the connection.
    expect(told.join('\n')).toMatch(/does not know the device|on what is sent; is the device enrolled\?/);
    expect(new Set(told.map((line) => line.replace(/^\S+ /, ''))).size).toBe(told.length);
    expect(lines.at(-1)).toContain('sends again; over: ');
  });

  test('the token is made out to another gateway', async () => {
    const gateway = await start({ authentication: 'token' });
    const security = { ...trust(), token: { audience: 'other.example/log', freshness: 'clock' } as const };
    const { lines } = await simulate(secure(gateway), security, enrolInto(gateway), 2);
    expect(lines.join('\n')).toContain('not authorised');
  });
});

describe('the command', () => {
  const command = (...args: string[]) =>
    execFileSync(process.execPath, ['bin/vitalseal.js', 'sim', ...args], { encoding: 'utf8', stdio: 'pipe' });
  const base = ['--broker', 'mqtts://127.0.0.1:1', '--state', 'unused'];

  test.each([
    [['--ca', 'nowhere.pem'], '--ca: cannot read nowhere.pem'],
    [['--cert', 'package.json'], '--cert and --key go together'],
    [['--token', 'often'], '--token must be clock or challenge'],
    [['--token', 'clock'], '--token needs --audience'],
  ])('%j is wrong usage', (args, message) => {
    expect(() => command(...base, ...args)).toThrow(message);
  });
});
