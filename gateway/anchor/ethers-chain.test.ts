import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Interface } from 'ethers';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { anvilAccount } from '../../contracts/anvil.ts';
import { READING_LOG_ABI } from '../../contracts/index.ts';
import { GatewayError } from '../errors.ts';
import { EthersChain, type FinalityRule } from './ethers-chain.ts';

const TARGET = { chainId: 31337n, contract: new Uint8Array(20).fill(1), logId: new Uint8Array(32).fill(2) };
const CALL = { size: 9, root: new Uint8Array(32).fill(3), consistencyProof: [new Uint8Array(32).fill(4)] };
const FEE = { type: 'eip1559', maxFeePerGas: 7n, maxPriorityFeePerGas: 1n } as const;
const SIGNER = anvilAccount(0);

/** What the scripted node answers to a method: the `result`, or an error. */
type Script = (method: string, params: readonly unknown[]) => unknown;
class Refusal {
  readonly error: { code: number; message: string; data?: unknown };
  constructor(message: string, data?: unknown) {
    this.error = { code: -32000, message, data };
  }
}

const servers: Server[] = [];
const chains: EthersChain[] = [];

async function connect(
  script: Script,
  finality: FinalityRule = { by: 'auto', confirmations: 3 },
): Promise<EthersChain> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const { id, method, params } = JSON.parse(body);
      const answer = script(method, params);
      response.end(
        JSON.stringify({ id, ...(answer instanceof Refusal ? { error: answer.error } : { result: answer }) }),
      );
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const rpcUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const chain = new EthersChain({ rpcUrl, target: TARGET, signer: SIGNER, finality, timeoutMs: 5_000 });
  chains.push(chain);
  return chain;
}

afterEach(() => {
  for (const chain of chains.splice(0)) chain.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const block = (number: number): object => ({
  number: `0x${number.toString(16)}`,
  hash: `0x${number.toString(16).padStart(64, '0')}`,
  timestamp: '0x1',
  baseFeePerGas: '0x1',
});

/** A chain of 100 blocks whose `finalized` tag is what the test says. */
const blocks =
  (finalized: () => unknown): Script =>
  (_method, [tag]) =>
    tag === 'finalized' ? finalized() : block(tag === 'latest' ? 100 : Number(tag));

async function code(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GatewayError);
  return (error as GatewayError).code;
}

describe('which block is final', () => {
  const number = async (chain: EthersChain): Promise<bigint> => (await chain.finalBlock()).number;

  test('the tag where there is one', async () => {
    for (const by of ['auto', 'finalized'] as const) {
      expect(
        await number(
          await connect(
            blocks(() => block(60)),
            { by, confirmations: 3 },
          ),
        ),
      ).toBe(60n);
    }
  });

  test('confirmations where they are asked for, its own block included', async () => {
    const script = blocks(() => block(60));
    expect(await number(await connect(script, { by: 'confirmations', confirmations: 3 }))).toBe(98n);
    expect(await number(await connect(script, { by: 'confirmations', confirmations: 1 }))).toBe(100n);
    expect(await number(await connect(script, { by: 'confirmations', confirmations: 1_000 }))).toBe(0n);
  });

  test.each([
    ['null', null],
    ['a refusal', new Refusal('unknown block tag')],
  ])('auto takes confirmations when the tag gives %s', async (_name, answer) => {
    expect(await number(await connect(blocks(() => answer)))).toBe(98n);
    const strict = await connect(
      blocks(() => answer),
      { by: 'finalized', confirmations: 3 },
    );
    expect(await code(strict.finalBlock())).toBe('chain-unreachable');
  });

  test.each([
    ['null', null],
    ['a refusal', new Refusal('unknown block tag')],
  ])('once the tag was answered, %s never brings confirmations back', async (_name, answer) => {
    let finalized: unknown = block(60);
    const chain = await connect(blocks(() => finalized));
    expect(await number(chain)).toBe(60n);
    finalized = answer;
    for (let i = 0; i < 3; i++) expect(await code(chain.finalBlock())).toBe('chain-unreachable');
    finalized = block(61);
    expect(await number(chain)).toBe(61n);
  });

  test('garbage under the tag is no answer, not a chain without the tag', async () => {
    expect(await code((await connect(blocks(() => ({ number: 'x' })))).finalBlock())).toBe(
      'chain-unreachable',
    );
  });

  test('fewer than one confirmation is a mistake of the caller', async () => {
    await expect(connect(() => null, { by: 'auto', confirmations: 0 })).rejects.toThrow(RangeError);
  });
});

describe('transactions', () => {
  test('are signed for the configured chain whatever the node says, with the hash known before they are sent', async () => {
    const sent: unknown[] = [];
    const chain = await connect((method, params) => {
      sent.push([method, params]);
      return '0x';
    });
    const { hash, raw } = await chain.sign(CALL, 5, 100_000n, FEE);
    expect(sent).toEqual([]);
    expect(hash).toHaveLength(32);
    expect(await chain.send(raw)).toEqual({ kind: 'accepted' });
    expect(sent).toEqual([['eth_sendRawTransaction', [`0x${Buffer.from(raw).toString('hex')}`]]]);
    expect(await chain.sign(CALL, 5, 100_000n, FEE)).toEqual({ hash, raw });
  });

  test('a node that wants absurd gas is refused', async () => {
    const chain = await connect(() => '0xffffffff');
    await expect(chain.estimateGas(CALL)).rejects.toThrow('the node asks for 4294967295 gas for one anchor');
  });

  test('a revert is named by the error of the contract', async () => {
    const abi = new Interface(READING_LOG_ABI);
    const data = abi.encodeErrorResult('SizeNotGrowing', [TARGET.logId, 9, 9]);
    const chain = await connect(() => new Refusal('execution reverted', data));
    await expect(chain.estimateGas(CALL)).rejects.toThrow(
      'the contract would refuse the checkpoint: SizeNotGrowing',
    );
  });

  test('a node without advice on the tip leaves it to us', async () => {
    expect(await (await connect(() => new Refusal('method not found'))).suggestedTip()).toBe(1_000_000_000n);
  });
});

test('any answer to any question is used or counts as none; nothing of a node gets through as another error', async () => {
  let answer: unknown;
  const chain = await connect(() => answer);
  const questions: (() => Promise<unknown>)[] = [
    () => chain.identity(),
    () => chain.newestBlock(),
    () => chain.finalBlock(),
    () => chain.head(),
    () => chain.account(),
    () => chain.suggestedTip(),
    () => chain.gasPrice(),
    () => chain.estimateGas(CALL),
    () => chain.knows(CALL.root),
    () => chain.inclusion(CALL.root),
    () => chain.send(CALL.root),
  ];
  const hex = fc.stringMatching(/^0x[0-9a-f]{0,200}$/);
  const hostile = fc.oneof(
    hex,
    fc.jsonValue(),
    fc.string().map((text) => new Refusal(text)),
    hex.map((data) => new Refusal('no', data)),
  );
  await fc.assert(
    fc.asyncProperty(hostile, fc.constantFrom(...questions), async (value, ask) => {
      answer = value;
      const error = await ask().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error !== undefined) expect(error).toBeInstanceOf(GatewayError);
    }),
    { numRuns: 500 },
  );
});
