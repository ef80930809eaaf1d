import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encryptKeystoreJson } from 'ethers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GatewayError } from '../errors.ts';
import { loadWallet } from './ethers-wallet.ts';

const ADDRESS = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
const PRIVATE_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const PASSWORD = 'correct horse';

let folder: string;
const file = (name: string): string => join(folder, name);

async function failure(keystore: string, password: string): Promise<string> {
  const error = await loadWallet(file(keystore), file(password)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(GatewayError);
  const { code, fatal, message, cause, stack } = error as GatewayError;
  expect({ code, fatal, cause }).toEqual({ code: 'key-unreadable', fatal: true, cause: undefined });
  expect(`${message}${stack}`).not.toMatch(/horse|wrong-word|ac0974|ciphertext/i);
  return message.replaceAll(folder, 'DIR');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wallet-'));
  const account = { address: ADDRESS, privateKey: PRIVATE_KEY };
  await writeFile(
    file('key.json'),
    await encryptKeystoreJson(account, PASSWORD, { scrypt: { N: 2, r: 8, p: 1 } }),
  );
  await writeFile(file('password'), `${PASSWORD}\nsecond line\n`);
  await writeFile(file('wrong'), 'wrong-word\n');
  await writeFile(file('raw'), PRIVATE_KEY);
  await writeFile(file('broken.json'), '{"version":3,"crypto":{"ciphertext":"ac0974"}}');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('loadWallet', () => {
  test('opens a keystore with the first line of the password file', async () => {
    expect((await loadWallet(file('key.json'), file('password'))).address).toBe(ADDRESS);
  });

  test('says which file is wrong, and nothing of what is in it', async () => {
    expect(await failure('key.json', 'wrong')).toMatchInlineSnapshot(
      `"the password in DIR/wrong does not open the keystore DIR/key.json: correct the file or its path in the configuration"`,
    );
    expect(await failure('raw', 'password')).toMatchInlineSnapshot(
      `"DIR/raw is not an encrypted keystore (JSON, Web3 Secret Storage): correct the file or its path in the configuration"`,
    );
    expect(await failure('broken.json', 'password')).toMatchInlineSnapshot(
      `"DIR/broken.json is not an encrypted keystore (JSON, Web3 Secret Storage): correct the file or its path in the configuration"`,
    );
    expect(await failure('absent.json', 'password')).toMatchInlineSnapshot(
      `"cannot read the keystore DIR/absent.json (ENOENT): create it or correct its path in the configuration"`,
    );
    expect(await failure('key.json', 'absent')).toMatchInlineSnapshot(
      `"cannot read the password file DIR/absent (ENOENT): create it or correct its path in the configuration"`,
    );
  });
});
