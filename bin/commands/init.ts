import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { sha256 } from '../../gateway/crypto/hash.ts';
import { syncFolder } from '../../gateway/store/sync-folder.ts';
import { bytesToBase64, bytesToHex } from '../../src/bytes.ts';
import { thumbprint } from '../../src/cose/key.ts';
import { createSigner } from '../../src/signature.ts';
import { ED25519_TYPE } from '../../src/signed-note.ts';
import { formatVerifierKey } from '../../src/verifier-key.ts';
import { formatWebhookKey } from '../../src/webhook.ts';
import { argument, type Command, EXIT, text, UsageError } from '../cli.ts';
import { makeKeystore } from '../keystore.ts';

const SECRET_BYTES = 32;
const ORIGIN = /^[a-z0-9.-]+(\/[A-Za-z0-9._~-]+)*$/;

export const init: Command = {
  name: 'init',
  summary: 'Make a directory with keys and a configuration for a new gateway',
  positionals: 'DIR',
  options: {
    origin: {
      type: 'string',
      value: 'NAME',
      description: 'name of the log, such as clinic.example/log',
      required: true,
    },
  },
  help: `
Makes, readable by this user alone: master-key, log-key, webhook-key, an encrypted Ethereum account (keystore.json with its
password in keystore-password), an administrator's token (admin-token), and vitalseal.json. Also gateway-public.json: what
the care provider and verifiers must know, and nothing secret. Nothing that exists is overwritten.

Then: fund the account and run vitalseal contract deploy, or leave the log unanchored; add providers to vitalseal.json;
run vitalseal serve.`,
  async run(values, positionals, io) {
    const directory = resolve(argument(positionals));
    const origin = text(values, 'origin');
    if (!ORIGIN.test(origin)) throw new UsageError('--origin must be a name like clinic.example/log');
    if (existsSync(join(directory, 'vitalseal.json')))
      throw new UsageError(`${directory} holds a gateway already; nothing was changed`);
    mkdirSync(directory, { recursive: true, mode: 0o700 });

    const logSecret = writeSecret(directory, 'log-key');
    const webhookSecret = writeSecret(directory, 'webhook-key');
    writeSecret(directory, 'master-key');
    const account = await makeKeystore(
      join(directory, 'keystore.json'),
      join(directory, 'keystore-password'),
    );
    const token = randomBytes(SECRET_BYTES).toString('base64url');
    writePrivate(directory, 'admin-token', `${token}\n`);

    const logKey = createSigner('Ed25519', logSecret).publicKey;
    const webhookKey = createSigner('Ed25519', webhookSecret).publicKey;
    writePrivate(directory, 'vitalseal.json', json(configuration(origin, token)));
    writePrivate(
      directory,
      'gateway-public.json',
      json({
        origin,
        logKey: bytesToBase64(logKey.bytes),
        verifierKey: formatVerifierKey({ name: origin, publicKey: logKey.bytes }, ED25519_TYPE),
        logKeyHash: `0x${bytesToHex(thumbprint(logKey))}`,
        webhookKey: formatWebhookKey(webhookKey.bytes),
        account,
      }),
    );
    for (const folder of [directory, dirname(directory)]) syncFolder(folder);
    io.out(`made ${directory} for the log ${origin}`);
    io.out(`account that pays for anchors: ${account} (fund it, then vitalseal contract deploy)`);
    io.out(
      'keep master-key and log-key in a safe place too: without them the store cannot be read or gone on with',
    );
    return EXIT.ok;
  },
};

function configuration(origin: string, adminToken: string): object {
  return {
    origin,
    dataDir: 'data',
    keys: { masterKeyFile: 'master-key', logKeyFile: 'log-key', webhookKeyFile: 'webhook-key' },
    providers: [],
    access: [
      {
        name: 'admin',
        role: 'admin',
        tokenSha256: bytesToHex(Uint8Array.from(sha256(Buffer.from(adminToken)))),
      },
    ],
  };
}

function writeSecret(directory: string, name: string): Uint8Array {
  const secret = Uint8Array.from(randomBytes(SECRET_BYTES));
  writePrivate(directory, name, `${bytesToHex(secret)}\n`);
  return secret;
}

/** On the disk when `init` returns: without the master key nothing could be read that the gateway acknowledges from here on. */
function writePrivate(directory: string, name: string, content: string): void {
  writeFileSync(join(directory, name), content, { mode: 0o600, flag: 'wx', flush: true });
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
