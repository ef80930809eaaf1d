import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isAddress, type Wallet } from 'ethers';
import {
  changeRole,
  connectChain,
  deployReadingLog,
  type LogLocation,
  openLog,
} from '../../contracts/index.ts';
import { loadConfig } from '../../gateway/config.ts';
import { readSigner } from '../../gateway/secrets.ts';
import { thumbprint } from '../../src/cose/key.ts';
import { type Command, EXIT, type Io, optionalText, text, UsageError } from '../cli.ts';
import { assertAddress, assertRpcUrl, PASSWORD_OPTION, unlockKeystore } from '../keystore.ts';
import { CONFIG_OPTION } from '../store-access.ts';

export const contractDeploy: Command = {
  name: 'contract deploy',
  summary: 'Deploy the ReadingLog contract and open this gateway’s log in it',
  options: {
    config: CONFIG_OPTION,
    rpc: { type: 'string', value: 'URL', description: 'JSON-RPC endpoint of the chain', required: true },
    contract: {
      type: 'string',
      value: 'ADDRESS',
      description: 'use this deployed ReadingLog and only open the log',
    },
    keystore: {
      type: 'string',
      value: 'FILE',
      description: 'encrypted keystore that pays, owns the log, and operates it unless --signer is given',
      default: 'keystore.json',
    },
    password: PASSWORD_OPTION,
    owner: {
      type: 'string',
      value: 'ADDRESS',
      description: 'account kept elsewhere that is proposed as the owner, and has to accept',
    },
    signer: {
      type: 'string',
      value: 'URL',
      description: 'external signer that operates the log, with --operator',
    },
    operator: {
      type: 'string',
      value: 'ADDRESS',
      description: 'account of the external signer',
    },
    'free-gas': {
      type: 'boolean',
      description: 'offer nothing for gas, now and for anchors: a permissioned chain',
    },
  },
  help: `
Writes the chain section of the configuration: chain id, contract, log id, keystore or signer. File names are relative to the
configuration. The contract has no owner and cannot be changed; one serves any number of gateways.

Each log has an owner, who appoints its operator: at first the account of the keystore. Whoever steals that from the gateway would
own the log for good, so name with --owner an account that is kept elsewhere. It becomes the owner when it accepts
(vitalseal contract accept-owner); the output says how.`,
  async run(values, _positionals, io) {
    const file = text(values, 'config');
    const base = dirname(resolve(file));
    const config = loadConfig(file, {});
    if (config.chain !== undefined)
      throw new UsageError(`${file} has a chain section already; nothing was changed`);
    const rpcUrl = assertRpcUrl(text(values, 'rpc'));
    const known = optionalText(values, 'contract');
    if (known !== undefined) assertAddress('--contract', known);
    const owner = optionalText(values, 'owner');
    if (owner !== undefined) assertAddress('--owner', owner);
    const signer = readSignerOptions(optionalText(values, 'signer'), optionalText(values, 'operator'));
    const [keystore, password] = [text(values, 'keystore'), text(values, 'password')];
    const freeGas = values['free-gas'] === true;
    const provider = await connectChain(rpcUrl, { freeGas });
    try {
      const wallet = (await unlockKeystore(resolve(base, keystore), resolve(base, password))).connect(
        provider,
      );
      const operator = signer?.address ?? wallet.address;
      assertApart(owner, wallet.address, operator);
      const chainId = Number((await provider.getNetwork()).chainId);
      const deployed = known === undefined ? await deployReadingLog(wallet) : undefined;
      const address = known ?? deployed?.address ?? '';
      if (deployed !== undefined)
        io.out(`deployed ReadingLog at ${address} on chain ${chainId} for ${deployed.gasUsed} gas`);
      const logKey = readSigner(config.keys.logKeyFile, 'keys.logKeyFile').publicKey;
      const opened = await openLog(wallet, address, {
        operator,
        logKeyHash: thumbprint(logKey),
      });
      io.out(`opened log ${opened.logId} for ${opened.gasUsed} gas`);
      const chain = {
        rpcUrls: [rpcUrl],
        chainId,
        contract: address,
        logId: opened.logId,
        ...(freeGas && { maxFeeGwei: 0 }),
        ...(signer === undefined ? { keystoreFile: keystore, passwordFile: password } : { signer }),
      };
      amend(file, { chain });
      amend(join(base, 'gateway-public.json'), { chainId, contract: address, logId: opened.logId });
      const location = { contract: address, logId: opened.logId };
      // After the files are written: a proposal that fails can be made again by itself.
      if (owner === undefined) tellOwner(wallet.address, operator, io);
      else await proposeOwner(wallet, location, owner, io);
      return EXIT.ok;
    } finally {
      provider.destroy();
    }
  },
};

/** An owner that the gateway's own machine can sign for protects nothing. */
function assertApart(owner: string | undefined, opener: string, operator: string): void {
  for (const account of [opener, operator])
    if (owner?.toLowerCase() === account.toLowerCase())
      throw new UsageError(
        `--owner must be an account that the gateway cannot sign for, and ${account} is its own; nothing was sent`,
      );
}

function tellOwner(owner: string, operator: string, io: Io): void {
  if (owner.toLowerCase() === operator.toLowerCase()) {
    io.out(`owner and operator of the log are one account, ${owner}`);
    io.out(
      'whoever steals its keystore from the gateway owns the log for good, and nobody can take that back;',
    );
  } else {
    io.out(`owner of the log is ${owner}, operator ${operator}`);
    io.out('keep the owner’s keystore off the gateway: it is needed again only to appoint another operator;');
  }
  io.out('vitalseal contract propose-owner hands the log to an account that is kept elsewhere');
}

async function proposeOwner(wallet: Wallet, log: LogLocation, owner: string, io: Io): Promise<void> {
  await changeRole(wallet, log, { kind: 'proposeOwner', account: owner });
  io.out(
    `proposed ${owner} as the owner; until it accepts, ${wallet.address} is the owner. With its keystore, run:`,
  );
  io.out(
    '  vitalseal contract accept-owner --gateway gateway-public.json --rpc URL --keystore FILE --password FILE',
  );
}

function readSignerOptions(url?: string, address?: string): { url: string; address: string } | undefined {
  if (url === undefined && address === undefined) return undefined;
  if (url === undefined || !/^https?:\/\//.test(url))
    throw new UsageError('--signer must be a URL such as http://127.0.0.1:9000; --operator needs it');
  if (address === undefined || !isAddress(address))
    throw new UsageError('--operator must be an address, 0x and 40 hex digits; --signer needs it');
  return { url, address };
}

/** Adds fields to a JSON file, in one step: a crash leaves the old or the new file. */
function amend(file: string, fields: object): void {
  const content = { ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...fields };
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
