/** The gateway's clock jumps an hour back and a day ahead while it runs. No verdict changes, and nothing waits for as long as it was wrong. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeCbor } from '../src/cbor.ts';
import type { Algorithm } from '../src/cose/algorithm.ts';
import { createSigner } from '../src/signature.ts';
import { endPrograms, mustRun, vitalseal } from './support/command.ts';
import { expectEachOnce } from './support/each-once.ts';
import { FakeClock, fakeClockNote, type Offset } from './support/faults/fake-clock.ts';
import { Sender } from './support/sender.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

const JUMPS: readonly Offset[] = ['-1h', '+25h'];
/** Long enough for keep-alives, checkpoints, deliveries to come round several times. */
const STAY_MS = 3_000;
const KEEP_ALIVE_S = 1;
const IN_FLIGHT = 4;
/** Nothing that a clock did may last longer than this: far below the hour that it was wrong by. */
const SOON_MS = 30_000;

const note = fakeClockNote();

describe.skipIf(note !== '')(`a clock that jumps${note}`, () => {
  let site: Site;
  let clock: FakeClock;
  let senders: Sender[];
  /** What the devices heard on their topic, as text: verdict, code and flags. */
  let heard: Set<string>;

  beforeEach(async () => {
    site = await Site.create();
    clock = new FakeClock(site.file('clock'));
    senders = (['Ed25519', 'ESP256'] as const).map(senderOf);
    heard = new Set();
    await site.startGateway({ env: clock.env });
    await site.enrol(...senders);
    for (const sender of senders) await online(sender);
  }, 60_000);

  afterEach(async () => {
    for (const sender of senders) await sender.disconnect();
    await endPrograms();
    site.remove();
  }, 60_000);

  async function online(sender: Sender): Promise<void> {
    await sender.connect(site.gateway.mqttUrl);
    await sender.listen(`wearables/${sender.urn}/acks`, (payload) => heard.add(textOf(payload)));
  }

  /** Everything heard since the last call. */
  function take(): string[] {
    const words = [...heard].toSorted();
    heard.clear();
    return words;
  }

  /** By how much the gateway's clock is off, as its checkpoints say. */
  async function hoursOff(): Promise<number> {
    const { log } = (await (await site.get('/v1/status')).json()) as {
      log: { checkpoint: { sealedAt: number } };
    };
    return Math.round((log.checkpoint.sealedAt - Date.now()) / 3_600_000) || 0; // not -0
  }

  async function expectGoodEnd(): Promise<void> {
    for (const sender of senders) await sender.stopLoad();
    await expectEachOnce(site, senders);
    const { code, out } = await vitalseal(['fsck', '--fast', '--config', site.config]);
    expect({ code, out }).toMatchObject({ code: 0 });
  }

  it.each(JUMPS)(
    'by %s under load and back: the same verdicts, connections, checkpoints, health',
    async (jump) => {
      const idle = connect(site.gateway.mqttUrl, {
        ...{ protocolVersion: 4, username: senders[0]?.urn ?? '', clientId: 'idle', keepalive: KEEP_ALIVE_S },
        reconnectPeriod: 0,
      });
      let dropped = false;
      idle.on('close', () => {
        dropped = true;
      });
      for (const sender of senders) sender.startLoad(IN_FLIGHT);
      await until('progress', () => senders.every(({ acknowledged }) => acknowledged.size > 20));
      expect(take()).toEqual(['accept']);
      for (const offset of [jump, '+0'] as const) {
        clock.set(offset);
        const { log } = await site.status();
        await delay(STAY_MS);
        await until(
          'a checkpoint over all of before',
          async () => (await site.sealedEntries()).length > log.size,
        );
        await until('health', async () => (await site.get('/health')).status === 200);
        expect(await hoursOff()).toBe({ '-1h': -1, '+25h': 25, '+0': 0 }[offset]);
        // Device clocks are ahead of one that is an hour behind. Nothing else is to be said of any of them.
        const words = take();
        expect(words).toContain(offset === '-1h' ? 'accept clock-ahead' : 'accept');
        expect(
          words.filter((word) => word !== 'accept' && (jump !== '-1h' || word !== 'accept clock-ahead')),
        ).toEqual([]);
      }
      expect(dropped).toBe(false);
      for (const reason of ['gateway-failure', 'flood', 'shut-out', 'silent'])
        expect(await site.metric(`vitalseal_connections_refused_total{reason="${reason}"}`)).toBe(0);
      await idle.endAsync(true);
      await expectGoodEnd();
    },
  );

  it('in both directions: a retired key stays retired, and one that is to be retired later is not', async () => {
    const [planned, retired] = senders as [Sender, Sender];
    const later = new Date(Date.now() + 2 * 3_600_000).toISOString();
    const change = ['device', 'retire', '--config', site.config, '--device'];
    await mustRun([...change, planned.urn, '--effective', later]);
    await mustRun([...change, retired.urn]);
    for (const jump of ['+0', ...JUMPS, '+0'] as const) {
      clock.set(jump);
      await delay(STAY_MS); // what is planned is looked at every now and then
      take();
      await planned.send();
      await retired.send();
      const words = await until('both answers', () => heard.size >= 2 && take());
      expect(words).toEqual([jump === '-1h' ? 'accept clock-ahead' : 'accept', 'reject retired-key']);
    }
  });

  it.each(JUMPS)('by %s before a start, and back before the next', async (jump) => {
    for (const offset of [jump, '+0'] as const) {
      for (const sender of senders) sender.startLoad(IN_FLIGHT);
      const before = senders.map(({ acknowledged }) => acknowledged.size);
      await until('progress', () =>
        senders.every(({ acknowledged }, at) => acknowledged.size > (before[at] ?? 0) + 10),
      );
      site.gateway.kill('SIGKILL');
      await site.gateway.exited;
      clock.set(offset);
      await site.startGateway({ env: clock.env });
      await until('health', async () => (await site.get('/health')).status === 200);
      await expectGoodEnd();
    }
    expect(take().filter((word) => !/^(accept( clock-ahead)?|ignore duplicate)$/.test(word))).toEqual([]);
  });

  it('back by an hour: who was shut out for a second is not shut out for an hour', async () => {
    const late = senderOf('ES256K', 9);
    senders.push(late);
    await late.connect(site.gateway.mqttUrl);
    const sent = late.send();
    const refused = 'vitalseal_connections_refused_total{reason="unknown-device"}';
    await until('a back-off', async () => (await site.metric(refused)) > 0);
    await site.enrol(late);
    clock.set('-1h');
    const acknowledged = await Promise.race([sent.then(() => true), delay(SOON_MS, false)]);
    expect(acknowledged).toBe(true);
  });

  it.each(['-1h', '+25h'] as const)(
    'by %s while a provider is away: what waited is delivered soon all the same',
    async (jump) => {
      // Attempts are planned by the wrong clock, then the clock is put right; or planned by the right one, then it goes wrong.
      if (jump === '+25h') clock.set(jump);
      for (const sender of senders) await sender.send();
      await until('a postponed delivery', () => site.gateway.err().split('delivery postponed').length > 3);
      clock.set(jump === '+25h' ? '+0' : jump);
      await site.startProvider();
      if (jump === '-1h') {
        await delay(STAY_MS);
        clock.set('+0'); // the provider refuses what is signed an hour off; after this it must not wait
      }
      await until('both readings', () => site.inbox().length === senders.length, SOON_MS);
    },
  );
});

function senderOf(algorithm: Algorithm, number: number): Sender {
  const signer = createSigner(algorithm, new Uint8Array(32).fill(20 + number));
  return new Sender(`urn:dev:mac:0024befffe80fe0${number}`, signer);
}

function textOf(payload: Uint8Array): string {
  const answer = decodeCbor(payload);
  if (!(answer instanceof Map)) return 'not a map';
  const [verdict, code, flags] = ['verdict', 'code', 'flags'].map((name) => answer.get(name));
  return [verdict, code, Array.isArray(flags) ? flags.join(' ') : flags]
    .filter((word) => word !== undefined)
    .join(' ');
}
