/** What is told of the nodes, and which of them are asked, and waited for, and when. */
import { describe, expect, test } from 'vitest';
import { type Hand, honest, NO_SUCH_METHOD, on } from '../../contracts/testing/node-proxy.ts';
import { LIES, TROUBLES } from './testing/lies.ts';
import { type ConnectOptions, said } from './testing/scene.ts';
import { type Town, towns } from './testing/town.ts';

const startTown = towns();

describe('what is told of the nodes', () => {
  const NO_PORT = [/:\d+\b(?! wei)/g, ':PORT'] as const;
  const states = async (town: Town) =>
    (await town.life.anchorer.status()).nodes.map(({ state, blocksBehind }) => [state, blocksBehind]);

  test('without a quorum: who said what, once in the log, and again in the status', async () => {
    const town = await startTown([LIES['a contract that holds more']?.() ?? honest, honest, honest]);
    const [, second, third] = town.proxies;
    await town.goOn();
    if (second) second.hand = TROUBLES['no answer']?.() ?? honest;
    if (third) third.hand = TROUBLES['a web page']?.() ?? honest;
    await town.goOn();
    const { lastError, quorum, nodes } = await town.life.anchorer.status();
    expect(lastError?.message.replaceAll(...NO_PORT)).toMatchInlineSnapshot(
      `"no 2 of 3 nodes agree on the chain, the contract and its operator, 1 answered: http://127.0.0.1:PORT said the operator 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266; the node at http://127.0.0.1:PORT answered eth_chainId with a web page, not JSON; the node at http://127.0.0.1:PORT did not answer eth_chainId within 1000 ms; anchoring goes on when that is over, readings are taken meanwhile"`,
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
    const town = await startTown([TROUBLES['what it said long ago']?.() ?? honest, honest, honest]);
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
    const town = await startTown([honest, honest, honest]);
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
    const town = await startTown([TROUBLES['a wish to be left alone']?.() ?? honest]);
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

test('no look waits for a node that stalls, the second does not even ask it', async () => {
  // Who waited for it would wait for longer than any test runs.
  const town = await startTown([TROUBLES['no answer']?.() ?? honest, honest, honest], { timeoutMs: 600_000 });
  const [stalled] = town.proxies;
  await town.life.anchorer.tick();
  const asked = stalled?.asked.length;
  expect(asked).toBeGreaterThan(0);
  await town.life.anchorer.tick();
  expect(stalled?.asked).toHaveLength(asked ?? 0);
  expect((await town.life.anchorer.status()).anchored).toBe(1);
});

describe('the receipts of a block, for the proof of an event', () => {
  const RECEIPTS = 'eth_getBlockReceipts';
  const asked = (town: Town): number[] =>
    town.proxies.map((proxy) => proxy.asked.filter((method) => method === RECEIPTS).length);
  const onReceipts = (answer: Hand): Hand => on(RECEIPTS, answer);

  /** Anchors a checkpoint and looks at its block. Nobody is late unless a test wants it. */
  async function anchorOnce(hands: readonly Hand[], options: ConnectOptions = {}): Promise<Town> {
    const town = await startTown(hands, { lateMs: 60_000, ...options });
    await town.life.anchorer.tick();
    await town.life.anchorer.tick();
    const anchored = await town.scene.store.newest('anchored');
    expect(anchored?.anchor?.eventProof).toBeDefined();
    return town;
  }

  test('are asked of one node only when all are well', async () => {
    expect(asked(await anchorOnce([honest, honest, honest]))).toEqual([1, 0, 0]);
  });

  test.each<[string, Hand]>([
    ['refuses the block', on('eth_getBlockByHash', () => NO_SUCH_METHOD)],
    ['invents receipts', onReceipts(() => [{ status: '0x1' }])],
    ['leaves one out', onReceipts(async (_call, truth) => ((await truth()) as unknown[]).slice(1))],
    ['says nothing', onReceipts(() => ({ odd: 'silence' }))],
    ['breaks off', onReceipts(() => ({ odd: 'bytes', bytes: '{"result": [', cut: true }))],
  ])('are asked of the second when the first %s, and not of the third', async (_what, hand) => {
    const [, second, third] = asked(await anchorOnce([hand, honest, honest]));
    expect([second, third]).toEqual([1, 0]);
  });

  test('are asked of the second while the first lets wait for its answer', async () => {
    const silent = onReceipts(() => ({ odd: 'silence' }));
    const town = await anchorOnce([silent, honest, honest], { lateMs: 100, timeoutMs: 600_000 });
    expect(asked(town)[0]).toBe(1);
  });

  test('are asked of each when only the last has them', async () => {
    const without = onReceipts(() => null);
    expect(asked(await anchorOnce([without, without, honest]))).toEqual([1, 1, 1]);
  });
});
