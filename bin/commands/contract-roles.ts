import { resolve } from 'node:path';
import { getAddress, hexlify, type Provider, ZeroAddress } from 'ethers';
import {
  assertReadingLog,
  ChainError,
  changeRole,
  connectChain,
  type LogLocation,
  type LogState,
  type RoleChange,
  readLogState,
  unsignedRoleChange,
} from '../../contracts/index.ts';
import { readLogContract } from '../chain-checker.ts';
import {
  argument,
  type Command,
  EXIT,
  type ExitCode,
  type Io,
  type Option,
  text,
  type Values,
} from '../cli.ts';
import {
  assertAddress,
  assertRpcUrl,
  FREE_GAS_OPTION,
  makeKeystore,
  PASSWORD_OPTION,
  unlockKeystore,
} from '../keystore.ts';

const LOG_OPTIONS: Readonly<Record<'gateway' | 'rpc', Option>> = {
  gateway: {
    type: 'string',
    value: 'FILE',
    description: 'gateway-public.json: in which contract and log',
    default: 'gateway-public.json',
  },
  rpc: { type: 'string', value: 'URL', description: 'JSON-RPC endpoint of the chain', required: true },
};

function stepOptions(whose: string): Readonly<Record<string, Option>> {
  return {
    gateway: LOG_OPTIONS.gateway,
    rpc: {
      type: 'string',
      value: 'URL',
      description: 'JSON-RPC endpoint of the chain; not needed with --unsigned',
    },
    keystore: {
      type: 'string',
      value: 'FILE',
      description: `encrypted keystore of ${whose}, which pays`,
      default: 'keystore.json',
    },
    password: PASSWORD_OPTION,
    'free-gas': FREE_GAS_OPTION,
    unsigned: {
      type: 'boolean',
      description: 'sign and send nothing; print the transaction for a signer elsewhere, as JSON',
    },
  };
}

const proposeOperator: Command = {
  name: 'contract propose-operator',
  summary: 'As the owner of a log, name the account that shall anchor in it',
  positionals: 'ADDRESS',
  options: stepOptions('the owner'),
  help: `
Nothing changes until that account accepts (vitalseal contract accept-operator); until then the operator of before goes on. The zero
address takes a proposal back.`,
  run: async (values, positionals, io) => step(values, propose('proposeOperator', positionals), io),
};

const acceptOperator: Command = {
  name: 'contract accept-operator',
  summary: 'Take over anchoring, as the account that the owner proposed',
  options: stepOptions('the proposed operator'),
  help: `
From then on this account alone anchors, and the one of before can do nothing more. Put its keystore into chain.keystoreFile and
chain.passwordFile of the gateway, or its signer into chain.signer, and start the gateway again.`,
  run: async (values, _positionals, io) => step(values, { kind: 'acceptOperator' }, io),
};

const proposeOwner: Command = {
  name: 'contract propose-owner',
  summary: 'As the owner of a log, name the account that shall own it',
  positionals: 'ADDRESS',
  options: stepOptions('the owner'),
  help: `
Nothing changes until that account accepts (vitalseal contract accept-owner). Keep its key off the gateway. The zero address takes a
proposal back.`,
  run: async (values, positionals, io) => step(values, propose('proposeOwner', positionals), io),
};

const acceptOwner: Command = {
  name: 'contract accept-owner',
  summary: 'Take over a log, as the account that its owner proposed',
  options: stepOptions('the proposed owner'),
  help: `
From then on this account alone appoints operators and owners, and an operator that the owner of before had proposed is proposed no
more.`,
  run: async (values, _positionals, io) => step(values, { kind: 'acceptOwner' }, io),
};

const show: Command = {
  name: 'contract show',
  summary: 'Show who owns and who operates a log, and its newest anchor, as the chain has it',
  options: { ...LOG_OPTIONS, json: { type: 'boolean', description: 'print JSON instead of text' } },
  help: 'Exit code 1 when what is deployed is not the ReadingLog of this version: then nothing it says can be relied on.',
  async run(values, _positionals, io) {
    const { log, chainId } = locate(values);
    const provider = await connectChain(assertRpcUrl(text(values, 'rpc')), { chainId });
    try {
      const isOurs = await isReadingLog(provider, log.contract);
      const state = isOurs ? await readLogState(provider, log) : undefined;
      const shown = { chainId: Number(chainId), ...log, isReadingLog: isOurs, ...(state && plain(state)) };
      if (values['json'] === true) io.out(JSON.stringify(shown));
      else tell(shown, io);
      return isOurs ? EXIT.ok : EXIT.no;
    } finally {
      provider.destroy();
    }
  },
};

const LABELS: Readonly<Record<string, string>> = {
  chainId: 'chain',
  contract: 'contract',
  logId: 'log',
  isReadingLog: 'its code',
  owner: 'owner',
  operator: 'operator',
  proposedOwner: 'proposed owner',
  proposedOperator: 'proposed operator',
  size: 'newest size',
  root: 'its root',
};

const newAccount: Command = {
  name: 'contract new-account',
  summary: 'Make a new account: an encrypted keystore and a file with its password',
  positionals: 'FILE',
  options: {
    password: { ...PASSWORD_OPTION, description: 'where to write its password' },
  },
  help: `
For an operator to come, or an owner: make that one on the machine where its key shall stay. Prints its address. Nothing that exists is
overwritten.`,
  async run(values, positionals, io) {
    const file = resolve(argument(positionals));
    io.out(await makeKeystore(file, resolve(text(values, 'password'))));
    return EXIT.ok;
  },
};

function propose(kind: 'proposeOperator' | 'proposeOwner', positionals: readonly string[]): RoleChange {
  return { kind, account: assertAddress('ADDRESS', argument(positionals)) };
}

async function step(values: Values, change: RoleChange, io: Io): Promise<ExitCode> {
  const { log, chainId } = locate(values);
  if (values['unsigned'] === true) {
    io.out(JSON.stringify(unsignedRoleChange(log, change, Number(chainId))));
    return EXIT.ok;
  }
  const rpc = assertRpcUrl(text(values, 'rpc'));
  const wallet = await unlockKeystore(text(values, 'keystore'), text(values, 'password'));
  const provider = await connectChain(rpc, { chainId, freeGas: values['free-gas'] === true });
  try {
    const { transactionHash } = await changeRole(wallet.connect(provider), log, change);
    io.out(`done, in transaction ${transactionHash}`);
    tell(plain(await readLogState(provider, log)), io);
    return EXIT.ok;
  } finally {
    provider.destroy();
  }
}

function locate(values: Values): { log: LogLocation; chainId: bigint } {
  const { chainId, address, logId } = readLogContract(text(values, 'gateway'));
  return { log: { contract: getAddress(hexlify(address)), logId: hexlify(logId) }, chainId };
}

async function isReadingLog(provider: Provider, contract: string): Promise<boolean> {
  try {
    await assertReadingLog(provider, contract);
    return true;
  } catch (error) {
    if (error instanceof ChainError && error.code === 'contract-mismatch') return false;
    throw error;
  }
}

/** As JSON holds it; null: nobody is proposed. */
function plain({ size, proposedOwner, proposedOperator, ...state }: LogState): object {
  const [owner, operator] = [proposedOwner, proposedOperator].map((account) =>
    account === ZeroAddress ? null : account,
  );
  return { ...state, proposedOwner: owner, proposedOperator: operator, size: Number(size) };
}

function tell(shown: object, io: Io): void {
  for (const [name, value] of Object.entries(shown))
    io.out(`${(LABELS[name] ?? name).padEnd(19)}${say(value)}`);
}

function say(value: unknown): string {
  if (value === null) return 'nobody';
  if (typeof value !== 'boolean') return String(value);
  return value ? 'ReadingLog, of this version' : 'NOT the ReadingLog of this version';
}

export const contractRoles: readonly Command[] = [
  show,
  newAccount,
  proposeOperator,
  acceptOperator,
  proposeOwner,
  acceptOwner,
];
