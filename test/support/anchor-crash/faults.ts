/** What happens to the chain while the gateway is dead, and how long it lasts. */
import { type Hand, honest, type Odd } from '../../../contracts/testing/node-proxy.ts';
import type { TestChain } from './test-chain.ts';

const GWEI = 1_000_000_000n;
const DEAR_GWEI = 500n;
const OTHER_CHAIN = '0x1092';
/** Answers every call with five zero words. */
const OTHER_CODE = '0x60a06000f3';

/** One occurrence of a fault. */
export interface Trouble {
  /** With the gateway dead. `transaction`: of the anchor it died over. */
  strike(transaction: string): Promise<void>;
  heal(): Promise<void>;
}

export interface Fault {
  readonly name: string;
  /** Faults of one group are alike; between them they meet every step in each selection. */
  readonly group: string;
  readonly slotsInAnEpoch?: number;
  /**
   * What the gateway that is started into the fault shows before it heals: readings acknowledged, and checkpoints sealed, or this failure of the
   * chain, or its end by design. Without it the fault is a moment, and over before the start.
   */
  readonly felt?: 'readings' | 'sealing' | 'chain-unreachable' | 'chain-mismatch' | 'exit';
  /** Transactions that may be included without anchoring anything. */
  readonly wasted?: number;
  /** Called before the anchor that it happens to is signed. */
  begin(chain: TestChain): Promise<Trouble>;
}

const nothing = async (): Promise<void> => undefined;

/** Changes how the chain goes on, and back. */
function setting(change: (chain: TestChain) => unknown, back: (chain: TestChain) => unknown): Fault['begin'] {
  return async (chain) => ({
    strike: () => chain.alone(async () => void (await change(chain))),
    heal: async () => void (await back(chain)),
  });
}

/** Undoes so many of the newest blocks, the anchor's the oldest of them if it is on its way or in a block that is not final. */
function reorganisation(depth: number): Fault['begin'] {
  return async (chain) => ({
    strike: (transaction) =>
      chain.alone(async () => {
        if ((await chain.blockOf(transaction)) === undefined && (await chain.knows(transaction)))
          await chain.mine(1);
        const anchored = await chain.blockOf(transaction);
        if (anchored !== undefined) await chain.mine(anchored + depth - 1 - (await chain.height()));
        await chain.call('anvil_reorg', depth, []);
      }),
    heal: nothing,
  });
}

async function setBack(chain: TestChain): Promise<Trouble> {
  const snapshot = await chain.alone(() => chain.call('evm_snapshot'));
  return {
    strike: () => chain.alone(async () => void (await chain.call('evm_revert', snapshot))),
    heal: nothing,
  };
}

/** The node dies with its pool, and comes back with a state that it had: at the end, before the anchor, or once the log was opened. */
function restart(from: 'end' | 'before' | 'opening'): Fault['begin'] {
  return async (chain) => {
    let state = from === 'before' ? await chain.alone(() => chain.state()) : chain.opened;
    return {
      strike: () =>
        chain.alone(async () => {
          if (from === 'end') state = await chain.state();
          await chain.kill();
        }),
      heal: () => chain.restart(state),
    };
  };
}

/** Something on the way between the gateway and its node. */
function interference(meddle: () => { readonly hand: Hand; readonly release?: () => void }): Fault['begin'] {
  return async ({ proxy }) => {
    const { hand, release } = meddle();
    return {
      strike: async () => {
        proxy.hand = hand;
      },
      heal: async () => {
        proxy.hand = honest;
        release?.();
      },
    };
  };
}

/** Holds every answer back, and gives them all in the end. */
function delays(): { hand: Hand; release: () => void } {
  const released = Promise.withResolvers<void>();
  return { hand: (_call, truth) => released.promise.then(() => truth()), release: () => released.resolve() };
}

async function replaceCode(chain: TestChain): Promise<Trouble> {
  const { contract } = chain.log;
  const code = await chain.call('eth_getCode', contract, 'latest');
  const set = (to: unknown) =>
    chain.alone(async () => void (await chain.call('anvil_setCode', contract, to)));
  return { strike: () => set(OTHER_CODE), heal: () => set(code) };
}

const cut: Hand = async (_call, truth) => {
  const answer = JSON.stringify({ jsonrpc: '2.0', id: 1, result: await truth() });
  return { odd: 'bytes', bytes: answer.slice(0, answer.length / 2), cut: true } satisfies Odd;
};

const otherChain: Hand = (call, truth) => (call.method === 'eth_chainId' ? OTHER_CHAIN : truth());

export const FAULTS: readonly Fault[] = [
  { name: 'the crash alone', group: 'standstill', begin: async () => ({ strike: nothing, heal: nothing }) },
  {
    name: 'no blocks',
    group: 'standstill',
    felt: 'sealing',
    begin: setting(
      (chain) => (chain.pace = 0),
      (chain) => (chain.pace = 1),
    ),
  },
  {
    name: 'gas above the ceiling',
    group: 'standstill',
    felt: 'sealing',
    begin: setting(
      (chain) => (chain.baseFee = DEAR_GWEI * GWEI),
      (chain) => (chain.baseFee = GWEI),
    ),
  },
  { name: '1 block reorganised', group: 'reorganisation', slotsInAnEpoch: 1, begin: reorganisation(1) },
  { name: '8 blocks reorganised', group: 'reorganisation', slotsInAnEpoch: 5, begin: reorganisation(8) },
  { name: '64 blocks reorganised', group: 'reorganisation', slotsInAnEpoch: 33, begin: reorganisation(64) },
  { name: 'the chain set back', group: 'another past', begin: setBack },
  {
    name: 'the node back as before the anchor',
    group: 'another past',
    felt: 'chain-unreachable',
    begin: restart('before'),
  },
  {
    name: 'the node back as at the opening',
    group: 'another past',
    felt: 'chain-unreachable',
    begin: restart('opening'),
  },
  {
    name: 'the node frozen',
    group: 'node',
    felt: 'readings',
    begin: setting(
      (chain) => chain.freeze(),
      (chain) => chain.thaw(),
    ),
  },
  {
    name: 'the node killed and back',
    group: 'node',
    felt: 'chain-unreachable',
    begin: restart('end'),
  },
  { name: 'answers delayed', group: 'node', felt: 'chain-unreachable', begin: interference(delays) },
  {
    name: 'answers cut',
    group: 'otherwise',
    felt: 'chain-unreachable',
    begin: interference(() => ({ hand: cut })),
  },
  {
    name: 'another chain id',
    group: 'otherwise',
    felt: 'exit',
    begin: interference(() => ({ hand: otherChain })),
  },
  {
    name: 'other code at the contract',
    group: 'otherwise',
    felt: 'chain-mismatch',
    wasted: 1,
    begin: replaceCode,
  },
];
