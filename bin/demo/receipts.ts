/** Exports one receipt, has it verified, then has altered copies verified: with the commands a patient and an insurer would use. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectChain } from '../../contracts/index.ts';
import type { Answer, Question } from '../../src/receipt/answer.ts';
import { chainQuestions } from '../../src/receipt/verify.ts';
import type { Claims } from './claims.ts';
import { mustRun, run } from './processes.ts';
import type { Stage } from './stage.ts';
import { tamperedCopies } from './tampering.ts';

interface Verdicts {
  readonly proven: boolean;
  readonly answers: Readonly<Record<Question, Answer>>;
}

interface TrustView {
  readonly deviceKeys: readonly { readonly device: string; readonly key: string }[];
}

export interface ReceiptFiles {
  readonly receipt: string;
  readonly trust: string;
}

/** Exports and checks the receipt of a statement that is final, and alters it. */
export async function demonstrateReceipts(
  stage: Stage,
  index: number,
  device: string,
  claims: Claims,
  say: (line: string) => void,
): Promise<ReceiptFiles> {
  const file = join(stage.directory, 'reading.receipt.cbor');
  const trust = join(stage.directory, 'trust.json');
  say(
    (
      await mustRun([
        'receipt',
        'export',
        '--config',
        stage.config,
        '--index',
        String(index),
        '--require-final',
        '--out',
        file,
      ])
    ).trim(),
  );
  await mustRun(['receipt', 'trust', '--config', stage.config, '--out', trust]);

  const genuine = await verify(file, trust, ['--rpc', stage.chain.url]);
  for (const { question, verdict, detail } of Object.values(genuine.answers))
    say(`  ${question.padEnd(12)} ${verdict.padEnd(8)} ${detail}`);
  const answered = Object.values(genuine.answers).filter(({ verdict }) => verdict === 'yes').length;
  claims.claim(
    'a receipt proves its reading',
    genuine.proven,
    `${answered} of ${Object.keys(genuine.answers).length} questions answered yes`,
  );

  await demonstrateOffline(stage, file, trust, claims, say);
  say('Altered copies, each refused for its own reason:');
  const copies = tamperedCopies(Uint8Array.from(readFileSync(file)));
  await Promise.all(
    copies.map(async ({ name, what, bytes, mustFail }) => {
      const copy = join(stage.directory, `tampered-${name}.receipt.cbor`);
      writeFileSync(copy, bytes);
      const { proven, answers } = await verify(copy, trust, ['--rpc', stage.chain.url]);
      const answer = answers[mustFail];
      say(`  ${name.padEnd(10)} ${what}: ${answer.question} ${answer.verdict}, ${answer.detail}`);
      claims.claim(
        `altered ${name} is refused`,
        !proven && answer.verdict === 'no',
        `${answer.question}: ${answer.code}`,
      );
    }),
  );
  await demonstrateForeignKey(stage, file, trust, device, claims, say);
  return { receipt: file, trust };
}

/** The same receipt under another device's key: the verifier who trusts that key must refuse. */
async function demonstrateForeignKey(
  stage: Stage,
  file: string,
  trustFile: string,
  device: string,
  claims: Claims,
  say: (line: string) => void,
): Promise<void> {
  const trust = JSON.parse(readFileSync(trustFile, 'utf8')) as TrustView;
  const foreign = trust.deviceKeys.find((entry) => entry.device !== device);
  if (foreign === undefined) throw new Error('the demonstration needs two devices');
  const swapped = { ...trust, deviceKeys: [{ ...foreign, device }] };
  const swappedFile = join(stage.directory, 'trust-with-another-key.json');
  writeFileSync(swappedFile, JSON.stringify(swapped));
  const { proven, answers } = await verify(file, swappedFile, ['--rpc', stage.chain.url]);
  const answer = answers['device-key'];
  say(`  ${'key'.padEnd(10)} another device's key: ${answer.question} ${answer.verdict}, ${answer.detail}`);
  claims.claim(
    "another device's key is refused",
    !proven && answer.verdict === 'no',
    `${answer.question}: ${answer.code}`,
  );
}

/** The same receipt with the network out of reach, and the hash of one block, as anybody could look it up. */
async function demonstrateOffline(
  stage: Stage,
  file: string,
  trust: string,
  claims: Claims,
  say: (line: string) => void,
): Promise<void> {
  const questions = chainQuestions(Uint8Array.from(readFileSync(file)));
  const number = questions.kind === 'ok' ? questions.value.anchors[0]?.blockNumber : undefined;
  const provider = await connectChain(stage.chain.url);
  const block = await provider.getBlock(Number(number)).finally(() => provider.destroy());
  const { proven, answers } = await verify(file, trust, ['--block-hash', `${number}:${block?.hash}`]);
  const { detail } = answers['not-after'];
  say(`Offline, with nothing but the hash of block ${number}: ${answers.anchored.detail}; ${detail}`);
  claims.claim('a block hash proves it offline', proven, `anchored: ${answers.anchored.code}`);
}

async function verify(file: string, trust: string, source: readonly string[]): Promise<Verdicts> {
  const { code, out, err } = await run(['receipt', 'verify', file, '--trust', trust, ...source, '--json']);
  if (code !== 0 && code !== 1 && code !== 4)
    throw new Error(`vitalseal receipt verify ended with ${code}: ${err}`);
  return JSON.parse(out) as Verdicts;
}
