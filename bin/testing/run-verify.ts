/** Runs `receipt verify` as `bin/main.ts` does, for tests. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesToBase64 } from '../../src/bytes.ts';
import { encodeCoseKey, type PublicKey } from '../../src/cose/key.ts';
import { type Device, LOG_SIGNER, ORIGIN } from '../../src/receipt/testing/ledger.ts';
import { type ExitCode, readArguments } from '../cli.ts';
import { receiptVerify } from '../commands/receipt-verify.ts';

export interface Outcome {
  readonly code: ExitCode;
  readonly text: string;
}

/** Verifies these bytes with the trust file that `args` name, or trust.json of the folder. */
export async function runVerify(
  folder: string,
  bytes: Uint8Array,
  ...args: readonly string[]
): Promise<Outcome> {
  const file = join(folder, 'a.receipt.cbor');
  writeFileSync(file, bytes);
  const trust = args.includes('--trust') ? [] : ['--trust', join(folder, 'trust.json')];
  const { values, positionals } = readArguments(receiptVerify, [file, ...trust, ...args]);
  const lines: string[] = [];
  const io = { out: (line: string) => void lines.push(line), err: () => undefined, environment: {} };
  const code = await receiptVerify.run(values, positionals, { ...io, stopped: new AbortController().signal });
  return { code, text: lines.join('\n') };
}

/** A trust file with the log of the test ledger and these devices. */
export function writeTrustFile(file: string, devices: readonly Device[], contract: object | undefined): void {
  const keyText = (key: PublicKey) => bytesToBase64(encodeCoseKey(key));
  const trust = {
    logs: [{ origin: ORIGIN, key: keyText(LOG_SIGNER.publicKey), contract }],
    deviceKeys: devices.map(({ urn, signer }) => ({ device: urn, key: keyText(signer.publicKey) })),
  };
  writeFileSync(file, JSON.stringify(trust));
}
