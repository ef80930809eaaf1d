/** Devices that show a token signed with their enrolled key, against a real broker and a real registry. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesToHex, utf8ToBytes } from '../../src/bytes.ts';
import { decodeCbor } from '../../src/cbor.ts';
import { type ConnectTokenFields, connectTokenToText, signConnectToken } from '../../src/connect-token.ts';
import { keyId } from '../../src/cose/key.ts';
import type { Signer } from '../../src/signature.ts';
import { decodeStatement } from '../../src/statement.ts';
import { BrokerBench } from '../testing/broker-bench.ts';
import { TEST_NOW_MS } from '../testing/clock.ts';
import { keyText, TEST_ORIGIN } from '../testing/log-bench.ts';
import {
  CONNACK,
  connectPacket,
  PUBACK,
  PUBLISH,
  publishPacket,
  type RawConnect,
  RawMqtt,
  readPublish,
  SUBACK,
  subscribePacket,
} from '../testing/raw-mqtt.ts';
import { ALGORITHMS, signerFrom, Wearable } from '../testing/wearable.ts';
import { CHALLENGE_VALID_MS } from './challenges.ts';

const NOW_S = Math.floor(TEST_NOW_MS / 1000);
let bench: BrokerBench;
let wearable: Wearable;
let other: Wearable;

beforeEach(async () => {
  bench = await BrokerBench.start({
    authentication: { policy: 'token', audience: TEST_ORIGIN, tokenMaxSeconds: 600, tokenLeewaySeconds: 300 },
  });
  wearable = new Wearable(1);
  other = new Wearable(2, 'ESP256');
  await bench.bench.enrol(wearable);
  await bench.bench.enrol(other, 'p-2');
});

afterEach(() => bench.close());

function tokenOf(
  device: Wearable,
  changes: Partial<ConnectTokenFields> = {},
  signer: Signer = device.signer,
): Promise<Uint8Array> {
  const fields: ConnectTokenFields = {
    device: device.urn,
    audience: TEST_ORIGIN,
    cti: new Uint8Array(16).fill(3),
    freshness: { kind: 'clock', issuedAt: NOW_S, expiresAt: NOW_S + 300 },
  };
  return signConnectToken({ ...fields, ...changes }, signer);
}

/** The return code of a CONNECT; the connection stays. */
async function answerTo(
  fields: Partial<RawConnect> & { username: string },
): Promise<{ code: number; link: RawMqtt }> {
  const link = await RawMqtt.open(bench.port);
  link.send(connectPacket({ clientId: 'c', ...fields }));
  return { code: (await link.receive(CONNACK)).body[1] as number, link };
}

async function codeOf(device: Wearable, password: Uint8Array | undefined): Promise<number> {
  const { code, link } = await answerTo({
    username: device.urn,
    ...(password !== undefined && { password }),
  });
  link.destroy();
  return code;
}

async function expectServed(device: Wearable): Promise<void> {
  const { code, link } = await answerTo({ username: device.urn, password: await tokenOf(device) });
  expect(code).toBe(0);
  link.send(publishPacket(`wearables/${device.urn}/statements`, await device.next()));
  await link.receive(PUBACK);
  link.destroy();
}

/** Asks for a challenge as a device without a clock does. */
async function fetchChallenge(device: Wearable): Promise<Uint8Array> {
  const { code, link } = await answerTo({ username: device.urn });
  expect(code).toBe(0);
  link.send(subscribePacket([`wearables/${device.urn}/challenge`], 0));
  const { topic, payload } = readPublish(await link.receive(PUBLISH));
  expect(topic).toBe(`wearables/${device.urn}/challenge`);
  link.destroy();
  return decodeCbor(payload) as Uint8Array;
}

describe('a token', () => {
  test.each(ALGORITHMS)(
    'signed with an enrolled %s key lets its device in, as bytes and as text',
    async (algorithm) => {
      const device = new Wearable(50, algorithm);
      await bench.bench.enrol(device, 'p-50');
      const token = await tokenOf(device);
      expect(await codeOf(device, token)).toBe(0);
      expect(await codeOf(device, utf8ToBytes(connectTokenToText(token)))).toBe(0);
      await expectServed(device);
    },
  );

  test.each<[string, () => Promise<Uint8Array>]>([
    ['of another device', () => tokenOf(other)],
    ['that names the device and is signed by another', () => tokenOf(wearable, {}, other.signer)],
    ['signed by nobody that is known', () => tokenOf(wearable, {}, signerFrom('nobody'))],
    ['for another gateway', () => tokenOf(wearable, { audience: 'log.test/two' })],
    [
      'that has expired',
      () =>
        tokenOf(wearable, { freshness: { kind: 'clock', issuedAt: NOW_S - 900, expiresAt: NOW_S - 301 } }),
    ],
    [
      'from the future',
      () =>
        tokenOf(wearable, { freshness: { kind: 'clock', issuedAt: NOW_S + 302, expiresAt: NOW_S + 500 } }),
    ],
    [
      'that is valid for too long',
      () => tokenOf(wearable, { freshness: { kind: 'clock', issuedAt: NOW_S, expiresAt: NOW_S + 601 } }),
    ],
    [
      'with a challenge that nobody gave',
      () => tokenOf(wearable, { freshness: { kind: 'challenge', challenge: new Uint8Array(40) } }),
    ],
    [
      'that was altered',
      async () => {
        const token = await tokenOf(wearable);
        token[token.length - 1] = (token.at(-1) as number) ^ 1;
        return token;
      },
    ],
    ['that is a statement', () => wearable.next()],
    ['that is empty', async () => new Uint8Array(0)],
    ['that is a word', async () => utf8ToBytes('secret')],
  ])('%s does not let in, and one answer is given for every reason', async (_name, make) => {
    expect(await codeOf(wearable, await make())).toBe(5);
    expect(bench.closes).toEqual(['not-authorised']);
    await expectServed(other);
  });

  test('of a device that is not enrolled is answered like a bad one', async () => {
    const stranger = new Wearable(9);
    expect(await codeOf(stranger, await tokenOf(stranger))).toBe(5);
  });

  test('sent as a statement is refused as one, and a statement accepted as ever', async () => {
    const { link } = await answerTo({ username: wearable.urn, password: await tokenOf(wearable) });
    const token = await tokenOf(wearable);
    expect(decodeStatement(token).kind).toBe('reject');
    link.send(publishPacket(`wearables/${wearable.urn}/statements`, token));
    await link.receive(PUBACK);
    expect(bench.bench.log.quarantine.list(9).map(({ code }) => code)).toEqual(['malformed']);
    expect(bench.bench.count('entries', "kind = 'statement'")).toBe(0);
    link.destroy();
  });

  test('leaves nothing of itself in the log lines but its id', async () => {
    const token = await tokenOf(wearable);
    await codeOf(wearable, token);
    const text = bench.bench.logger.text();
    expect(text).toContain(bytesToHex(new Uint8Array(16).fill(3)));
    expect(text).not.toContain(bytesToHex(token).slice(-64));
    expect(text).not.toContain(connectTokenToText(token).slice(-40));
  });
});

describe('a device without a clock', () => {
  const challenged = async (device: Wearable, challenge: Uint8Array) =>
    codeOf(device, await tokenOf(device, { freshness: { kind: 'challenge', challenge } }));

  test('asks for a challenge, and comes in with it', async () => {
    expect(await challenged(wearable, await fetchChallenge(wearable))).toBe(0);
  });

  test('may do nothing else meanwhile', async () => {
    const { link } = await answerTo({ username: wearable.urn });
    link.send(
      subscribePacket([
        'wearables/beacon',
        `wearables/${wearable.urn}/requests`,
        `wearables/${other.urn}/challenge`,
      ]),
    );
    expect((await link.receive(SUBACK)).body.subarray(2)).toEqual(Buffer.from([0x80, 0x80, 0x80]));
    bench.broker.requestResend(wearable.urn, [{ boot: 0, from: 0, to: 1 }]);
    await link.roundTrip();
    expect(link.packets).toEqual([]);
    link.send(publishPacket(`wearables/${wearable.urn}/statements`, await wearable.next()));
    await link.closed;
    expect([bench.closes, bench.bench.count('entries', "kind = 'statement'")]).toEqual([
      ['not-authorised'],
      0,
    ]);
  });

  test('nor leave a will, nor take the place of the device’s own connection', async () => {
    const { link: own } = await answerTo({ username: wearable.urn, password: await tokenOf(wearable) });
    const will = { topic: `wearables/${wearable.urn}/statements`, payload: await wearable.next(), qos: 1 };
    for (let i = 0; i < 6; i++) (await answerTo({ username: wearable.urn, will })).link.destroy();
    await own.roundTrip();
    expect(bench.bench.count('entries', "kind = 'statement'")).toBe(0);
    own.destroy();
  });

  test('has two minutes for it, and the challenge is of no use to another', async () => {
    const challenge = await fetchChallenge(wearable);
    expect(await challenged(other, challenge)).toBe(5);
    bench.bench.clock.advance(CHALLENGE_VALID_MS);
    expect(await challenged(wearable, challenge)).toBe(0);
    bench.bench.clock.advance(1);
    expect(await challenged(wearable, challenge)).toBe(5);
  });

  test('the answer tells nobody which devices there are', async () => {
    expect(await fetchChallenge(new Wearable(77))).toHaveLength(40);
  });

  test('every byte of a challenge counts', async () => {
    const challenge = await fetchChallenge(wearable);
    for (const at of [0, 7, 8, 39]) {
      const altered = Uint8Array.from(challenge);
      altered[at] = (altered[at] as number) ^ 1;
      expect([at, await challenged(wearable, altered)]).toEqual([at, 5]);
      bench.bench.clock.advance(20_000);
    }
    expect(await challenged(wearable, challenge.subarray(0, 39))).toBe(5);
  });
});

describe('what changes takes effect at once', () => {
  const connected = async (signer?: Signer) => {
    const password = await tokenOf(wearable, {}, signer);
    const { code, link } = await answerTo({ clientId: `${Math.random()}`, username: wearable.urn, password });
    expect(code).toBe(0);
    return link;
  };

  test('a revoked device is closed and not let in', async () => {
    const link = await connected();
    await bench.bench.request({ action: 'revoke', device: wearable.urn });
    await link.closed;
    expect(await codeOf(wearable, await tokenOf(wearable))).toBe(5);
    expect(bench.closes).toEqual(['device-changed', 'not-authorised']);
    await expectServed(other);
  });

  test('a retired key closes what came in by it and lets nobody in; the key beside it stays good', async () => {
    const second = signerFrom('second key', 'ES256K');
    await bench.bench.request({ action: 'add-key', device: wearable.urn, key: keyText(second.publicKey) });
    const [old, fresh] = [await connected(), await connected(second)];
    const kid = bytesToHex(keyId(wearable.signer.publicKey));
    expect(await bench.bench.request({ action: 'retire-key', device: wearable.urn, kid })).toEqual(['']);
    await old.closed;
    await fresh.roundTrip();
    expect(await codeOf(wearable, await tokenOf(wearable))).toBe(5);
    expect(await codeOf(wearable, await tokenOf(wearable, {}, second))).toBe(0);
  });

  test('a suspended device may still connect: that may pass, and it is told so', async () => {
    const link = await connected();
    await bench.bench.request({ action: 'suspend', device: wearable.urn });
    await link.roundTrip();
    expect(await codeOf(wearable, await tokenOf(wearable))).toBe(0);
  });
});

test('whoever tries tokens under a device’s name does not shut the device out, but soon himself', async () => {
  await bench.close();
  bench = await BrokerBench.start({
    authentication: { policy: 'token', audience: TEST_ORIGIN, tokenMaxSeconds: 600, tokenLeewaySeconds: 300 },
    limits: { failuresPerMinutePerAddress: 5 },
  });
  await bench.bench.enrol(wearable);
  await expectServed(wearable);
  for (let i = 0; i < 8; i++) await codeOf(wearable, utf8ToBytes('guess'));
  await expectServed(wearable);
  const stranger = new Wearable(9);
  expect(await codeOf(stranger, await tokenOf(stranger))).toBe(3);
});

test('a user name without a token, under the policy of certificates, is refused', async () => {
  await bench.close();
  bench = await BrokerBench.start({
    authentication: {
      policy: 'certificate',
      audience: TEST_ORIGIN,
      tokenMaxSeconds: 600,
      tokenLeewaySeconds: 300,
    },
  });
  await bench.bench.enrol(wearable);
  expect(await codeOf(wearable, undefined)).toBe(5);
  bench.bench.clock.advance(60_000);
  expect(await codeOf(wearable, await tokenOf(wearable))).toBe(5);
});
