/** TLS by certificates that openssl made: the server's, renewed without a restart, and the devices' own. */
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { BrokerBench, type BrokerBenchOptions } from '../testing/broker-bench.ts';
import { CertificateAuthority, type CertificateFiles, readCertificate } from '../testing/certificates.ts';
import { makeFolder, type TestFolder } from '../testing/folder.ts';
import { MemoryLogger } from '../testing/logger.ts';
import { CONNACK, connectPacket, PUBACK, publishPacket, RawMqtt } from '../testing/raw-mqtt.ts';
import { Wearable } from '../testing/wearable.ts';
import { TlsFiles } from './tls-files.ts';

const wearable = new Wearable(1);
const other = new Wearable(2);
let folder: TestFolder;
let authority: CertificateAuthority;
let server: CertificateFiles;
let device: CertificateFiles;
let bench: BrokerBench | undefined;

beforeAll(() => {
  folder = makeFolder();
  authority = new CertificateAuthority(folder.path);
  server = authority.issue('server', ['IP:127.0.0.1', 'DNS:gateway.example']);
  device = authority.issue('device', [`URI:${wearable.urn}`]);
});

afterEach(async () => {
  await bench?.close();
  bench = undefined;
});

afterAll(() => folder.remove());

async function start(
  clientCertificate: 'none' | 'optional' | 'required' = 'none',
  options: BrokerBenchOptions = {},
): Promise<BrokerBench> {
  const tls = { ...server, clientCaFile: authority.certFile, clientCertificate };
  bench = await BrokerBench.start({
    endpoints: [
      { host: '127.0.0.1', port: 0, setting: 'mqtt.port' },
      { host: '127.0.0.1', port: 0, setting: 'mqtt.tls.port', tls },
    ],
    ...options,
  });
  await bench.bench.enrol(wearable);
  await bench.bench.enrol(other, 'p-2');
  return bench;
}

const trust = (more: ConnectionOptions = {}): ConnectionOptions => ({ ca: authority.cert, ...more });
const shown = (files: CertificateFiles): ConnectionOptions => trust(readCertificate(files));
const fields = (who: Wearable, password?: Uint8Array) => ({
  clientId: 'c',
  username: who.urn,
  ...(password !== undefined && { password }),
});

async function expectServed(link: RawMqtt, who: Wearable): Promise<void> {
  link.send(publishPacket(`wearables/${who.urn}/statements`, await who.next()));
  await link.receive(PUBACK);
  link.destroy();
}

/** The return code of a CONNECT, or what became of the connection instead. */
async function answerTo(port: number, who: Wearable, tls?: ConnectionOptions): Promise<number | string> {
  try {
    const link = await RawMqtt.open(port, tls);
    link.send(connectPacket(fields(who)));
    const code = (await link.receive(CONNACK)).body[1] as number;
    link.destroy();
    return code;
  } catch {
    return 'closed';
  }
}

describe('the server', () => {
  test('serves with TLS and without, side by side', async () => {
    const { port, tlsPort } = await start();
    expect(port).not.toBe(tlsPort);
    await expectServed(await RawMqtt.join(tlsPort, fields(wearable), trust()), wearable);
    await expectServed(await RawMqtt.join(port, fields(other)), other);
  });

  test('speaks TLS 1.2 and 1.3, nothing older, and no suite without forward secrecy and authentication', async () => {
    const { tlsPort } = await start();
    const protocolOf = async (options: ConnectionOptions) => {
      const link = await RawMqtt.open(tlsPort, trust(options));
      const protocol = (link.socket as unknown as { getProtocol(): string }).getProtocol();
      link.destroy();
      return protocol;
    };
    expect(await protocolOf({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
    expect(await protocolOf({})).toBe('TLSv1.3');
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await expect(protocolOf(old)).rejects.toThrow();
    const cbc = {
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA',
    } as const;
    await expect(protocolOf(cbc)).rejects.toThrow();
  });

  test('shows a certificate that a stranger’s authority does not vouch for: the device goes away', async () => {
    const { tlsPort } = await start();
    const stranger = new CertificateAuthority(folder.path, 'stranger');
    await expect(RawMqtt.open(tlsPort, { ca: stranger.cert })).rejects.toThrow(
      /self-signed|unable to verify/,
    );
  });

  test('takes up a renewed certificate without a restart, and keeps the old one while the new is of no use', async () => {
    const names = { certFile: join(folder.path, 'live.pem'), keyFile: join(folder.path, 'live.key') };
    copyFileSync(server.certFile, names.certFile);
    copyFileSync(server.keyFile, names.keyFile);
    const logger = new MemoryLogger();
    const files = new TlsFiles(names, logger);
    const heard: unknown[] = [];
    files.watch(({ cert }) => heard.push(cert), 20);
    const next = authority.issue('renewed', ['IP:127.0.0.1'], { days: 2 });
    const before = files.expiresAt;
    writeFileSync(names.certFile, 'half a fi');
    await vi.waitFor(() => expect(logger.text()).toContain('cannot be used'));
    const { cert, key } = readCertificate(next);
    writeFileSync(`${names.certFile}.new`, cert);
    renameSync(`${names.certFile}.new`, names.certFile); // the certificate is there before its key
    await vi.waitFor(() => expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(2));
    expect(heard).toEqual([]);
    writeFileSync(names.keyFile, key);
    await vi.waitFor(() => expect(heard).toEqual([cert]));
    expect(files.expiresAt).toBeGreaterThan(before);
    files.close();
    expect(logger.text()).not.toContain('PRIVATE KEY');
  });

  test('a renewed certificate reaches the next connection', async () => {
    const names = { certFile: join(folder.path, 'port.pem'), keyFile: join(folder.path, 'port.key') };
    const put = (files: CertificateFiles) => {
      copyFileSync(files.keyFile, names.keyFile);
      copyFileSync(files.certFile, names.certFile);
    };
    put(server);
    const { tlsPort, broker } = await start('none', {
      endpoints: [{ host: '127.0.0.1', port: 0, setting: 's', tls: { ...names, clientCertificate: 'none' } }],
    });
    const serial = async () => {
      const link = await RawMqtt.open(tlsPort, trust());
      const { serialNumber } = (
        link.socket as unknown as { getPeerCertificate(): { serialNumber: string } }
      ).getPeerCertificate();
      link.destroy();
      return serialNumber;
    };
    const staying = await RawMqtt.join(tlsPort, fields(wearable), trust());
    const [first, expiry] = [await serial(), broker.certificateExpiresAt ?? 0];
    put(authority.issue('next', ['IP:127.0.0.1'], { days: 2 }));
    await vi.waitFor(async () => expect(await serial()).not.toBe(first), { timeout: 20_000, interval: 500 });
    expect(broker.certificateExpiresAt).toBeGreaterThan(expiry);
    await staying.roundTrip(); // who is connected stays so
  });

  test.each([
    ['a missing file', () => ({ ...server, certFile: join(folder.path, 'none.pem') }), 'cannot read'],
    ['a key of another certificate', () => ({ ...server, keyFile: device.keyFile }), 'belong together'],
  ])('does not start with %s', async (_name, files, message) => {
    const broken = new BrokerBench({
      endpoints: [
        { host: '127.0.0.1', port: 0, setting: 'mqtt.port' },
        { host: '127.0.0.1', port: 0, setting: 's', tls: { ...files(), clientCertificate: 'none' } },
      ],
    });
    const error = await broken.broker.listen().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'key-unreadable', fatal: true });
    expect((error as Error).message).toContain(message);
    await broken.bench.close();
  });
});

describe('the device’s certificate', () => {
  const policy = (name: 'certificate' | 'none'): BrokerBenchOptions => ({
    authentication: { policy: name, audience: 'x', tokenMaxSeconds: 600, tokenLeewaySeconds: 300 },
  });

  test('lets in the device it names, and no other', async () => {
    const { tlsPort, closes } = await start('required', policy('certificate'));
    await expectServed(await RawMqtt.join(tlsPort, fields(wearable), shown(device)), wearable);
    expect(await answerTo(tlsPort, other, shown(device))).toBe(5);
    expect(closes).toEqual(['not-authorised']);
  });

  test('required: who shows none, or one of a stranger, does not get to say CONNECT', async () => {
    const { tlsPort, closes } = await start('required', policy('certificate'));
    const stranger = new CertificateAuthority(folder.path, 'stranger');
    const forged = stranger.issue('forged', [`URI:${wearable.urn}`]);
    expect(await answerTo(tlsPort, wearable, trust())).toBe('closed');
    expect(await answerTo(tlsPort, wearable, shown(forged))).toBe('closed');
    await vi.waitFor(() => expect(closes).toEqual(['tls-failed', 'tls-failed']));
  });

  test('optional: who shows none is refused by name, and a bad one is never just overlooked', async () => {
    const { port, tlsPort } = await start('optional', policy('certificate'));
    const stranger = new CertificateAuthority(folder.path, 'stranger');
    const forged = stranger.issue('forged', [`URI:${wearable.urn}`]);
    const expired = authority.issue('expired', [`URI:${wearable.urn}`], { days: -1 });
    const forServers = authority.issue('servers', [`URI:${wearable.urn}`], { usage: 'serverAuth' });
    const bare = trust();
    const tries = [bare, shown(forged), shown(expired), shown(forServers), undefined];
    const answers: (number | string)[] = [];
    for (const tls of tries) {
      answers.push(await answerTo(tls === undefined ? port : tlsPort, wearable, tls));
      bench?.bench.clock.advance(600_000); // no back-off from the one before
    }
    expect(answers).toEqual([5, 5, 5, 5, 5]);
    await expectServed(await RawMqtt.join(tlsPort, fields(wearable), shown(device)), wearable);
  });

  test('names that only look like the device’s do not count', async () => {
    const { tlsPort } = await start('optional', policy('certificate'));
    const names = [
      `DNS:${wearable.urn}`,
      `URI:https://example/${wearable.urn}`,
      `URI:${wearable.urn}.example`,
      `URI:https://example/, URI:${wearable.urn}`,
    ];
    for (const [at, name] of names.entries()) {
      const files = authority.issue(`odd-${at}`, [name]);
      expect([name, await answerTo(tlsPort, wearable, shown(files))]).toEqual([name, 5]);
      bench?.bench.clock.advance(600_000);
    }
    const several = authority.issue('several', [`URI:${other.urn}`, `URI:${wearable.urn}`]);
    await expectServed(await RawMqtt.join(tlsPort, fields(wearable), shown(several)), wearable);
  });

  test('of a revoked device lets nobody in, and what it has open is closed', async () => {
    const { tlsPort, bench: log, closes } = await start('required', policy('certificate'));
    const link = await RawMqtt.join(tlsPort, fields(wearable), shown(device));
    await log.request({ action: 'revoke', device: wearable.urn });
    await link.closed;
    expect(await answerTo(tlsPort, wearable, shown(device))).toBe(5);
    expect(closes).toEqual(['device-changed', 'not-authorised']);
  });

  test('of another device is refused even where none is asked for', async () => {
    const { tlsPort } = await start('optional', policy('none'));
    expect(await answerTo(tlsPort, other, shown(device))).toBe(5);
    await expectServed(await RawMqtt.join(tlsPort, fields(wearable), shown(device)), wearable);
  });
});

describe('slow and hostile', () => {
  const REAL = { monotonic: { now: () => performance.now() } };

  test('a handshake that never comes, is dripped, or is no TLS at all', async () => {
    const { tlsPort, closes } = await start('none', { ...REAL, limits: { connectSeconds: 0.5 } });
    const silent = await RawMqtt.open(tlsPort);
    const noise = await RawMqtt.open(tlsPort);
    noise.send(connectPacket(fields(wearable)));
    const slow = await RawMqtt.open(tlsPort);
    const dripping = setInterval(() => slow.send(Uint8Array.of(0x16)), 100);
    await Promise.all([silent.closed, noise.closed, slow.closed]);
    clearInterval(dripping);
    expect(closes).toHaveLength(3);
    expect(closes).toContain('slow-connect');
    expect(closes).toContain('tls-failed');
    await expectServed(await RawMqtt.join(tlsPort, fields(wearable), trust()), wearable);
  });

  test('a flood of handshakes is turned away before it costs one; the others are served', async () => {
    const { tlsPort, closes } = await start('none', {
      ...REAL,
      maxConnections: 10_000,
      limits: { connectsPerSecondPerAddress: 20 },
    });
    const staying = await RawMqtt.join(tlsPort, fields(wearable), trust());
    const sockets = Array.from({ length: 600 }, () => {
      const socket = connectSocket(tlsPort, '127.0.0.1', () =>
        socket.write(Buffer.from('16030100c8010000c40303', 'hex')),
      );
      socket.on('error', () => undefined);
      return socket;
    });
    await vi.waitFor(() =>
      expect(closes.filter((reason) => reason === 'connect-rate').length).toBeGreaterThan(300),
    );
    for (let i = 0; i < 20; i++) {
      const begun = performance.now();
      await staying.roundTrip();
      expect(performance.now() - begun).toBeLessThan(500);
      await delay(5);
    }
    for (const socket of sockets) socket.destroy();
  });

  test('back-pressure and packets cut anywhere work as they do without TLS', async () => {
    const { tlsPort } = await start('none', { limits: { inFlightMessages: 3 } });
    const link = await RawMqtt.join(tlsPort, fields(wearable), trust());
    const statements = await wearable.skip(60);
    const stream = Buffer.concat(
      statements.map((bytes, at) =>
        publishPacket(`wearables/${wearable.urn}/statements`, bytes, { id: at + 1 }),
      ),
    );
    for (let at = 0; at < stream.length; at += 777) link.send(stream.subarray(at, at + 777));
    const ids = new Set<number>();
    while (ids.size < 60) ids.add((await link.receive(PUBACK)).body.readUInt16BE(0));
  });
});
