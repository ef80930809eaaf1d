/** Gateway and provider over real HTTP and real files: whatever fails in between, each statement is read exactly once. */
import { mkdtempSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { DeliveryBench } from '../gateway/deliver/testing/bench.ts';
import { FakeDevice, fillLog, ORIGIN } from '../gateway/deliver/testing/fake-log.ts';
import { WEBHOOK_SIGNER } from '../gateway/deliver/testing/scripted-provider.ts';
import type { DeliveryStore } from '../gateway/ports.ts';
import { generateProviderKeys, type Provider, readInbox, startProvider } from '../provider/index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type WireFault = 'refuse' | 'lose-answer';

/** A wire that can break a request off and lose its answer. The provider behind it may come and go. */
class Wire {
  /** What happens to the next requests; when it is empty they pass. */
  readonly faults: WireFault[] = [];
  upstream = 0;
  readonly #server = net.createServer((client) => this.#connect(client));

  #connect(client: net.Socket): void {
    const upstream = net.connect(this.upstream, '127.0.0.1');
    let fault: WireFault | undefined;
    client.on('error', () => {});
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    client.on('data', (chunk) => {
      if (chunk.subarray(0, 5).toString() === 'POST ') fault = this.faults.shift();
      if (fault === 'refuse') client.resetAndDestroy();
      else upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (fault === 'lose-answer') client.resetAndDestroy();
      else client.write(chunk);
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => this.#server.close());
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/deliveries`;
  }
}

/** A gateway, a wire and a clinic, and a reader at the clinic that keeps its own cursor. */
class World {
  readonly keys = generateProviderKeys();
  readonly wire = new Wire();
  readonly directory = mkdtempSync(path.join(tmpdir(), 'clinic-'));
  readonly read: number[] = [];
  #cursor = 0;
  bench!: DeliveryBench;
  clinic!: Provider;

  static async create(): Promise<World> {
    const world = new World();
    await world.wire.listen();
    const provider = { id: 'clinic', url: world.wire.url, sealingKey: world.keys.publicKey };
    world.bench = new DeliveryBench([provider], { maxEntries: 4, maxReceipts: 5, timeoutMs: 2_000 });
    await world.startClinic();
    cleanups.push(
      () => world.bench.close(),
      () => world.clinic.close(),
      () => rmSync(world.directory, { recursive: true }),
    );
    return world;
  }

  async startClinic(): Promise<void> {
    const { keys, directory, bench } = this;
    this.clinic = await startProvider(
      {
        host: '127.0.0.1',
        port: 0,
        provider: 'clinic',
        dataDir: directory,
        sealingKey: keys.privateKey,
        trust: { origin: ORIGIN, logKey: bench.log.signer.publicKey.bytes, pinned: new Map() },
        webhookKeys: [WEBHOOK_SIGNER.publicKey.bytes],
      },
      { now: bench.clock.now },
    );
    this.wire.upstream = Number(new URL(this.clinic.url).port);
  }

  async restartClinic(): Promise<void> {
    await this.clinic.close();
    await this.startClinic();
  }

  /** Delivers as far as the present faults allow; failures of ours are crashes, and are over with the next restart. */
  async deliver(): Promise<void> {
    await this.bench.deliverer.deliverDue().catch(() => {});
    this.bench.clock.time += 400_000;
  }

  readNext(): void {
    for (const item of readInbox(this.clinic.inbox, { after: this.#cursor })) {
      this.read.push(item.index);
      this.#cursor = item.position;
    }
  }

  /** Indices of the statements in the log, which the clinic must end up with. */
  expected(): number[] {
    return this.bench.log.entries.filter(({ kind }) => kind === 'statement').map(({ index }) => index);
  }
}

/** A store that crashes at its `countdown`-th write, before or after it is on disk. */
function crashing(countdown: number, when: 'before' | 'after') {
  let left = countdown;
  return (store: DeliveryStore): DeliveryStore =>
    new Proxy(store, {
      get(target, name) {
        const found = Reflect.get(target, name) as unknown;
        if (typeof found !== 'function') return found;
        if (!['begin', 'complete', 'postpone'].includes(String(name))) return found.bind(target) as unknown;
        return async (...args: unknown[]) => {
          left -= 1;
          if (left === 0 && when === 'before') throw new Error('crash');
          await (Reflect.apply(found, target, args) as Promise<void>);
          if (left <= 0) throw new Error('crash');
        };
      },
    });
}

type Step =
  | { readonly act: 'measure'; readonly count: number }
  | { readonly act: 'crash'; readonly at: number; readonly when: 'before' | 'after' }
  | { readonly act: 'break'; readonly fault: WireFault }
  | { readonly act: 'deliver' | 'anchor' | 'read' | 'restart gateway' | 'restart clinic' };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ act: fc.constant('measure'), count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({
    act: fc.constant('crash'),
    at: fc.integer({ min: 1, max: 5 }),
    when: fc.constantFrom('before', 'after'),
  }),
  fc.record({ act: fc.constant('break'), fault: fc.constantFrom('refuse', 'lose-answer') }),
  fc.record({ act: fc.constantFrom('deliver', 'anchor', 'read', 'restart gateway', 'restart clinic') }),
);

async function take(step: Step, world: World, device: FakeDevice): Promise<void> {
  const { bench, wire } = world;
  switch (step.act) {
    case 'measure':
      return fillLog(bench.log, device, step.count);
    case 'crash':
      return bench.restart(crashing(step.at, step.when));
    case 'break':
      wire.faults.push(step.fault);
      return;
    case 'anchor':
      bench.anchors.finalize(await bench.log.seal());
      return;
    case 'read':
      return world.readNext();
    case 'restart gateway':
      return bench.restart();
    case 'restart clinic':
      return world.restartClinic();
    case 'deliver':
  }
}

describe('from the log to the reader', () => {
  it('a reading arrives, is proven when its anchor is final, and shows what the device signed', async () => {
    const world = await World.create();
    const device = new FakeDevice('a', 'ESP256');
    await fillLog(world.bench.log, device, 3);
    await world.deliver();
    expect(readInbox(world.clinic.inbox)).toMatchObject(
      [1, 2, 3].map((index) => ({ index, device: device.urn, proof: 'unproven' })),
    );
    world.bench.anchors.finalize(await world.bench.log.seal());
    await world.deliver();
    expect(readInbox(world.clinic.inbox).map(({ proof }) => proof)).toEqual(Array(3).fill('included'));
  });

  it('nothing is lost and nothing read twice, whatever crashes, breaks or restarts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 25 }), async (steps) => {
        const world = await World.create();
        const device = new FakeDevice('a');
        for (const step of steps) {
          await take(step, world, device);
          await world.deliver();
        }
        await world.bench.restart();
        world.bench.anchors.finalize(await world.bench.log.seal());
        for (let round = 0; round < steps.length + 2; round++) await world.deliver();
        world.readNext();
        expect([...world.read].sort((a, b) => a - b)).toEqual(world.expected());
        expect(world.clinic.inbox.counts()).toMatchObject({ refused: 0, proven: world.expected().length });
        expect(await world.bench.deliverer.deadLetters()).toEqual([]);
        for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      }),
      { numRuns: 30 },
    );
  });
});
