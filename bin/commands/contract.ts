import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isAddress, Wallet } from 'ethers';
import { connectChain, deployReadingLog, openLog } from '../../contracts/index.ts';
import { loadConfig } from '../../gateway/config.ts';
import { readSigner } from '../../gateway/secrets.ts';
import { thumbprint } from '../../src/cose/key.ts';
import { type Command, EXIT, optionalText, text, UsageError } from '../cli.ts';
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
    password: {
      type: 'string',
      value: 'FILE',
      description: 'file with its password',
      default: 'keystore-password',
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
configuration. The contract has no owner and cannot be changed; one serves any number of gateways.`,
  async run(values, _positionals, io) {
    const file = text(values, 'config');
    const base = dirname(resolve(file));
    const config = loadConfig(file, {});
    if (config.chain !== undefined)
      throw new UsageError(`${file} has a chain section already; nothing was changed`);
    const rpcUrl = text(values, 'rpc');
    if (!/^https?:\/\//.test(rpcUrl))
      throw new UsageError(
        `--rpc must be a URL such as http://127.0.0.1:8545, not ${JSON.stringify(rpcUrl)}`,
      );
    const known = optionalText(values, 'contract');
    if (known !== undefined && !isAddress(known))
      throw new UsageError(
        `--contract must be an address, 0x and 40 hex digits, not ${JSON.stringify(known)}`,
      );
    const signer = readSignerOptions(optionalText(values, 'signer'), optionalText(values, 'operator'));
    const [keystore, password] = [text(values, 'keystore'), text(values, 'password')];
    const freeGas = values['free-gas'] === true;
    const provider = await connectChain(rpcUrl, { freeGas });
    try {
      const wallet = (await unlock(resolve(base, keystore), resolve(base, password))).connect(provider);
      const chainId = Number((await provider.getNetwork()).chainId);
      const deployed = known === undefined ? await deployReadingLog(wallet) : undefined;
      const address = known ?? deployed?.address ?? '';
      if (deployed !== undefined)
        io.out(`deployed ReadingLog at ${address} on chain ${chainId} for ${deployed.gasUsed} gas`);
      const logKey = readSigner(config.keys.logKeyFile, 'keys.logKeyFile').publicKey;
      const opened = await openLog(wallet, address, {
        operator: signer?.address ?? wallet.address,
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
      return EXIT.ok;
    } finally {
      provider.destroy();
    }
  },
};

function readSignerOptions(url?: string, address?: string): { url: string; address: string } | undefined {
  if (url === undefined && address === undefined) return undefined;
  if (url === undefined || !/^https?:\/\//.test(url))
    throw new UsageError('--signer must be a URL such as http://127.0.0.1:9000; --operator needs it');
  if (address === undefined || !isAddress(address))
    throw new UsageError('--operator must be an address, 0x and 40 hex digits; --signer needs it');
  return { url, address };
}

async function unlock(keystoreFile: string, passwordFile: string): Promise<Wallet> {
  const keystore = readNamed(keystoreFile, '--keystore');
  const password = readNamed(passwordFile, '--password').trim();
  try {
    return new Wallet((await Wallet.fromEncryptedJson(keystore, password)).privateKey);
  } catch {
    // The reason may quote what is in the files.
    throw new UsageError(`${keystoreFile} does not open with the password in ${passwordFile}`);
  }
}

function readNamed(file: string, option: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `${option}: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? 'unreadable'}); names are relative to the configuration`,
    );
  }
}

/** Adds fields to a JSON file, in one step: a crash leaves the old or the new file. */
function amend(file: string, fields: object): void {
  const content = { ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...fields };
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
