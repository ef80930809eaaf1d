/** Encrypted accounts on the disk: Web3 Secret Storage, with the password in a file of its own. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isAddress, Wallet } from 'ethers';
import { syncFolder } from '../gateway/store/sync-folder.ts';
import { type Option, UsageError } from './cli.ts';

const PASSWORD_BYTES = 32;

export const PASSWORD_OPTION: Option = {
  type: 'string',
  value: 'FILE',
  description: 'file with its password',
  default: 'keystore-password',
};

export const FREE_GAS_OPTION: Option = {
  type: 'boolean',
  description: 'offer nothing for gas: a permissioned chain',
};

/** The account in a keystore. Throws UsageError naming the file, never what is in it. */
export async function unlockKeystore(keystoreFile: string, passwordFile: string): Promise<Wallet> {
  const keystore = readNamed(keystoreFile, '--keystore');
  const password = readNamed(passwordFile, '--password').trim();
  try {
    return new Wallet((await Wallet.fromEncryptedJson(keystore, password)).privateKey);
  } catch {
    // The reason may quote what is in the files.
    throw new UsageError(`${keystoreFile} does not open with the password in ${passwordFile}`);
  }
}

/** Makes a new account, readable by this user alone and on the disk when this returns. Overwrites nothing. Returns its address. */
export async function makeKeystore(keystoreFile: string, passwordFile: string): Promise<string> {
  for (const file of [keystoreFile, passwordFile])
    if (existsSync(file)) throw new UsageError(`${file} exists already; nothing was changed`);
  const password = randomBytes(PASSWORD_BYTES).toString('hex');
  const wallet = Wallet.createRandom();
  const keystore = await wallet.encrypt(password);
  const options = { mode: 0o600, flag: 'wx', flush: true } as const;
  writeFileSync(passwordFile, `${password}\n`, options);
  writeFileSync(keystoreFile, `${keystore}\n`, options);
  for (const folder of new Set([dirname(keystoreFile), dirname(passwordFile)])) syncFolder(folder);
  return wallet.address;
}

/** An address as an argument gives it. */
export function assertAddress(name: string, address: string): string {
  if (isAddress(address)) return address;
  throw new UsageError(`${name} must be an address, 0x and 40 hex digits, not ${JSON.stringify(address)}`);
}

export function assertRpcUrl(url: string): string {
  if (/^https?:\/\//.test(url)) return url;
  throw new UsageError(`--rpc must be a URL such as http://127.0.0.1:8545, not ${JSON.stringify(url)}`);
}

function readNamed(file: string, option: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `${option}: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`,
    );
  }
}
