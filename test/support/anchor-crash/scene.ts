/**
 * One installation on a chain that goes wrong in one way, time and again, each time while the gateway dies over an anchor at another step.
 * Devices, provider, signer and proxy live through it all. Everything is checked from outside before the next crash.
 */
import { writeFileSync } from 'node:fs';
import { honest } from '../../../contracts/testing/node-proxy.ts';
import { vitalseal } from '../command.ts';
import { expectFsck, expectPromises, expectReceipt, readLog } from '../crash/checks.ts';
import type { CrashDevice } from '../crash/device.ts';
import type { Site } from '../site.ts';
import { until } from '../wait.ts';
import type { Fault } from './faults.ts';
import type { AnchoredEvent } from './ledger.ts';
import { TestSigner } from './signer.ts';
import { CrashPoint, type Step } from './steps.ts';
import { StoreView } from './store-view.ts';
import { devicesOf, type Template } from './template.ts';
import { TestChain } from './test-chain.ts';
import { Watch } from './watch.ts';

const DEFAULT_SLOTS = 2;
/** The one that is being made as the fault ends, and the next. */
const MOST_CADENCES = 2;
/** By its configuration: a checkpoint a second, a look every quarter of one. */
const LOOKS_IN_A_CADENCE = 4;
const READINGS_MEANWHILE = 3;
const SEALED_MEANWHILE = 2;
/** Beyond a call to a node that does not answer, on a machine that is busy. */
const WITHIN_MS = 60_000;

export class Scene {
  readonly #fault: Fault;
  readonly #site: Site;
  readonly #chain: TestChain;
  readonly #signer: TestSigner;
  readonly #store: StoreView;
  readonly #devices: readonly CrashDevice[];
  readonly #watch: Watch;
  #isServed = false;
  /** The highest block there ever was. */
  #highest = 0;
  /** Transactions that may have been paid in vain so far. */
  #wasted = 0;

  private constructor(fault: Fault, site: Site, chain: TestChain, signer: TestSigner) {
    this.#fault = fault;
    this.#site = site;
    this.#chain = chain;
    this.#signer = signer;
    this.#store = new StoreView(site.dataDirectory);
    this.#devices = devicesOf(site);
    this.#watch = new Watch(site, chain);
  }

  static async begin({ site: template, log, state }: Template, fault: Fault): Promise<Scene> {
    const site = await template.copy();
    const chain = await TestChain.start(log, state, fault.slotsInAnEpoch ?? DEFAULT_SLOTS);
    const signer = await TestSigner.start();
    const rpcUrls = [chain.proxy.url];
    site.amend(({ chain: known }) => ({
      chain: { ...known, rpcUrls, signer: { ...known?.signer, url: signer.url } },
    }));
    const scene = new Scene(fault, site, chain, signer);
    await Promise.all([site.startProvider(), scene.#serve()]);
    for (const device of scene.#devices) await device.connect(site.gateway.mqttUrl);
    await until('first anchor', async () => (await chain.anchored()).length > 0, WITHIN_MS);
    return scene;
  }

  get directory(): string {
    return this.#site.directory;
  }

  /** One cell of the table. Resolves with the cadences that the newest checkpoint took to be anchored once all was well. */
  async run(step: Step): Promise<number> {
    const trouble = await this.#fault.begin(this.#chain);
    const transaction = await this.#crashAt(step);
    this.#wasted += this.#fault.wasted ?? 0;
    await trouble.strike(transaction);
    this.#chain.mayMine = async () => true;
    if (this.#fault.felt !== undefined) await this.#endure(this.#fault.felt);
    await trouble.heal();
    const healedAt = this.#store.newestCheckpoint();
    const looksBefore = this.#looks();
    if (!this.#isServed) await this.#serve();
    const cadences = await this.#recover(healedAt, looksBefore);
    await this.#settle(healedAt);
    await this.#check();
    return cadences;
  }

  /** Everything acknowledged is in the log once, proven by a final anchor and delivered as such; fsck finds nothing in the store that is left. */
  async finish(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.stop()));
    const promised = this.#devices.flatMap((device) => device.promised());
    const sent = this.#devices.reduce((sum, { sender }) => sum + sender.statements.length, 0);
    if (promised.length !== sent) throw new Error(`${sent} sent, ${promised.length} acknowledged`);
    expectPromises(await readLog(this.#site), promised);
    await this.#settle(this.#store.newestCheckpoint());
    for (const device of this.#devices)
      await expectReceipt(this.#site, device, device.sender.statements.length - 1);
    await until('proven delivery of everything', () => {
      const proven = this.#site.inbox().filter(({ proof }) => proof !== 'unproven');
      return proven.length === sent;
    });
    await this.#check();
    if (this.#watch.looks === 0) throw new Error('nothing was ever seen beside the chain');
    this.#site.gateway.kill('SIGTERM');
    const code = await this.#site.gateway.exited;
    if (code !== 0) throw new Error(`the gateway ended with ${code}`);
    await expectFsck(this.#site);
  }

  /** For whoever looks into a failure: what the gateway wrote in its last life. */
  keepGatewayLog(): void {
    writeFileSync(this.#site.file('gateway.log'), this.#site.gateway.err());
  }

  async close(): Promise<void> {
    for (const device of this.#devices) await device.close();
    await this.#watch.stop();
    await this.#signer.stop();
    await this.#chain.stop();
  }

  async #serve(): Promise<void> {
    const { exited } = await this.#site.startGateway();
    this.#isServed = true;
    void exited.then(() => {
      this.#isServed = false;
    });
  }

  /** Resolves with the hash of the transaction that the gateway died over and has not been buried since. */
  async #crashAt(step: Step): Promise<string> {
    const { gateway } = this.#site;
    const point = new CrashPoint(step, this.#chain, async () => {
      gateway.kill('SIGKILL');
      await gateway.exited;
    });
    const final = step === 'confirmed' || step === 'settled';
    if (final) this.#chain.pace = this.#chain.slotsInAnEpoch;
    this.#signer.answer = (raw) => point.onSigned(raw);
    this.#chain.mayMine = point.mayMine;
    this.#chain.proxy.hand = point.hand;
    const transaction = await until(`crash at ${step}`, () => point.transaction, WITHIN_MS);
    this.#signer.answer = (raw) => raw;
    this.#chain.proxy.hand = honest;
    this.#chain.pace = 1;
    await this.#chain.alone(() => this.#expectStep(step, transaction));
    return transaction;
  }

  /** What the dead gateway left behind, in its store and on the chain. */
  async #expectStep(step: Step, transaction: string): Promise<void> {
    const stored = this.#store.anchor(transaction)?.state ?? 'nothing';
    const block = await this.#chain.blockOf(transaction);
    const isFinal = block !== undefined && block <= (await this.#chain.finalHeight());
    const place = isFinal
      ? 'final'
      : block !== undefined
        ? 'mined'
        : (await this.#chain.knows(transaction))
          ? 'sent'
          : 'unknown';
    if (`${stored}, ${place}` !== LEFT_BEHIND[step])
      throw new Error(`crashed at ${step}, and left ${stored}, ${place}`);
    this.#highest = Math.max(this.#highest, await this.#chain.height());
    await this.#watch.note();
    this.#watch.expectFinal('the store', this.#store.finalSize());
  }

  /** Starts the gateway into the fault, and waits until it shows. */
  async #endure(felt: NonNullable<Fault['felt']>): Promise<void> {
    const sealed = this.#store.newestCheckpoint();
    const acknowledged = this.#acknowledged();
    if (felt === 'exit') {
      const { code, err } = await vitalseal(['serve', '--config', this.#site.config]);
      if (code !== 3 || !err.includes('"code":"chain-mismatch"'))
        throw new Error(`the gateway on another chain ended with ${code}: ${err}`);
      return;
    }
    await this.#serve();
    await until(
      'readings meanwhile',
      () => this.#acknowledged() >= acknowledged + READINGS_MEANWHILE,
      WITHIN_MS,
    );
    if (felt === 'readings') return;
    const sees = async (): Promise<boolean> =>
      (await this.#site.status()).anchoring?.lastError?.code === felt;
    if (felt !== 'sealing') await until(`report of ${felt}`, sees, WITHIN_MS);
    const enough = (): boolean => this.#store.checkpointsAbove(sealed).length >= SEALED_MEANWHILE;
    await until('checkpoints meanwhile', enough, WITHIN_MS);
  }

  /** How often the gateway has looked at the chain, to the end of what it looks at. */
  #looks(): number {
    return this.#chain.proxy.asked.filter((method) => method === 'eth_getTransactionCount').length;
  }

  /**
   * Until the contract holds a checkpoint that was sealed after healing. In cadences of the gateway: the checkpoints that it has
   * sealed, or the looks that it has taken, which on a busy machine are fewer than its configuration says.
   */
  async #recover(healedAt: number, looksBefore: number): Promise<number> {
    const isNew = ({ size }: AnchoredEvent): boolean => size > healedAt;
    const findNew = async (): Promise<AnchoredEvent | undefined> =>
      (await this.#chain.anchored()).find(isNew);
    const first = await until('new anchor', findNew, WITHIN_MS);
    const sealed = this.#store.checkpointsAbove(healedAt).indexOf(first.size) + 1;
    const looked = Math.ceil((this.#looks() - looksBefore) / LOOKS_IN_A_CADENCE);
    if (sealed < 1) throw new Error('what was anchored after healing is no checkpoint of the gateway');
    if (Math.min(sealed, looked) > MOST_CADENCES)
      throw new Error(
        `the first anchor after healing took ${sealed} checkpoints and ${looked} cadences of looks`,
      );
    return Math.min(sealed, looked);
  }

  /** Until everything below a size is final on a chain that is longer than it ever was. */
  async #settle(size: number): Promise<void> {
    const chain = this.#chain;
    await chain.alone(async () => chain.mine(this.#highest - (await chain.height()) + 1));
    chain.pace = chain.slotsInAnEpoch;
    const isFinal = async (): Promise<boolean> => ((await this.#site.status()).anchoring?.final ?? 0) >= size;
    await until(`final anchor of ${size}`, isFinal, WITHIN_MS);
    chain.pace = 1;
    await this.#watch.reset();
  }

  async #check(): Promise<void> {
    const { violations } = this.#watch;
    if (violations.length > 0) throw new Error(violations.join('\n'));
    expectGrowth('the signer', this.#signer.sizes, (before, after) => after >= before);
    const paid = await this.#chain.transactions();
    const anchored = (await this.#chain.anchored()).map(({ size }) => size);
    expectGrowth('the contract', anchored, (before, after) => after > before);
    if (paid > anchored.length + this.#wasted)
      throw new Error(`${paid} transactions were paid for ${anchored.length} anchors`);
    await expectFsck(this.#site, ['--fast']);
  }

  #acknowledged(): number {
    return this.#devices.reduce((sum, { sender }) => sum + sender.acknowledged.size, 0);
  }
}

const LEFT_BEHIND: Readonly<Record<Step, string>> = {
  signed: 'nothing, unknown',
  recorded: 'submitted, unknown',
  sent: 'submitted, sent',
  mined: 'submitted, mined',
  confirmed: 'anchored, final',
  settled: 'final, final',
};

function expectGrowth(
  whose: string,
  sizes: readonly number[],
  grows: (before: number, after: number) => boolean,
): void {
  const at = sizes.findIndex((size, index) => index > 0 && !grows(sizes[index - 1] ?? 0, size));
  if (at >= 0) throw new Error(`${whose} has a size of ${sizes[at]} after one of ${sizes[at - 1]}`);
}
