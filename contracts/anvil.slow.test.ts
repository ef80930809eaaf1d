import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Anvil, type AnvilOptions, anvilAccount, startAnvil } from './anvil.ts';
import { connectChain } from './connect.ts';

describe('startAnvil', () => {
  let directory: string;
  let running: Anvil[];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'anvil-test-'));
    running = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((anvil) => anvil.stop()));
    rmSync(directory, { recursive: true });
  });

  const start = async (options: AnvilOptions = {}): Promise<Anvil> => {
    const anvil = await startAnvil(options);
    running.push(anvil);
    return anvil;
  };
  const alive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  /** Sends one transaction; gives the height after it. */
  const advance = async (anvil: Anvil): Promise<number> => {
    const provider = await connectChain(anvil.url);
    const wallet = anvilAccount(3).connect(provider);
    const receipt = await (await wallet.sendTransaction({ to: wallet.address, value: 1n })).wait();
    provider.destroy();
    return receipt?.blockNumber ?? -1;
  };

  it('resolves when the chain answers, under the chain id asked for, on a port of its own', async () => {
    const [a, b] = await Promise.all([start({ chainId: 777 }), start()]);
    expect(a.port).not.toBe(b.port);
    const provider = await connectChain(a.url, { chainId: 777n });
    expect(await provider.getBalance(anvilAccount(0))).toBe(10_000n * 10n ** 18n);
    provider.destroy();
  });

  it('stops for good, even while stopped by a signal, and more than once', async () => {
    const anvil = await start();
    process.kill(anvil.pid, 'SIGSTOP');
    await anvil.stop();
    await anvil.stop();
    await anvil.exited;
    expect(alive(anvil.pid)).toBe(false);
  });

  it('goes on from its state file, on the same port', async () => {
    const stateFile = join(directory, 'chain.json');
    const first = await start({ stateFile });
    expect(await advance(first)).toBe(1);
    await first.stop();
    const second = await start({ stateFile, port: first.port });
    expect(second.port).toBe(first.port);
    expect(await advance(second)).toBe(2);
  });

  it('finalises behind the head as told', async () => {
    const anvil = await start({ slotsInAnEpoch: 1 });
    for (let height = 1; height <= 4; height++) await advance(anvil);
    const provider = await connectChain(anvil.url);
    expect((await provider.getBlock('finalized'))?.number).toBe(2);
    provider.destroy();
  });

  it('says why it cannot start: a busy port, an option that anvil does not know', async () => {
    const anvil = await start();
    await expect(startAnvil({ port: anvil.port })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ChainError: anvil exited with status 1 before it was listening: Error: Address already in use (os error 98)]`,
    );
    await expect(startAnvil({ hardfork: 'nonsense' })).rejects.toMatchObject({
      name: 'ChainError',
      code: 'node-failed',
    });
  });
});
