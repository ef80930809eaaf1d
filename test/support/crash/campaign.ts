/**
 * One installation that is killed again and again, with devices that know what they were promised.
 *
 * The devices, the provider and the chain live through it all; only the gateway dies. After every restart everything is checked
 * before the next round begins; the devices go on sending meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Anvil, startAnvil } from '../../../contracts/index.ts';
import type { TreeHead } from '../../../src/checkpoint.ts';
import type { Algorithm } from '../../../src/cose/algorithm.ts';
import { startProgram, VITALSEAL } from '../command.ts';
import { entryOf } from '../each-once.ts';
import { Site } from '../site.ts';
import { until } from '../wait.ts';
import {
  expectFsck,
  expectHistory,
  expectPromises,
  expectReceipt,
  readLog,
  servedCheckpoint,
} from './checks.ts';
import { CrashDevice, type Promised } from './device.ts';
import { hasOpen, soonAs } from './moments.ts';
import type { CutStart, Round, Setting } from './plan.ts';

const ALGORITHMS: readonly Algorithm[] = ['Ed25519', 'ESP256', 'ES256K', 'Ed25519'];
/** A moment that does not come within this is not waited for any longer. */
const MOMENT_WITHIN_MS = 3_000;
const RECEIPTS_CHECKED = 2;
/** Devices enrolled at most while the gateway is killed: each is an algorithm of its own to check for fsck. */
const ENROLLED_ON_THE_WAY = 3;

/** What a campaign amounted to. */
export interface CampaignResult {
  readonly acknowledged: number;
  readonly entries: number;
  readonly delivered: number;
}

export class Campaign {
  readonly site: Site;
  readonly #devices: CrashDevice[] = [];
  readonly #heads: TreeHead[] = [];
  #made = 0;
  #chain: Anvil | undefined;

  private constructor(site: Site) {
    this.site = site;
  }

  static async begin({ chain, checkpointEverySeconds, commitBatch }: Setting): Promise<Campaign> {
    const campaign = new Campaign(await Site.create());
    const { site } = campaign;
    if (chain) {
      campaign.#chain = await startAnvil({ blockTime: 1, slotsInAnEpoch: 1 });
      await site.openLogOn(campaign.#chain);
    }
    site.amend(() => ({ checkpointEverySeconds, limits: { commitBatch } }));
    await Promise.all([site.startProvider(), site.startGateway()]);
    const devices = ALGORITHMS.map((algorithm) => campaign.#newDevice(algorithm));
    await site.enrol(...devices.map(({ sender }) => sender));
    for (const device of devices) await campaign.#join(device);
    return campaign;
  }

  /** One round. The gateway runs before and after it. */
  async run(round: Round): Promise<void> {
    const enrolling = await this.#end(round);
    const promised = this.#promised();
    for (const start of round.starts) await this.#cutStart(start);
    await this.site.startGateway();
    await this.#check(promised);
    if (enrolling !== undefined) await this.#join(await enrolling());
  }

  /** Everything that was ever signed is acknowledged, logged, delivered once, and fsck finds nothing at all. */
  async finish(): Promise<CampaignResult> {
    await Promise.all(this.#devices.map((device) => device.stop()));
    const promised = this.#promised();
    const sent = this.#devices.flatMap(({ sender }) => sender.statements.map(entryOf));
    if (promised.length !== sent.length)
      throw new Error(`${sent.length} sent, ${promised.length} acknowledged`);
    const entries = await readLog(this.site);
    expectPromises(entries, promised);
    expectHistory(entries, this.#heads);
    const inbox = await until('delivery of everything', () => {
      const items = this.site.inbox();
      return items.length >= sent.length && items;
    });
    const delivered = inbox.map(({ bytes }) => entryOf(bytes)).toSorted();
    if (delivered.join() !== sent.toSorted().join())
      throw new Error(`${sent.length} sent, ${delivered.length} delivered, and they are not the same`);
    await expectFsck(this.site);
    return { acknowledged: promised.length, entries: entries.length, delivered: delivered.length };
  }

  async close(): Promise<void> {
    for (const device of this.#devices) await device.close();
    await this.#chain?.stop();
  }

  /** Ends the running gateway as the round says. What it returns finishes an enrolment that was under way. */
  async #end({ moment, burstMs, afterMs }: Round): Promise<(() => Promise<CrashDevice>) | undefined> {
    const { gateway } = this.site;
    this.#hurry(true);
    await delay(burstMs);
    const enrolling = moment === 'enrolment' ? this.#enrolOne() : undefined;
    await this.#await(moment);
    await delay(afterMs);
    const head = await Promise.race([servedCheckpoint(this.site), delay(20, undefined)]);
    gateway.kill(moment === 'stop' ? 'SIGTERM' : 'SIGKILL');
    await gateway.exited;
    this.#hurry(false);
    if (head !== undefined) this.#heads.push(head);
    return enrolling;
  }

  async #await(moment: Round['moment']): Promise<void> {
    const { gateway } = this.site;
    const word = moment === 'seal' ? 'sealed checkpoint' : moment === 'anchor' ? 'submitted checkpoint' : '';
    if (word === '') return;
    const before = gateway.err().length;
    await soonAs(() => gateway.err().includes(word, before), MOMENT_WITHIN_MS);
  }

  async #cutStart({ from, afterMs }: CutStart): Promise<void> {
    const program = startProgram(process.execPath, [VITALSEAL, 'serve', '--config', this.site.config]);
    if (from === 'store') await soonAs(() => hasOpen(program.pid, 'gateway.db'), MOMENT_WITHIN_MS);
    await delay(afterMs);
    program.kill('SIGKILL');
    await program.exited;
  }

  async #check(promised: readonly Promised[]): Promise<void> {
    const [entries] = await Promise.all([readLog(this.site), expectFsck(this.site, ['--fast'])]);
    expectPromises(entries, promised);
    expectHistory(entries, this.#heads);
    for (let nth = 0; nth < RECEIPTS_CHECKED; nth++) {
      // The newest: what was acknowledged just before the kill.
      const newest = promised.filter(({ device }) => device === this.#devices[nth]?.sender.urn).at(-1);
      const device = this.#devices[nth];
      if (newest !== undefined && device !== undefined) await expectReceipt(this.site, device, newest.seq);
    }
  }

  #promised(): Promised[] {
    return this.#devices.flatMap((device) => device.promised());
  }

  #hurry(hurrying: boolean): void {
    for (const device of this.#devices) device.hurrying = hurrying;
  }

  #newDevice(algorithm: Algorithm): CrashDevice {
    const number = ++this.#made;
    return new CrashDevice(number, algorithm, this.site.file(`device-${number}.acknowledged`));
  }

  async #join(device: CrashDevice): Promise<void> {
    if (!this.#devices.includes(device)) this.#devices.push(device);
    await device.connect(this.site.gateway.mqttUrl);
  }

  /** Begins to enrol one more device; the result waits for that, and does it again if the kill was in its way. */
  #enrolOne(): (() => Promise<CrashDevice>) | undefined {
    if (this.#devices.length >= ALGORITHMS.length + ENROLLED_ON_THE_WAY) return undefined;
    const device = this.#newDevice('Ed25519');
    const tried = this.site.enrol(device.sender).then(
      () => true,
      () => false,
    );
    return async () => {
      if (!(await tried)) await this.site.enrol(device.sender);
      return device;
    };
  }
}
