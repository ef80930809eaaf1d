/** Gaps, backfill, clock jumps and silence of real devices at a real gateway, over MQTT. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor.ts';
import { encodeCoseKey } from '../../src/cose/key.ts';
import { hashEntry } from '../../src/statement.ts';
import { loadConfig } from '../config.ts';
import { nativeSigner } from '../crypto/signer.ts';
import { checkStore } from '../fsck/check-store.ts';
import type { DeviceDetails, DeviceSummary } from '../ports.ts';
import { EnrolmentStore } from '../store/enrolment-store.ts';
import { makeFolder, type TestFolder } from '../testing/folder.ts';
import { GatewayBench, TOKENS, writeGatewayFiles } from '../testing/gateway-bench.ts';
import {
  PUBACK,
  PUBLISH,
  publishPacket,
  type RawMqtt,
  readPublish,
  SUBACK,
  subscribePacket,
} from '../testing/raw-mqtt.ts';
import { Wearable } from '../testing/wearable.ts';

const HOUR = 3_600_000;
const WITHIN = { timeout: 20_000, interval: 50 };

let folder: TestFolder;
let bench: GatewayBench;
let config: Record<string, unknown>;
let wearable: Wearable;

beforeEach(() => {
  folder = makeFolder();
  [config, wearable] = [{}, new Wearable(1)];
});

afterEach(async () => {
  await bench.stop();
  const file = writeGatewayFiles(folder.path, config);
  const report = await checkStore({ config: loadConfig(file, {}), fast: true });
  folder.remove();
  expect(report.findings).toEqual([]);
});

async function start(changes: Record<string, unknown> = {}): Promise<void> {
  config = changes;
  bench = await GatewayBench.start(changes, folder);
}

async function show(urn = wearable.urn): Promise<DeviceDetails> {
  const response = await bench.get(`/v1/devices/${urn}`, TOKENS.admin);
  expect(response.status).toBe(200);
  return (await response.json()) as DeviceDetails;
}

async function listSilent(): Promise<readonly string[]> {
  const response = await bench.get('/v1/devices?silent=true', TOKENS.admin);
  const { devices } = (await response.json()) as { devices: DeviceSummary[] };
  for (const { silentSeconds } of devices) expect(silentSeconds).toBeGreaterThanOrEqual(0);
  return devices.map(({ device }) => device);
}

async function send(link: RawMqtt, bytes: Uint8Array, id = 1): Promise<void> {
  link.send(publishPacket(`wearables/${wearable.urn}/statements`, bytes, { id }));
  await link.receive(PUBACK);
}

async function listen(link: RawMqtt): Promise<void> {
  link.send(subscribePacket([`wearables/${wearable.urn}/requests`], 0));
  await link.receive(SUBACK);
}

/** The ranges of the next request, [boot, from, to] each. */
async function nextRequest(link: RawMqtt): Promise<unknown> {
  const { topic, payload } = readPublish(await link.receive(PUBLISH));
  expect(topic).toBe(`wearables/${wearable.urn}/requests`);
  return (decodeCbor(payload) as Map<string, unknown>).get('resend');
}

const requestsWaiting = (link: RawMqtt) => link.packets.filter(({ type }) => type === PUBLISH).length;

describe('gaps', () => {
  test('are asked for at once, again on a new connection, and no more when they are filled', async () => {
    await start();
    await bench.enrol(wearable);
    let link = await bench.join(wearable);
    await listen(link);
    const [first, second, third, fourth, fifth] = (await wearable.skip(5)) as Uint8Array[] & { length: 5 };
    await send(link, first as Uint8Array);
    await send(link, fourth as Uint8Array);
    expect(await nextRequest(link)).toEqual([[0, 1, 2]]);
    expect(await show()).toMatchObject({
      ...{ statements: 2, received: 2, missing: 2, expected: 4 },
      gaps: [{ boot: 0, from: 1, to: 2 }],
    });
    link.destroy();
    link = await bench.join(wearable);
    await listen(link);
    expect(await nextRequest(link)).toEqual([[0, 1, 2]]);
    await send(link, third as Uint8Array);
    link.destroy();
    link = await bench.join(wearable);
    await listen(link);
    expect(await nextRequest(link)).toEqual([[0, 1, 1]]);
    await send(link, second as Uint8Array);
    expect(await show()).toMatchObject({ statements: 4, missing: 0, gaps: [] });
    link.destroy();
    link = await bench.join(wearable);
    await listen(link);
    await send(link, fifth as Uint8Array);
    await link.roundTrip();
    expect(requestsWaiting(link)).toBe(0);
    link.destroy();
  });

  test('outlive a restart; the counter that a device lost begins anew in its next boot', async () => {
    await start();
    await bench.enrol(wearable);
    let link = await bench.join(wearable);
    const [held, lost] = [await wearable.next(), await wearable.skip(2)];
    await send(link, held);
    await send(link, await wearable.next());
    const reborn = await wearable.sign({ boot: 7, seq: 0 });
    await send(link, reborn);
    await send(link, await wearable.sign({ boot: 7, seq: 1, prev: hashEntry(reborn) }));
    link.destroy();
    await bench.stop();
    await start();
    link = await bench.join(wearable);
    await listen(link);
    expect(await nextRequest(link)).toEqual([[0, 1, 2]]);
    for (const bytes of lost) await send(link, bytes);
    expect(await show()).toMatchObject({ statements: 6, expected: 6, missing: 0 });
    expect(flagsInOrder()).toEqual(['', 'gap', '', '', 'backfill', 'backfill']);
    link.destroy();
  });

  test('of a suspended device are left alone until it is resumed', async () => {
    await start();
    await bench.enrol(wearable);
    const link = await bench.join(wearable);
    await send(link, await wearable.next());
    await wearable.skip();
    await send(link, await wearable.next());
    await bench.request({ action: 'suspend', device: wearable.urn });
    await listen(link);
    await link.roundTrip();
    expect(requestsWaiting(link)).toBe(0);
    await bench.request({ action: 'resume', device: wearable.urn });
    expect(await nextRequest(link)).toEqual([[0, 1, 1]]);
    link.destroy();
  });
});

function flagsInOrder(): string[] {
  return bench.db
    .prepare<[], string>("SELECT flags FROM entries WHERE kind = 'statement' ORDER BY idx")
    .pluck()
    .all();
}

function numbersInOrder(): Pick<Numbered, 'boot' | 'seq'>[] {
  return bench.db
    .prepare<[], Pick<Numbered, 'boot' | 'seq'>>(
      "SELECT boot, seq FROM entries WHERE kind = 'statement' ORDER BY idx",
    )
    .all();
}

/** A shuffled copy; the same for the same seed. */
function shuffled<T>(things: readonly T[], seed: number): T[] {
  const copy = [...things];
  let state = seed;
  for (let at = copy.length - 1; at > 0; at--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = state % (at + 1);
    [copy[at], copy[other]] = [copy[other] as T, copy[at] as T];
  }
  return copy;
}

interface Numbered {
  readonly boot: number;
  readonly seq: number;
  readonly bytes: Uint8Array;
}

async function chain(boot: number, count: number): Promise<Numbered[]> {
  const signer = nativeSigner(new Uint8Array(32).fill(9));
  const statements: Numbered[] = [];
  for (let seq = 0; seq < count; seq++) {
    const before = statements.at(-1);
    const prev = before === undefined ? {} : { prev: hashEntry(before.bytes) };
    statements.push({ boot, seq, bytes: await wearable.sign({ boot, seq, ...prev }, signer) });
  }
  return statements;
}

/** Sends them all, with at most so many unacknowledged. */
async function sendAll(link: RawMqtt, statements: readonly Numbered[], inFlight = 500): Promise<void> {
  let acknowledged = 0;
  for (const [at, { bytes }] of statements.entries()) {
    if (at - acknowledged >= inFlight) {
      await link.receive(PUBACK);
      acknowledged += 1;
    }
    link.send(publishPacket(`wearables/${wearable.urn}/statements`, bytes, { id: (at % 65_000) + 1 }));
  }
  for (; acknowledged < statements.length; acknowledged++) await link.receive(PUBACK);
}

/** The flags of statements in the order they stand in the log, said without the gateway's code. */
function flagsExpected(statements: readonly Pick<Numbered, 'boot' | 'seq'>[]): string[] {
  const next = new Map<number, number>();
  let newest = -1;
  return statements.map(({ boot, seq }) => {
    const flags: string[] = [];
    if (seq > (next.get(boot) ?? 0)) flags.push('gap');
    const isLate = boot < newest || (boot === newest && seq < (next.get(boot) ?? 0));
    if (isLate) flags.push('backfill');
    newest = Math.max(newest, boot);
    next.set(boot, Math.max(next.get(boot) ?? 0, seq + 1));
    return flags.join(' ');
  });
}

test('weeks of backfill: 20,000 statements of three boots in any order while the device goes on live', {
  timeout: 240_000,
}, async () => {
  await start();
  const key = encodeCoseKey(nativeSigner(new Uint8Array(32).fill(9)).publicKey);
  const enrolment = { device: wearable.urn, patient: 'alice', provider: 'clinic' };
  expect(
    await bench.request({ action: 'enrol', ...enrolment, key: Buffer.from(key).toString('base64') }),
  ).toEqual(['']);
  const seed = Math.floor(Math.random() * 2 ** 32);
  const old = shuffled(
    (await Promise.all([7_000, 6_500, 6_500].map((count, boot) => chain(boot, count)))).flat(),
    seed,
  );
  const live = await chain(3, 400);
  const mixed = live.flatMap((statement, at) => [statement, ...old.slice(at * 50, (at + 1) * 50)]);
  const link = await bench.join(wearable);
  await sendAll(link, mixed);
  const device = await show();
  expect({ seed, device }).toMatchObject({
    seed,
    device: { statements: 20_400, received: 20_400, expected: 20_400, missing: 0, gaps: [] },
  });
  // Whether an old one is held has to be asked of the log, so it may come in behind younger ones; live ones keep their order.
  const inOrder = numbersInOrder();
  expect(new Set(inOrder.map(({ boot, seq }) => `${boot} ${seq}`)).size).toBe(mixed.length);
  expect({ seed, flags: flagsInOrder() }).toEqual({ seed, flags: flagsExpected(inOrder) });
  expect(inOrder.filter(({ boot }) => boot === 3).map(({ seq }) => seq)).toEqual(live.map(({ seq }) => seq));
  // All of it once more changes nothing, and is seen by what came.
  const again = shuffled(mixed, seed + 1).slice(0, 3_000);
  await sendAll(link, again);
  const [last] = (await chain(4, 1)) as [Numbered];
  await sendAll(link, [last]);
  expect(await show()).toMatchObject({ statements: 20_401, received: 23_401, missing: 0 });
  expect(await bench.metric('vitalseal_statements_total{verdict="ignore",code="duplicate"}')).toBe(3_000);
  link.destroy();
});

describe('silence', () => {
  const SECONDS = { policy: { silenceAfterSeconds: 2 } };

  test('raises an alarm, shows wherever people look, outlives a restart, and ends with a statement', async () => {
    await start(SECONDS);
    await bench.enrol(wearable);
    let link = await bench.join(wearable);
    await send(link, await wearable.next());
    expect(await listSilent()).toEqual([]);
    await vi.waitFor(async () => expect(await listSilent()).toEqual([wearable.urn]), WITHIN);
    expect(await bench.metric('vitalseal_devices_silent')).toBe(1);
    const status = await bench.get('/v1/status', TOKENS.auditor);
    expect(await status.json()).toMatchObject({ silence: { watched: 1, silent: 1 } });
    const alarms = () =>
      bench.logger.lines.filter(({ message }) => message === 'device is silent past its cadence');
    expect(alarms()).toMatchObject([{ level: 'warn', fields: { device: wearable.urn, cadenceSeconds: 2 } }]);
    link.destroy();
    await bench.stop();
    await start(SECONDS);
    expect(await bench.metric('vitalseal_devices_silent')).toBe(1);
    expect(await listSilent()).toEqual([wearable.urn]);
    link = await bench.join(wearable);
    await send(link, await wearable.next());
    expect(await listSilent()).toEqual([]);
    expect(await show()).toMatchObject({ silentSeconds: null, cadenceSeconds: 2 });
    expect(await bench.metric('vitalseal_devices_silent')).toBe(0);
    expect(bench.logger.text()).toContain('device is heard again');
    expect(alarms()).toEqual([]);
    link.destroy();
  });

  test('is by each device’s own cadence, which can be changed at any time', async () => {
    await start();
    await bench.enrol(wearable);
    expect(await bench.metric('vitalseal_devices_watched')).toBe(0);
    expect(await show()).toMatchObject({ cadenceSeconds: null });
    expect(await bench.request({ action: 'cadence', device: wearable.urn, seconds: 1 })).toEqual(['']);
    expect(await show()).toMatchObject({ cadenceSeconds: 1 });
    await vi.waitFor(async () => expect(await listSilent()).toEqual([wearable.urn]), WITHIN);
    await bench.request({ action: 'cadence', device: wearable.urn, seconds: 0 });
    await vi.waitFor(async () => expect(await listSilent()).toEqual([]), WITHIN);
    expect(await bench.metric('vitalseal_devices_watched')).toBe(0);
    expect(
      await bench.request({ action: 'cadence', device: 'urn:dev:mac:000000000099', seconds: 5 }),
    ).toEqual(['urn:dev:mac:000000000099 is not enrolled']);
  });

  test('is watched of devices that were enrolled by a file', async () => {
    await start(SECONDS);
    const batches = new EnrolmentStore(bench.db);
    const fleet = [11, 12, 13].map((number) => new Wearable(number));
    const batch = batches.begin(fleet.length, bench.clock.now());
    const items = fleet.map(({ urn, signer }, at) => ({
      ...{ line: at + 1, device: urn, patient: 'alice', provider: 'clinic' },
      ...{ coseKey: encodeCoseKey(signer.publicKey), cadence: [null, 1, 0][at] ?? null },
    }));
    batches.add(batch, items, bench.clock.now());
    batches.submit(batch, bench.clock.now());
    const [asConfigured, own] = fleet.map(({ urn }) => urn);
    await vi.waitFor(async () => expect(await bench.metric('vitalseal_devices_watched')).toBe(2), WITHIN);
    await vi.waitFor(async () => expect(await listSilent()).toEqual([asConfigured, own]), WITHIN);
  });
});

test('jumps of the gateway’s clock refuse nothing, silence nobody and move no number', async () => {
  await start({ policy: { silenceAfterSeconds: 3 } });
  await bench.enrol(wearable);
  const link = await bench.join(wearable);
  const began = bench.clock.now();
  for (const jump of [0, -HOUR, 25 * HOUR, 0, -HOUR, 25 * HOUR]) {
    bench.clock.set(began + jump);
    await send(link, await wearable.next());
    await new Promise((resolve) => setTimeout(resolve, 700)); // the alarm's own clock goes on
  }
  expect(await listSilent()).toEqual([]);
  expect(bench.logger.text()).not.toContain('silent');
  expect(bench.count('quarantine')).toBe(0);
  expect(await show()).toMatchObject({ statements: 6, expected: 6, missing: 0 });
  // What the device's clock says is compared with the gateway's, as the flag promises: with a clock an hour behind it is ahead.
  expect(flagsInOrder()).toEqual(['', 'clock-ahead', '', '', 'clock-ahead', '']);
  link.destroy();
});

describe('a suspended device', () => {
  test('has so many statements kept, keeps the others itself, and loses none', {
    timeout: 60_000,
  }, async () => {
    await start({ limits: { quarantinePerDevice: 3, quarantineTotal: 100 } });
    await bench.enrol(wearable);
    const bystander = new Wearable(2);
    await bench.enrol(bystander);
    const statements = await wearable.skip(6);
    await bench.request({ action: 'suspend', device: wearable.urn });
    let link = await bench.join(wearable);
    for (const bytes of statements.slice(0, 3)) await send(link, bytes);
    link.send(publishPacket(`wearables/${wearable.urn}/statements`, statements[3] as Uint8Array));
    link.send(publishPacket(`wearables/${wearable.urn}/statements`, statements[4] as Uint8Array, { id: 2 }));
    await link.closed;
    expect(link.packets.filter(({ type }) => type === PUBACK)).toEqual([]);
    // No tight loop: it is shut out for a while that grows, and nobody else is.
    await expect(bench.join(wearable)).rejects.toThrow('CONNACK 3');
    (await bench.join(bystander, 'by')).destroy();
    expect(await bench.metric('vitalseal_connections_refused_total{reason="withheld"}')).toBe(1);
    expect(await bench.metric('vitalseal_held_back_statements')).toBe(3);
    expect(await show()).toMatchObject({ statements: 0, received: 3 });
    await bench.request({ action: 'resume', device: wearable.urn });
    await vi.waitFor(async () => expect((await show()).statements).toBe(3), WITHIN);
    link = await vi.waitFor(() => bench.join(wearable), WITHIN);
    for (const bytes of statements) await send(link, bytes);
    expect(await show()).toMatchObject({ statements: 6, missing: 0 });
    expect(bench.count('quarantine')).toBe(0);
    link.destroy();
  });
});
