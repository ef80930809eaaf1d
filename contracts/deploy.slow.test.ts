import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ContractFactory, type HDNodeWallet, type JsonRpcProvider, Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Anvil, anvilAccount, startAnvil } from './anvil.ts';
import { connectChain } from './connect.ts';
import { assertReadingLog, deployReadingLog, openLog } from './deploy.ts';
import { numberedHash } from './testing/reading-log.ts';

const KEY = numberedHash(7);

describe('deploying to a chain', () => {
  let anvil: Anvil;
  let provider: JsonRpcProvider;
  let signer: HDNodeWallet;
  beforeAll(async () => {
    anvil = await startAnvil();
    provider = await connectChain(anvil.url);
    signer = anvilAccount(0).connect(provider);
  });
  afterAll(async () => {
    provider?.destroy();
    await anvil?.stop();
  });

  it('gives the address, the block and the gas, then opens a log on it', async () => {
    const deployed = await deployReadingLog(signer, { chainId: 31_337n });
    expect(deployed).toMatchObject({
      address: expect.stringMatching(/^0x[0-9a-fA-F]{40}$/),
      blockNumber: 1n,
    });
    expect(deployed.gasUsed).toBeGreaterThan(500_000n);
    await assertReadingLog(provider, deployed.address);
    const opened = await openLog(signer, deployed.address, { operator: signer.address, logKeyHash: KEY });
    expect(opened).toMatchObject({ logId: expect.stringMatching(/^0x[0-9a-f]{64}$/), blockNumber: 2n });
    const again = openLog(signer, deployed.address, { operator: signer.address, logKeyHash: KEY });
    await expect(again).rejects.toMatchObject({
      code: 'transaction-failed',
      message: `opening a log: the chain refused it with AlreadyOpen(${opened.logId})`,
    });
  });

  it('refuses another chain than the one meant, before anything is sent', async () => {
    const nonce = await signer.getNonce();
    const failure = { code: 'chain-mismatch' };
    await expect(deployReadingLog(signer, { chainId: 1n })).rejects.toMatchObject(failure);
    await expect(connectChain(anvil.url, { chainId: 1n })).rejects.toMatchObject(failure);
    expect(await signer.getNonce()).toBe(nonce);
  });

  it('refuses an address without code or with other code', async () => {
    const terms = { operator: signer.address, logKeyHash: KEY };
    const failure = { code: 'contract-mismatch' };
    await expect(openLog(signer, signer.address, terms)).rejects.toMatchObject(failure);
    const other = await new ContractFactory([], '0x600160005360016000f3', signer).deploy();
    await other.waitForDeployment();
    await expect(assertReadingLog(provider, await other.getAddress())).rejects.toMatchObject(failure);
  });

  it('says who lacks the money', async () => {
    const poor = new Wallet(numberedHash(5), provider);
    const failure = { code: 'insufficient-funds', message: expect.stringContaining(poor.address) };
    await expect(deployReadingLog(poor)).rejects.toMatchObject(failure);
  });

  it('says that a node has gone, and that one never was there, without the key in its URL', async () => {
    const gone = await startAnvil();
    const orphan = await connectChain(gone.url);
    await gone.stop();
    const failure = { code: 'chain-unreachable' };
    await expect(deployReadingLog(anvilAccount(0).connect(orphan))).rejects.toMatchObject(failure);
    orphan.destroy();
    const url = `http://127.0.0.1:${gone.port}/v2/secret-key`;
    await expect(connectChain(url)).rejects.toThrow(/^((?!secret).)*$/s);
    await expect(connectChain('not a url')).rejects.toMatchObject(failure);
  });

  it('gives up on a node that hangs', async () => {
    const hanging = await startAnvil();
    const provider = await connectChain(hanging.url);
    process.kill(hanging.pid, 'SIGSTOP');
    const failure = { code: 'chain-unreachable' };
    const signer = anvilAccount(0).connect(provider);
    await expect(deployReadingLog(signer, { timeoutMs: 200 })).rejects.toMatchObject(failure);
    await expect(connectChain(hanging.url, { timeoutMs: 200 })).rejects.toMatchObject(failure);
    provider.destroy();
    await hanging.stop();
  });

  it('says which transaction is still pending when nothing is mined in time', async () => {
    const slow = await startAnvil({ blockTime: 3_600 });
    const provider = await connectChain(slow.url);
    const signer = anvilAccount(0).connect(provider);
    const failure = {
      code: 'transaction-pending',
      message: expect.stringMatching(/0x[0-9a-f]{64} was sent/),
    };
    await expect(deployReadingLog(signer, { timeoutMs: 1_000 })).rejects.toMatchObject(failure);
    provider.destroy();
    await slow.stop();
  });

  it.each(['null', '{}', '{"result":7}', '{"result":"0x"}', '<html>'])(
    'takes %s for no chain',
    async (body) => {
      const server = createServer((_, response) => response.end(body)).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await expect(connectChain(url)).rejects.toMatchObject({ code: 'chain-unreachable' });
      await new Promise((resolve) => server.close(resolve));
    },
  );

  it('is misused without a provider, or with a key hash that is none', async () => {
    await expect(deployReadingLog(anvilAccount(0))).rejects.toThrow(TypeError);
    const terms = { operator: signer.address, logKeyHash: '0x1234' };
    await expect(openLog(signer, signer.address, terms)).rejects.toThrow(TypeError);
  });
});
