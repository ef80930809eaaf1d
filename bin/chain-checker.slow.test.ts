import { Contract, getBytes, type JsonRpcProvider } from 'ethers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Anvil,
  anvilAccount,
  connectChain,
  deployReadingLog,
  openLog,
  READING_LOG_ABI,
  startAnvil,
} from '../contracts/index.ts';
import type { Anchor } from '../src/receipt/anchor.ts';
import { RpcChainChecker } from './chain-checker.ts';

let anvil: Anvil;
let provider: JsonRpcProvider;
let anchor: Anchor;
let checker: RpcChainChecker;

beforeAll(async () => {
  anvil = await startAnvil({ slotsInAnEpoch: 1 });
  provider = await connectChain(anvil.url);
  const wallet = anvilAccount(0).connect(provider);
  const { address } = await deployReadingLog(wallet);
  const { logId } = await openLog(wallet, address, {
    operator: wallet.address,
    logKeyHash: new Uint8Array(32).fill(1),
  });
  const root = new Uint8Array(32).fill(7);
  const receipt = await (
    await new Contract(address, READING_LOG_ABI, wallet).getFunction('anchor').send(logId, 5, root, [])
  ).wait();
  const block = await provider.getBlock(receipt?.blockNumber ?? 0);
  if (receipt === null || block?.hash == null) throw new Error('not mined');
  anchor = {
    chainId: 31337n,
    contract: getBytes(address),
    logId: getBytes(logId),
    size: 5,
    root,
    transactionHash: getBytes(receipt.hash),
    blockNumber: BigInt(block.number),
    blockHash: getBytes(block.hash),
    blockTime: block.timestamp,
  };
  const expected = { chainId: 31337n, address: anchor.contract, logId: anchor.logId };
  checker = new RpcChainChecker(expected, { rpcUrl: anvil.url, confirmations: 1 });
});

afterAll(async () => {
  provider.destroy();
  await anvil.stop();
});

test('an anchor is settled once its block is final, and not before', async () => {
  expect(await checker.checkAnchor(anchor)).toBe('unknown');
  await provider.send('anvil_mine', ['0x8']);
  expect(await checker.checkAnchor(anchor)).toBe('anchored');
});

test('an anchor that says anything else than the chain is contradicted', async () => {
  const other = new Uint8Array(32).fill(9);
  const changes: Partial<Anchor>[] = [
    { chainId: 1n },
    { contract: new Uint8Array(20) },
    { logId: other },
    { root: other },
    { transactionHash: other },
    { blockHash: other },
    { blockTime: anchor.blockTime - 1 },
    { blockNumber: anchor.blockNumber - 1n },
    { size: 6 },
  ];
  for (const change of changes)
    expect(await checker.checkAnchor({ ...anchor, ...change })).toBe('contradicted');
});

test('an endpoint that is away settles nothing', async () => {
  const expected = { chainId: 31337n, address: anchor.contract, logId: anchor.logId };
  const away = new RpcChainChecker(expected, { rpcUrl: 'http://127.0.0.1:1', confirmations: 1 });
  await expect(away.checkAnchor(anchor)).rejects.toThrow('the node at http://127.0.0.1:1 could not be asked');
});
