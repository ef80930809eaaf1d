import { FeeData, FetchRequest, JsonRpcProvider } from 'ethers';
import { ChainError } from './errors.ts';
import { GuardedUrl } from './guarded-url.ts';

/** Long enough for a slow public endpoint, short enough for a person to wait. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** How often a pending transaction is looked for: well under the block time of any public chain. */
const POLLING_INTERVAL_MS = 500;

export interface ChainOptions {
  /** The chain the caller means; another one behind the URL is `chain-mismatch`. */
  readonly chainId?: bigint;
  /** Per request, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** Offer nothing for gas, for permissioned chains that take it: then an account needs no ether. */
  readonly freeGas?: boolean;
}

class FreeGasProvider extends JsonRpcProvider {
  override async getFeeData(): Promise<FeeData> {
    return new FeeData(0n, null, null);
  }
}

/**
 * An ethers provider for an HTTP RPC that has answered with its chain id.
 *
 * ethers itself retries an unreachable URL for ever, to the console; here the first answer is awaited and the
 * network then fixed. Whoever calls this owns the provider and must `destroy()` it.
 *
 * @throws ChainError `chain-unreachable`, `chain-mismatch`.
 */
export async function connectChain(url: string, options: ChainOptions = {}): Promise<JsonRpcProvider> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const chainId = await askChainId(url, timeoutMs);
  if (options.chainId !== undefined && options.chainId !== chainId) {
    throw new ChainError(
      'chain-mismatch',
      `the chain at ${hostOf(url)} has id ${chainId}, not ${options.chainId}: check the RPC URL and the chain id`,
    );
  }
  const { href, headers } = new GuardedUrl(url);
  const request = new FetchRequest(href);
  for (const [name, value] of Object.entries(headers)) request.setHeader(name, value);
  request.timeout = timeoutMs;
  const Provider = options.freeGas === true ? FreeGasProvider : JsonRpcProvider;
  return new Provider(request, chainId, {
    staticNetwork: true,
    pollingInterval: POLLING_INTERVAL_MS,
    cacheTimeout: -1, // a nonce remembered for 250 ms is a nonce used twice
  });
}

async function askChainId(url: string, timeoutMs: number): Promise<bigint> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] });
  try {
    const { href, headers: login } = new GuardedUrl(url);
    const headers = { 'content-type': 'application/json', ...login };
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(href, { method: 'POST', headers, body, signal });
    const { result } = (await response.json()) as { result?: unknown }; // attacker-controlled
    if (typeof result === 'string' && /^0x[0-9a-f]{1,16}$/i.test(result)) return BigInt(result);
  } catch (error) {
    throw unreachable(url, error);
  }
  throw unreachable(url, undefined);
}

function unreachable(url: string, cause: unknown): ChainError {
  return new ChainError(
    'chain-unreachable',
    `no chain answers at ${hostOf(url)}: check that the node runs and that the RPC URL is right`,
    cause,
  );
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the RPC URL, which is not a URL';
}
