import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { HDNodeWallet } from 'ethers';
import { ChainError } from './errors.ts';
import { foundryBinary } from './foundry-binary.ts';

/** Loading a state of some hundred megabytes takes seconds; past this the node hangs rather than loads. */
const START_TIMEOUT_MS = 30_000;
/** Writing the state takes about as long as loading it; after this it is killed, the last interval's state stays. */
const STOP_TIMEOUT_MS = 15_000;

/** The mnemonic of the accounts that anvil funds. Public: it must never hold anything on a real chain. */
const DEV_MNEMONIC = 'test test test test test test test test test test test junk';

export interface AnvilOptions {
  /** TCP port on loopback; 0 (the default) takes a free one. */
  readonly port?: number;
  /** Default 31337. */
  readonly chainId?: number;
  /** The chain is loaded from this file when it exists, and kept there. Without it the chain lives in memory. */
  readonly stateFile?: string;
  /** Seconds between writes of `stateFile`; without it the state is written on `stop` only. */
  readonly stateInterval?: number;
  /** Seconds between blocks; without it each transaction is mined at once. */
  readonly blockTime?: number;
  /** Where `safe` (head - n) and `finalized` (head - 2n) stand. Default 32, as anvil has it. */
  readonly slotsInAnEpoch?: number;
  /**
   * States of past blocks kept in memory. Without it anvil moves all but a few to disk after some hundred blocks, and a reorganisation to one of those loses
   * the code of every contract.
   */
  readonly statesInMemory?: number;
  /** EVM rules, by name; default the newest anvil knows. */
  readonly hardfork?: string;
  /** Wei for each unit of gas that the node asks at least, and advises. 0 makes gas free. */
  readonly gasPrice?: number;
  /** Of the first block, wei for each unit of gas. */
  readonly baseFee?: number;
  /** The rules of another kind of chain. `optimism` charges for data, once there is an L1Block with prices. */
  readonly network?: 'optimism';
}

/**
 * A running node. It ends with this process when that exits, but outlives one ended by a signal it does not handle:
 * who handles SIGTERM calls `stop`.
 */
export interface Anvil {
  readonly url: string;
  readonly port: number;
  /** The node itself, so that a test may SIGKILL or SIGSTOP it. */
  readonly pid: number;
  /** Settles when the node is gone, whoever ended it. */
  readonly exited: Promise<void>;
  /** Ends the node, its state written first. Resolves when it is gone; may be called again. */
  stop(): Promise<void>;
}

/**
 * Starts an anvil and resolves once its RPC answers.
 *
 * @throws ChainError `node-missing` without a binary for this machine; `node-failed` when it exits or stays
 *   silent, with its own last words (a busy port, an unreadable state file).
 */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const child = spawn(foundryBinary('anvil'), anvilArguments(options), { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const killOnExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killOnExit);
  void exited.then(() => process.removeListener('exit', killOnExit));
  try {
    const port = await listeningPort(child);
    const url = `http://127.0.0.1:${port}`;
    await answers(url);
    return { url, port, pid: child.pid ?? -1, exited, stop: () => stop(child, exited) };
  } catch (error) {
    child.kill('SIGKILL');
    await exited;
    throw error;
  }
}

/** The wallet of the `index`-th account that every anvil funds with 10,000 ether. Not connected to a provider. */
export function anvilAccount(index: number): HDNodeWallet {
  return HDNodeWallet.fromPhrase(DEV_MNEMONIC, undefined, `m/44'/60'/0'/0/${index}`);
}

function anvilArguments(options: AnvilOptions): string[] {
  const flags: readonly (readonly [string, string | number | undefined])[] = [
    ['--host', '127.0.0.1'],
    ['--port', options.port ?? 0],
    ['--chain-id', options.chainId],
    ['--state', options.stateFile],
    ['--state-interval', options.stateInterval],
    ['--block-time', options.blockTime],
    ['--slots-in-an-epoch', options.slotsInAnEpoch],
    ['--prune-history', options.statesInMemory],
    ['--hardfork', options.hardfork],
    ['--gas-price', options.gasPrice],
    ['--base-fee', options.baseFee],
    ['--network', options.network],
  ];
  return flags.flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)]));
}

/** Reads the port from the line the node prints when its socket is bound, so that port 0 has no race. */
function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (what: string, cause?: unknown): void => {
      clearTimeout(timer);
      reject(new ChainError('node-failed', `anvil ${what}: ${lastLine(output)}`, cause));
    };
    const timer = setTimeout(() => fail(`was not listening after ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS);
    const onData = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      const match = /Listening on [\d.]+:(\d+)/.exec(output);
      if (match === null) return;
      clearTimeout(timer);
      // From here on the output is thrown away, but still read: a full pipe would stop the node.
      child.stdout?.off('data', onData).resume();
      child.stderr?.off('data', onData).resume();
      resolve(Number(match[1]));
    };
    child.stdout?.on('data', onData);
    child.stderr?.on('data', onData);
    child.once('error', (error) => fail('could not be started', error));
    child.once('close', (code) => fail(`exited with status ${code} before it was listening`));
  });
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}

async function answers(url: string): Promise<void> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] });
  const headers = { 'content-type': 'application/json' };
  try {
    const signal = AbortSignal.timeout(START_TIMEOUT_MS);
    await (await fetch(url, { method: 'POST', headers, body, signal })).json();
  } catch (error) {
    throw new ChainError('node-failed', `anvil is listening on ${url} but its RPC does not answer`, error);
  }
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  const cancel = new AbortController();
  child.kill('SIGCONT'); // a node that a test has SIGSTOPped could not hear the next signal
  child.kill('SIGTERM');
  const overdue = delay(STOP_TIMEOUT_MS, undefined, { signal: cancel.signal }).then(
    () => child.kill('SIGKILL'),
    () => undefined,
  );
  await Promise.race([exited, overdue]);
  cancel.abort();
  await exited;
}
