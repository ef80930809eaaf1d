import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { type Hand, honest, NodeProxy } from '../../contracts/testing/node-proxy.ts';
import { bytesToHex } from '../../src/bytes.ts';
import { behind, LIES, TROUBLES } from './testing/lies.ts';
import { BLOCKS_TO_FINAL, CADENCE_MS, type Life, Scene, said } from './testing/scene.ts';

const GWEI = 1_000_000_000n;
/** Short, so that what never answers is over soon; long for loopback. */
const TIMEOUT_MS = 1_000;

/** A node behind proxies, one for each hand, and a gateway that knows only those. */
class Town {
  readonly scene: Scene;
  readonly proxies: readonly NodeProxy[];
  life: Life;

  private constructor(scene: Scene, proxies: readonly NodeProxy[]) {
    this.scene = scene;
    this.proxies = proxies;
    this.life = this.live();
  }

  static async start(hands: readonly Hand[]): Promise<Town> {
    const scene = await Scene.start();
    const proxies = await Promise.all(hands.map((hand) => NodeProxy.start(() => scene.node.url, hand)));
    const town = new Town(scene, proxies);
    towns.push(town);
    return town;
  }

  /** A new process. */
  live(): Life {
    const rpcUrls = this.proxies.map(({ url }) => url);
    this.life = this.scene.live({ chain: { rpcUrls, timeoutMs: TIMEOUT_MS } });
    return this.life;
  }

  /** Some cadences with readings in each, and blocks in between. */
  async goOn(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      this.scene.log.append(3);
      await this.scene.nextCadence(this.life);
      await this.scene.mine();
    }
    await this.life.anchorer.tick();
    await this.scene.mine(BLOCKS_TO_FINAL);
    await this.life.anchorer.tick();
  }

  /** The newest checkpoint is in the contract, and known to be final. */
  async expectFinal(): Promise<void> {
    const newest = await this.scene.log.newestCheckpoint();
    expect(await this.scene.contractSize()).toBe(newest?.size);
    expect(await this.life.anchorer.status()).toMatchObject({ final: newest?.size, recorded: newest?.size });
  }

  /** What is called anchored or final is in the chain, in the block that is named. */
  async expectNothingFalse(): Promise<void> {
    for (const record of await this.scene.store.list(1_000)) {
      if (record.anchor === undefined) continue;
      const hash = toHex(record.transactionHash);
      const receipt = (await this.scene.rpc('eth_getTransactionReceipt', hash)) as Fields | null;
      expect(receipt).toMatchObject({ status: '0x1', blockHash: toHex(record.anchor.blockHash) });
    }
  }

  /** What devices were told, and what was sealed into the log, are blocks of the chain that were final. */
  async expectBeaconsTrue(): Promise<void> {
    const { number } = (await this.scene.rpc('eth_getBlockByNumber', 'finalized', false)) as Fields;
    for (const beacon of this.life.beacons) expect(beacon <= BigInt(String(number))).toBe(true);
    for (const beacon of this.scene.log.beacons) {
      if (beacon === undefined) continue;
      const height = `0x${beacon.blockNumber.toString(16)}`;
      const block = (await this.scene.rpc('eth_getBlockByNumber', height, false)) as Fields;
      expect(toHex(beacon.blockHash)).toBe(block['hash']);
    }
  }

  async stop(): Promise<void> {
    await this.scene.stop();
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    expect(this.scene.violations()).toEqual([]);
  }
}

type Fields = Readonly<Record<string, unknown>>;
const toHex = (bytes: Uint8Array): string => `0x${bytesToHex(bytes)}`;

const towns: Town[] = [];
afterEach(async () => {
  for (const town of towns.splice(0)) await town.stop();
});

/** Lies that nobody can tell from another, honest view. */
const IN_GOOD_FAITH = new Set([
  'the newest block as final',
  'block 0 as final',
  'a huge tip',
  'no tip',
  'a huge data fee',
  'too little gas',
  'too much gas',
  'transactions dropped',
  'transactions refused',
  'no receipts',
  'a final block that nobody has',
  'a height that nobody has, and silence about it',
]);

describe('one of three nodes lies', () => {
  test.each(Object.entries(LIES))('%s: everything is anchored and final all the same', async (name, lie) => {
    const town = await Town.start([lie(), honest, honest]);
    await town.goOn();
    await town.expectFinal();
    await town.expectNothingFalse();
    await town.expectBeaconsTrue();
    expect(town.life.fatals).toEqual([]);
    expect(said(town.life, 'error')).toEqual([]);
    for (const { fee } of await town.scene.store.list(1_000)) {
      expect(fee.maxFeePerGas).toBeLessThan(10n * GWEI);
      expect(fee.maxPriorityFeePerGas).toBeGreaterThan(0n);
    }
    const [liar, ...others] = (await town.life.anchorer.status()).nodes;
    if (!IN_GOOD_FAITH.has(name)) expect(liar?.disagreements).toBeGreaterThan(0);
    for (const node of others) expect(node).toMatchObject({ state: 'ok', disagreements: 0 });
  });
});

describe('one of three nodes lies, and one of the honest ones is two blocks behind', () => {
  test.each(Object.entries(LIES))('%s: everything is anchored and final all the same', async (_name, lie) => {
    const town = await Town.start([lie(), behind(2n), honest]);
    for (let block = 0; block < 12; block++) {
      if (block < 4) town.scene.log.append(3);
      town.scene.clock.advance(block < 4 ? CADENCE_MS : 10_000);
      await town.life.anchorer.tick();
      await town.scene.mine();
    }
    await town.scene.mine(BLOCKS_TO_FINAL);
    await town.life.anchorer.tick();
    await town.expectFinal();
    await town.expectNothingFalse();
    await town.expectBeaconsTrue();
    expect(town.life.fatals).toEqual([]);
  });
});

describe('one of three nodes does not answer as it should', () => {
  test.each(Object.entries(TROUBLES))(
    '%s: everything is anchored and final all the same',
    async (_name, trouble) => {
      const town = await Town.start([trouble(), honest, honest]);
      await town.goOn();
      await town.expectFinal();
      await town.expectNothingFalse();
      await town.expectBeaconsTrue();
      expect(town.life.events.filter((event) => event.startsWith('failed'))).toEqual([]);
    },
  );
});

/** What ends anchoring when a quorum says so: going on would do harm if it were true. */
const ENDS: Readonly<Record<string, string>> = {
  'another chain id': 'chain-mismatch',
  'a contract that holds more': 'log-forked',
};
/** What two of three can make this gateway say. Who verifies asks a node of their own. */
const FALSE_ANCHORS = new Set(['invented receipts']);
const FALSE_BEACONS = new Set([
  'other block hashes',
  'the newest block as final',
  'a final block that nobody has',
  'a height that nobody has, and silence about it',
]);

describe('two of three nodes lie alike', () => {
  test.each(Object.entries(LIES))('%s: what they cannot do, and that it passes', async (name, lie) => {
    const hand = lie();
    const town = await Town.start([hand, hand, honest]);
    await town.goOn();
    const ends = ENDS[name];
    expect(town.life.fatals.map(({ code }) => code)).toEqual(ends === undefined ? [] : [ends]);
    const sealed = town.scene.log.checkpoints.length;
    expect(sealed).toBe(ends === undefined ? 3 : 1);
    if (FALSE_ANCHORS.has(name)) await expect(town.expectNothingFalse()).rejects.toThrow();
    else await town.expectNothingFalse();
    if (FALSE_BEACONS.has(name)) await expect(town.expectBeaconsTrue()).rejects.toThrow();
    else await town.expectBeaconsTrue();

    for (const proxy of town.proxies) proxy.hand = honest;
    if (ends !== undefined) town.live();
    await town.goOn();
    await town.expectFinal();
    if (!FALSE_ANCHORS.has(name)) await town.expectNothingFalse();
  });
});

describe('two of three nodes do not answer as they should', () => {
  test.each(Object.entries(TROUBLES))('%s: nothing false is said, and it passes', async (_name, trouble) => {
    const town = await Town.start([honest, trouble(), trouble()]);
    await town.goOn();
    expect(town.life.fatals).toEqual([]);
    expect(town.scene.log.checkpoints).toHaveLength(3);
    await town.expectNothingFalse();
    await town.expectBeaconsTrue();

    for (const proxy of town.proxies) proxy.hand = honest;
    town.scene.clock.advance(3_600_000);
    await town.goOn();
    await town.expectFinal();
    await town.expectNothingFalse();
  });
});

test('two of five nodes, each with a fault of its own, change nothing', async () => {
  const faults = [...Object.entries(LIES), ...Object.entries(TROUBLES)];
  const fault = fc.constantFrom(...faults.map(([name]) => name));
  const handOf = (name: string): Hand => (LIES[name] ?? TROUBLES[name])?.() ?? honest;
  await fc.assert(
    fc.asyncProperty(fault, fault, async (one, other) => {
      const town = await Town.start([handOf(one), honest, handOf(other), honest, honest]);
      await town.goOn();
      await town.expectFinal();
      await town.expectNothingFalse();
      await town.expectBeaconsTrue();
      expect(town.life.fatals).toEqual([]);
      towns.splice(towns.indexOf(town), 1);
      await town.stop();
    }),
    { numRuns: 20 },
  );
});

describe('what is told of the nodes', () => {
  const NO_PORT = [/:\d+\b(?! wei)/g, ':PORT'] as const;
  const states = async (town: Town) =>
    (await town.life.anchorer.status()).nodes.map(({ state, blocksBehind }) => [state, blocksBehind]);

  test('without a quorum: who said what, once in the log, and again in the status', async () => {
    const town = await Town.start([LIES['a contract that holds more']?.() ?? honest, honest, honest]);
    const [, second, third] = town.proxies;
    await town.goOn();
    if (second) second.hand = TROUBLES['no answer']?.() ?? honest;
    if (third) third.hand = TROUBLES['a web page']?.() ?? honest;
    await town.goOn();
    const { lastError, quorum, nodes } = await town.life.anchorer.status();
    expect(lastError?.message.replaceAll(...NO_PORT)).toMatchInlineSnapshot(
      `"no 2 of 3 nodes agree on the chain, the contract and its operator, 1 answered: http://127.0.0.1:PORT said the operator 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266; the node at http://127.0.0.1:PORT answered eth_chainId with something that is not JSON; the node at http://127.0.0.1:PORT did not answer eth_chainId within 1000 ms; anchoring goes on when that is over, readings are taken meanwhile"`,
    );
    expect({ quorum, nodes: nodes.length }).toEqual({ quorum: 2, nodes: 3 });
    expect(said(town.life, 'warn')).toEqual([
      'a node says other than the quorum: its answer does not count',
      'a node of the chain does not answer: the others are asked without it',
      'a node of the chain does not answer: the others are asked without it',
      expect.stringMatching(/^no 2 of 3 nodes agree on .*, 1 answered: /),
    ]);
  });

  test('its state, and how far it is behind', async () => {
    const town = await Town.start([TROUBLES['what it said long ago']?.() ?? honest, honest, honest]);
    await town.goOn();
    expect(await states(town)).toEqual([
      ['ok', 10],
      ['ok', 0],
      ['ok', 0],
    ]);
    const [late, liar] = town.proxies;
    if (late) late.hand = honest;
    if (liar) liar.hand = LIES['another operator']?.() ?? honest;
    await town.life.anchorer.close();
    town.live();
    await town.goOn();
    expect(await states(town)).toEqual([
      ['ok', 0],
      ['disagrees', 0],
      ['ok', 0],
    ]);
    if (liar) liar.hand = TROUBLES['half an answer']?.() ?? honest;
    await town.goOn();
    expect((await states(town))[1]?.[0]).toBe('failing');
    if (liar) liar.hand = honest;
    await town.goOn();
    expect((await states(town))[1]?.[0]).toBe('ok');
    expect(said(town.life, 'info')).toContain('a node of the chain answers again');
  });
});

describe('a node that wants to be left alone', () => {
  test('is not asked before its time, and asked again after it', async () => {
    const town = await Town.start([honest, honest, honest]);
    await town.goOn();
    const [busy] = town.proxies;
    if (busy === undefined) throw new Error('there is no proxy');
    busy.hand = TROUBLES['a wish to be left alone']?.() ?? honest;
    await town.life.anchorer.tick();
    const asked = busy.asked.length;
    await town.goOn();
    expect(busy.asked).toHaveLength(asked);
    expect((await town.life.anchorer.status()).nodes[0]?.state).toBe('rate-limited');
    busy.hand = honest;
    town.scene.clock.advance(3_600_000);
    await town.goOn();
    expect(busy.asked.length).toBeGreaterThan(asked);
    expect((await town.life.anchorer.status()).nodes[0]?.state).toBe('ok');
  });

  test('is left alone even when it is the only one', async () => {
    const town = await Town.start([TROUBLES['a wish to be left alone']?.() ?? honest]);
    const [busy] = town.proxies;
    await town.goOn();
    expect(busy?.asked).toEqual(['eth_chainId']);
    const { lastError } = await town.life.anchorer.status();
    expect(lastError?.message.replaceAll(/:\d+\b/g, ':PORT')).toMatchInlineSnapshot(
      `"the node at http://127.0.0.1:PORT wants to be left alone for another 3480 s; anchoring goes on when that is over, readings are taken meanwhile"`,
    );
    if (busy) busy.hand = honest;
    town.scene.clock.advance(3_600_000);
    await town.goOn();
    await town.expectFinal();
  });
});

test('no look waits for a node that stalls, the second not even to see whether it does', async () => {
  const town = await Town.start([TROUBLES['no answer']?.() ?? honest, honest, honest]);
  for (const most of [TIMEOUT_MS - 100, 100]) {
    const begun = performance.now();
    await town.life.anchorer.tick();
    expect(performance.now() - begun).toBeLessThan(most);
  }
});
