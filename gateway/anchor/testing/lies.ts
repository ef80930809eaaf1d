/** What a node may say that is not so. Each call makes a liar of its own; two proxies with one liar lie alike. */
import { setTimeout as delay } from 'node:timers/promises';
import { Interface, Transaction } from 'ethers';
import { READING_LOG_ABI } from '../../../contracts/index.ts';
import { type Hand, type Odd, on } from '../../../contracts/testing/node-proxy.ts';

/** Where an OP Stack chain says what data costs. */
const GAS_PRICE_ORACLE = '0x420000000000000000000000000000000000000F';
const ABI = new Interface(READING_LOG_ABI);
const HEAD = ABI.getFunction('head')?.selector ?? '';
const LOG_OF = ABI.getFunction('logOf')?.selector ?? '';
const OTHER_HASH = `0x${'ab'.repeat(32)}`;
const SILENCE: Odd = { odd: 'silence' };

type Fields = Readonly<Record<string, unknown>>;

/** Changes blocks, whichever way they were asked for. */
function blocks(change: (block: Fields, tag: unknown) => unknown): Hand {
  return on('eth_getBlockByNumber', async ({ params }, truth) => {
    const block = (await truth()) as Fields | null;
    return block === null ? null : change(block, params[0]);
  });
}

/** Changes what a view of the contract says. */
function view(selector: string, change: (result: string) => string): Hand {
  return on('eth_call', async ({ params: [call] }, truth) => {
    const result = String(await truth());
    return (call as { data: string }).data.startsWith(selector) ? change(result) : result;
  });
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
const plus = (quantity: unknown, more: bigint): string => hex(BigInt(String(quantity)) + more);
const head = (size: number, root: string): string => ABI.encodeFunctionResult('head', [size, root]);

/** Takes transactions without handing them on, and vouches for each with a receipt in a real block. */
function inventReceipts(): Hand {
  const taken = new Map<string, Transaction>();
  return async ({ method, params }, truth) => {
    if (method === 'eth_sendRawTransaction') {
      const sent = Transaction.from(String(params[0]));
      taken.set(String(sent.hash), sent);
      return sent.hash;
    }
    const sent = taken.get(String(params[0]));
    if (sent === undefined) return truth();
    if (method !== 'eth_getTransactionReceipt') return { hash: sent.hash };
    return receiptOf(
      sent,
      (await truth({ method: 'eth_getBlockByNumber', params: ['0x1', false] })) as Fields,
    );
  };
}

function receiptOf(sent: Transaction, block: Fields): Fields {
  const [logId, size, root] = ABI.decodeFunctionData('anchor', sent.data);
  const { topics, data } = ABI.encodeEventLog('Anchored', [logId, size, root]);
  return {
    transactionHash: sent.hash,
    blockNumber: block['number'],
    blockHash: block['hash'],
    gasUsed: '0x13880',
    status: '0x1',
    logs: [{ address: sent.to, topics, data }],
  };
}

/** Says for ever what it said first: blocks that came since, it does not have. */
function frozen(): Hand {
  const said = new Map<string, unknown>();
  let newest: bigint | undefined;
  return async ({ method, params }, truth) => {
    if (method === 'eth_sendRawTransaction') return truth();
    const key = JSON.stringify([method, params]);
    if (!said.has(key)) said.set(key, await truth());
    if (method === 'eth_getBlockByNumber' && params[0] === 'latest')
      newest ??= BigInt((said.get(key) as { number: string }).number);
    const isLater =
      /^0x/.test(String(params[0])) && newest !== undefined && BigInt(String(params[0])) > newest;
    return method === 'eth_getBlockByNumber' && isLater ? null : said.get(key);
  };
}

/** Takes transactions and drops them, but says that it knows them. */
function dropTransactions(): Hand {
  return ({ method, params }, truth) => {
    if (method === 'eth_sendRawTransaction') return Transaction.from(String(params[0])).hash;
    return method === 'eth_getTransactionByHash' ? { hash: params[0] } : truth();
  };
}

/** Claims to be far ahead, and keeps silent about every block by its height. */
function aheadAndSilent(): Hand {
  const claim = blocks((block) => ({ ...block, number: plus(block['number'], 1_000n) }));
  return (call, truth) => {
    const byHeight = call.method === 'eth_getBlockByNumber' && /^0x/.test(String(call.params[0]));
    return byHeight ? SILENCE : claim(call, truth);
  };
}

const refuseAll: Hand = ({ method }, truth) =>
  method === 'eth_sendRawTransaction' || method === 'eth_estimateGas'
    ? { odd: 'refusal', code: -32000, message: 'replacement transaction underpriced' }
    : truth();

/** Honest, but so many blocks behind the others, as a node on a slow line is. */
export function behind(by: bigint): Hand {
  return async ({ method, params }, truth) => {
    const tip = (tag: string): Promise<unknown> =>
      truth({ method: 'eth_getBlockByNumber', params: [tag, false] });
    const heightOf = async (tag: string): Promise<bigint> =>
      BigInt(((await tip(tag)) as { number: string }).number) - by;
    if (method === 'eth_getTransactionReceipt') {
      const receipt = (await truth()) as Fields | null;
      return receipt && BigInt(String(receipt['blockNumber'])) <= (await heightOf('latest')) ? receipt : null;
    }
    if (method === 'eth_getBlockByNumber' && /^0x/.test(String(params[0])))
      return BigInt(String(params[0])) <= (await heightOf('latest')) ? truth() : null;
    const seen = params.map(async (value) =>
      value === 'latest' || value === 'finalized' ? hex(await heightOf(value)) : value,
    );
    return truth({ method, params: await Promise.all(seen) });
  };
}

/** Lies about what is, by their name. Said by two of three nodes alike, some of them are believed. */
export const LIES: Readonly<Record<string, () => Hand>> = {
  'another chain id': () => on('eth_chainId', () => '0x5'),
  'no contract': () => on('eth_getCode', () => '0x'),
  'another operator': () =>
    view(LOG_OF, (result) => {
      const log = ABI.decodeFunctionResult('logOf', result).toObject();
      return ABI.encodeFunctionResult('logOf', Object.values({ ...log, operator: `0x${'11'.repeat(20)}` }));
    }),
  'other block hashes': () => blocks((block) => ({ ...block, hash: OTHER_HASH })),
  'the newest block as final': () =>
    on('eth_getBlockByNumber', ({ method, params }, truth) =>
      truth({ method, params: [params[0] === 'finalized' ? 'latest' : params[0], false] }),
    ),
  'a final block that nobody has': () =>
    blocks((block, tag) =>
      tag === 'finalized' ? { ...block, number: plus(block['number'], 1_000_000n), hash: OTHER_HASH } : block,
    ),
  'block 0 as final': () =>
    on('eth_getBlockByNumber', ({ method, params }, truth) =>
      truth({ method, params: [params[0] === 'finalized' ? '0x0' : params[0], false] }),
    ),
  'a height that nobody has, and silence about it': aheadAndSilent,
  'invented receipts': inventReceipts,
  'no receipts': () => on('eth_getTransactionReceipt', () => null),
  'reverted receipts': () =>
    on('eth_getTransactionReceipt', async (_call, truth) => {
      const receipt = (await truth()) as Fields | null;
      return receipt && { ...receipt, status: '0x0', logs: [] };
    }),
  'a contract that holds more': () => view(HEAD, () => head(1_000_000, OTHER_HASH)),
  'a contract that holds nothing': () => view(HEAD, () => head(0, `0x${'00'.repeat(32)}`)),
  'a nonce too high': () => on('eth_getTransactionCount', () => hex(1_000)),
  'a nonce too low': () => on('eth_getTransactionCount', () => hex(0)),
  'an empty account': () => on('eth_getBalance', () => hex(0)),
  'a huge base fee': () => blocks((block) => ({ ...block, baseFeePerGas: hex(10n ** 13n) })),
  'a huge tip': () => on('eth_maxPriorityFeePerGas', () => hex(10n ** 11n)),
  'no tip': () => on('eth_maxPriorityFeePerGas', () => hex(0)),
  'a huge data fee': () =>
    on('eth_call', ({ params: [call] }, truth) =>
      (call as { to: string }).to === GAS_PRICE_ORACLE ? `0x${'ff'.repeat(32)}` : truth(),
    ),
  'too little gas': () => on('eth_estimateGas', () => hex(21_000)),
  'too much gas': () => on('eth_estimateGas', () => hex(9_999_999)),
  'transactions dropped': dropTransactions,
  'transactions refused': () => refuseAll,
};

/** What a node may do instead of answering. */
export const TROUBLES: Readonly<Record<string, () => Hand>> = {
  'a web page': () => () => ({ odd: 'bytes', bytes: '<html>' }),
  'something of no sense': () => () => ['?', { '': -1 }],
  'half an answer': () => () => ({ odd: 'bytes', bytes: '{"jsonrpc": "2.0", "res', cut: true }),
  'no answer': () => () => SILENCE,
  'a late answer': () => async (_call, truth) => {
    await delay(250);
    return truth();
  },
  'a wish to be left alone': () => () => ({ odd: 'status', status: 429, headers: { 'retry-after': '3600' } }),
  'a limit': () => () => ({ odd: 'refusal', code: -32005, message: 'limit exceeded' }),
  'what it said long ago': frozen,
};
