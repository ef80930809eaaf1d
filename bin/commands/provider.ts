import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pino from 'pino';
import {
  type ChainChecker,
  Inbox,
  initProvider,
  loadProviderConfig,
  openInboxDatabase,
  readInbox,
  runProvider,
} from '../../provider/index.ts';
import { RpcChainChecker, readLogContract } from '../chain-checker.ts';
import { argument, type Command, EXIT, optionalText, text, UsageError, type Values, whole } from '../cli.ts';

/** As the gateway's configuration takes it. */
const PROVIDER_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
const CONFIG = {
  type: 'string',
  value: 'FILE',
  description: 'the provider’s configuration',
  default: 'provider.json',
} as const;

const providerInit: Command = {
  name: 'provider init',
  summary: 'Make a directory with a key and a configuration for a care provider’s inbox',
  positionals: 'DIR',
  options: {
    id: { type: 'string', value: 'ID', description: 'the provider’s id at the gateway', required: true },
    gateway: {
      type: 'string',
      value: 'FILE',
      description: 'gateway-public.json of the gateway',
      required: true,
    },
    port: {
      type: 'string',
      value: 'N',
      description: 'port of the inbox; 0 picks a free one',
      default: '8490',
    },
  },
  help: 'Prints the line for the providers section of the gateway’s configuration.',
  async run(values, positionals, io) {
    const directory = resolve(argument(positionals));
    if (existsSync(join(directory, 'provider.json')))
      throw new UsageError(`${directory} holds a provider already; nothing was changed`);
    const file = text(values, 'gateway');
    let gateway: { origin?: string; logKey?: string; webhookKey?: string };
    try {
      gateway = JSON.parse(readFileSync(file, 'utf8')) as typeof gateway;
    } catch (error) {
      throw new UsageError(`--gateway: cannot read ${file}: ${(error as Error).message}`);
    }
    const { origin, logKey, webhookKey } = gateway;
    if (origin === undefined || logKey === undefined || webhookKey === undefined) {
      throw new UsageError(
        `--gateway: ${file} lacks origin, logKey or webhookKey; vitalseal init makes such a file`,
      );
    }
    const [id, port] = [text(values, 'id'), whole(values, 'port', 0, 65_535)];
    if (!PROVIDER_ID.test(id))
      throw new UsageError(
        '--id may hold letters, digits and ._:- (at most 64), beginning with a letter or digit',
      );
    const made = initProvider(directory, { provider: id, port, origin, logKey, webhookKeys: [webhookKey] });
    io.out(JSON.stringify({ id, url: `http://127.0.0.1:${port}/deliveries`, sealingKey: made.sealingKey }));
    return EXIT.ok;
  },
};

const providerServe: Command = {
  name: 'provider serve',
  summary: 'Run a care provider’s inbox: receive, open, check, store',
  options: {
    config: CONFIG,
    rpc: {
      type: 'string',
      value: 'URL',
      description: 'an RPC endpoint of the clinic’s own choice, to look every anchor up',
    },
    gateway: {
      type: 'string',
      value: 'FILE',
      description: 'gateway-public.json: in which contract and log; needed with --rpc',
    },
    confirmations: {
      type: 'string',
      value: 'N',
      description: 'blocks that make a block final where the chain has no tag for it',
      default: '12',
    },
  },
  help: `
Writes one JSON line to standard output when it is ready ({"ready":true,"http":PORT,"url":URL}; the gateway posts to the URL) and its
log to standard error. Checks every signature and every proof itself. With --rpc it also looks each anchor up on the chain: a proof is then "anchored"
instead of "included", or "contradicted".`,
  async run(values, _positionals, io) {
    const code = await runProvider(text(values, 'config'), {
      ...chainOf(values),
      logger: pino({ base: null }, pino.destination(2)),
      writeLine: (line) => io.out(line),
      writeError: (line) => io.err(line),
      stopped: io.stopped,
    });
    return code === 1 ? EXIT.unavailable : code;
  },
};

function chainOf(values: Values): { chain?: ChainChecker } {
  const rpcUrl = optionalText(values, 'rpc');
  if (rpcUrl === undefined) return {};
  const confirmations = whole(values, 'confirmations', 1, 100_000);
  return { chain: new RpcChainChecker(readLogContract(text(values, 'gateway')), { rpcUrl, confirmations }) };
}

const providerList: Command = {
  name: 'provider list',
  summary: 'List the readings in an inbox, each with what is proven about it',
  options: {
    config: CONFIG,
    after: {
      type: 'string',
      value: 'POSITION',
      description: 'only entries after this position (the field position of the last one read)',
    },
    limit: { type: 'string', value: 'N', description: 'at most so many', default: '100' },
  },
  help: 'Prints one JSON object a line.',
  async run(values, _positionals, io) {
    const config = loadProviderConfig(text(values, 'config'));
    const db = openInboxDatabase(config.dataDir);
    try {
      const after =
        values['after'] === undefined ? {} : { after: whole(values, 'after', 0, Number.MAX_SAFE_INTEGER) };
      const limit = whole(values, 'limit', 1, 100_000);
      for (const item of readInbox(new Inbox(db), { ...after, limit })) io.out(JSON.stringify(item, plain));
      return EXIT.ok;
    } finally {
      db.close();
    }
  },
};

/** Bytes as hex and big integers as text, for JSON. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return typeof value === 'bigint' ? value.toString() : value;
}

export const providerCommands: readonly Command[] = [providerInit, providerServe, providerList];
