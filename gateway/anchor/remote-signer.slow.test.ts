/** A signer in another process: a real one (anvil holds the keys of its accounts), and ones that do as they like. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Transaction, Wallet } from 'ethers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TransactionRule } from './fee-policy.ts';
import { RemoteSigner, type RemoteSignerOptions } from './remote-signer.ts';
import { BLOCKS_TO_FINAL, type Life, Scene, said } from './testing/scene.ts';
import { clef, type DocumentedSigner, web3signer } from './testing/signers.ts';

type Reply = Awaited<ReturnType<DocumentedSigner>> | undefined;
type Answer = (method: string, params: readonly Record<string, string>[]) => unknown;

let scene: Scene;
const servers: Server[] = [];

beforeEach(async () => {
  scene = await Scene.start();
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await scene.stop();
  expect(scene.violations()).toEqual([]);
});

/** A JSON-RPC server on loopback. `undefined` leaves the caller without an answer, an Error is one of JSON-RPC. */
function serve(answer: Answer): Promise<string> {
  return listen(async (method, params) => {
    const result = await answer(method, params as Parameters<Answer>[1]);
    if (result instanceof Error) return { status: 200, error: { code: -32000, message: result.message } };
    return result === undefined ? undefined : { status: 200, result };
  });
}

async function listen(answer: (...call: Parameters<DocumentedSigner>) => Promise<Reply>): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', async () => {
      const { id, method, params } = JSON.parse(body);
      const reply = await answer(method, params);
      if (reply === undefined) return;
      const { status, ...outcome } = reply;
      response.statusCode = status;
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function connect(url: string, change: Partial<RemoteSignerOptions> = {}): Life {
  const options = {
    url,
    address: scene.operator.address,
    method: 'eth_signTransaction',
    timeoutMs: 2_000,
  } as const;
  return scene.live({ chain: { signer: new RemoteSigner({ ...options, ...change }) } });
}

async function connectDocumented(
  method: RemoteSignerOptions['method'],
  signer: DocumentedSigner,
  transactions: TransactionRule = 'auto',
): Promise<Life> {
  const { address } = scene.operator;
  const remote = new RemoteSigner({ url: await listen(signer), address, method, timeoutMs: 2_000 });
  return scene.live({ anchorer: { transactions }, chain: { signer: remote } });
}

/** What the anchorer says of a signer, without ports. */
async function failure(life: Life): Promise<string> {
  await life.anchorer.tick();
  const { lastError, unreachableSince } = await life.anchorer.status();
  expect(lastError?.code).toBe('signer-failed');
  expect(unreachableSince).toBeUndefined();
  expect(await scene.rpc('eth_getTransactionCount', scene.operator.address, 'pending')).toBe('0x0');
  expect(await scene.store.list(1)).toEqual([]);
  return String(lastError?.message)
    .replaceAll(/:\d+/g, ':PORT')
    .replaceAll(/0x[0-9a-f]{40}/gi, 'ADDRESS');
}

async function expectFinal(life: Life): Promise<void> {
  await scene.nextCadence(life);
  await scene.mine(BLOCKS_TO_FINAL);
  await life.anchorer.tick();
  const { recorded, final } = await life.anchorer.status();
  expect(final).toBe(recorded);
}

test('anchors are signed by a node that holds the account, up to final', async () => {
  const life = connect(scene.node.url);
  await life.anchorer.tick();
  await expectFinal(life);
  expect(said(life, 'warn')).toEqual([]);
});

test('legacy transactions are, too', async () => {
  const life = scene.live({
    anchorer: { transactions: 'legacy' },
    chain: {
      signer: new RemoteSigner({
        url: scene.node.url,
        address: scene.operator.address,
        method: 'eth_signTransaction',
        timeoutMs: 2_000,
      }),
    },
  });
  await life.anchorer.tick();
  await expectFinal(life);
});

describe.each(['auto', 'legacy'] as const)('signers as documented, transactions %s', (transactions) => {
  test('web3signer', async () => {
    const life = await connectDocumented(
      'eth_signTransaction',
      web3signer(scene.operator, 31_337),
      transactions,
    );
    await life.anchorer.tick();
    await expectFinal(life);
    expect(said(life, 'warn')).toEqual([]);
  });

  test('clef, which is told the function that is called', async () => {
    const approved: Transaction[] = [];
    const approve = (transaction: Transaction): boolean => approved.push(transaction) > 0;
    const signer = clef(scene.operator, 31_337, approve);
    const life = await connectDocumented('account_signTransaction', signer, transactions);
    await life.anchorer.tick();
    await expectFinal(life);
    expect(said(life, 'warn')).toEqual([]);
    expect(approved.length).toBeGreaterThan(0);
  });
});

test('a documented signer says why it does not sign', async () => {
  const refusal = async (...args: Parameters<typeof connectDocumented>): Promise<string> =>
    failure(await connectDocumented(...args));
  expect(await refusal('eth_signTransaction', web3signer(scene.owner, 31_337))).toContain(
    'refused to sign: No unlocked account matches the Sender; it is asked again',
  );
  expect(await refusal('eth_signTransaction', web3signer(scene.operator, 1))).toMatch(
    /answered with another chainId: nothing was sent/,
  );
  expect(await refusal('account_signTransaction', web3signer(scene.operator, 31_337))).toContain(
    'refused to sign: the method account_signTransaction does not exist',
  );
  expect(await refusal('account_signTransaction', clef(scene.operator, 1))).toContain(
    'refused to sign: requested chainid 31337 does not match the configuration of the signer',
  );
  expect(
    await refusal(
      'account_signTransaction',
      clef(scene.operator, 31_337, () => false),
    ),
  ).toContain('refused to sign: request denied');
});

describe('a signer that is of no use is said once, costs nothing, and is asked again', () => {
  test('away', async () => {
    const life = connect('http://user:hunter2@127.0.0.1:9/?key=hunter2');
    expect(await failure(life)).toMatch(
      /^the signer at http:\/\/127\.0\.0\.1:PORT could not be asked for eth_signTransaction: .*; it is asked again, readings are taken meanwhile$/,
    );
    for (let i = 0; i < 3; i++) await scene.nextCadence(life);
    expect(scene.log.checkpoints).toHaveLength(4);
    expect(said(life, 'warn')).toHaveLength(1);
    expect(life.logger.text()).not.toContain('hunter2');
  });

  test('silent', async () => {
    const life = connect(await serve(() => undefined), { timeoutMs: 100 });
    expect(await failure(life)).toBe(
      'the signer at http://127.0.0.1:PORT did not answer eth_signTransaction within 100 ms; it is asked again, readings are taken meanwhile',
    );
  });

  test('silent, and closed meanwhile', async () => {
    const reached = Promise.withResolvers<void>();
    const life = connect(await serve(() => reached.resolve()), { timeoutMs: 3_600_000 });
    const turn = life.anchorer.tick();
    await reached.promise;
    await life.anchorer.close();
    await turn;
    expect(said(life, 'warn')).toEqual([]);
  });

  test('unwilling', async () => {
    const life = connect(await serve(() => new Error('request denied')));
    expect(await failure(life)).toBe(
      'the signer at http://127.0.0.1:PORT refused to sign: request denied; it is asked again, readings are taken meanwhile',
    );
  });

  test.each([[null], [7], [{}], [{ raw: 7 }], ['0x'], ['signed'], [['0x00']]])(
    'answering %j',
    async (answer) => {
      expect(await failure(connect(await serve(() => answer)))).toContain(
        'answered eth_signTransaction with something that is not a signed transaction',
      );
    },
  );

  test('signing for another, or something else', async () => {
    const other = new Wallet(scene.owner.privateKey);
    const sign =
      (wallet: Pick<Wallet, 'signTransaction'>, change: object): Answer =>
      (_method, [{ from: _, gas, ...fields } = {}]) =>
        wallet.signTransaction({ type: 2, ...fields, gasLimit: gas ?? '0x0', ...change });
    expect(await failure(connect(await serve(sign(other, {}))))).toMatchInlineSnapshot(
      `"the signer of ADDRESS was asked for an anchor and answered with the signature of another account: nothing was sent; find out whose signer this is before it is used again"`,
    );
    const drain = { to: scene.owner.address, value: 10n ** 18n };
    expect(await failure(connect(await serve(sign(scene.operator, drain))))).toMatchInlineSnapshot(
      `"the signer of ADDRESS was asked for an anchor and answered with another to, value: nothing was sent; find out whose signer this is before it is used again"`,
    );
  });

  test('back', async () => {
    let well = false;
    const url = await serve(async (method, params) =>
      well ? await scene.rpc(method, ...params) : new Error('locked'),
    );
    const life = connect(url);
    await life.anchorer.tick();
    await scene.nextCadence(life);
    well = true;
    await scene.nextCadence(life);
    expect(await scene.contractSize()).toBe(3);
    await expectFinal(life);
    expect((await life.anchorer.status()).lastError).toBeUndefined();
  });
});
