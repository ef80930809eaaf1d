/** The operator's key, from an encrypted keystore file (Web3 Secret Storage, what geth, foundry and ethers write). */
import { readFile } from 'node:fs/promises';
import { Wallet } from 'ethers';
import { GatewayError } from '../errors.ts';
import type { TransactionSigner } from './signing.ts';

/**
 * Decrypts the keystore with the first line of the password file. Takes about a second: the key derivation is
 * meant to be slow.
 * @throws GatewayError `key-unreadable`, fatal, naming the file; never what is in it.
 */
export async function loadWallet(keystoreFile: string, passwordFile: string): Promise<TransactionSigner> {
  const keystore = await readText(keystoreFile, 'keystore');
  const [password = ''] = (await readText(passwordFile, 'password file')).split(/\r?\n/, 1);
  try {
    return await Wallet.fromEncryptedJson(keystore, password);
  } catch (error) {
    // The cause is dropped on purpose: ethers puts the rejected value into some of its errors.
    const wrongPassword = error instanceof Error && /incorrect password/i.test(error.message);
    const what = wrongPassword
      ? `the password in ${passwordFile} does not open the keystore ${keystoreFile}`
      : `${keystoreFile} is not an encrypted keystore (JSON, Web3 Secret Storage)`;
    throw new GatewayError('key-unreadable', `${what}: correct the file or its path in the configuration`, {
      fatal: true,
    });
  }
}

async function readText(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    const message = `cannot read the ${what} ${file} (${reason}): create it or correct its path in the configuration`;
    throw new GatewayError('key-unreadable', message, { fatal: true });
  }
}
