/** A gateway and a witness as two operators run them: what is cosigned can be checked by all, and a fork is refused and seen. */
import { createPublicKey, verify } from 'node:crypto';
import { cpSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseCheckpoint, verifyCheckpoint } from '../src/checkpoint.ts';
import { verifyCosignature } from '../src/cosignature.ts';
import { endPrograms, mustRun } from './support/command.ts';
import { ServedWitness } from './support/served-witness.ts';
import { ORIGIN, Site } from './support/site.ts';
import { until } from './support/wait.ts';

interface WitnessStatus {
  readonly name: string;
  readonly size: number;
  readonly lag: number;
  readonly isInConflict: boolean;
  readonly lastError?: { readonly code: string; readonly message: string };
}

let site: Site;
let witness: ServedWitness;

beforeAll(async () => {
  site = await Site.create();
  witness = await ServedWitness.create(site.file('witness'), site.file('gateway/gateway-public.json'));
  site.amend(() => ({ witnesses: [witness.entry] }));
  await witness.start();
  await site.startGateway();
}, 60_000);

afterAll(async () => {
  await endPrograms();
  site?.remove();
});

const sizeOf = (note = ''): number => Number(note.split('\n')[1]);

function expectBothSigned(
  pair: { readonly cosignedNote: string; readonly otherNote: string } | undefined,
): void {
  const { cosignedNote = '', otherNote = '' } = pair ?? {};
  expect(cosignedNote).not.toBe(otherNote);
  for (const note of [cosignedNote, otherNote])
    expect(verifyCheckpoint(note, logKey())).toMatchObject({ kind: 'ok' });
}

function logKey(): { origin: string; publicKey: Uint8Array } {
  const known = readFileSync(site.file('gateway/gateway-public.json'), 'utf8');
  const { logKey } = JSON.parse(known) as { logKey: string };
  return { origin: ORIGIN, publicKey: Uint8Array.from(Buffer.from(logKey, 'base64')) };
}

const servedNote = async (): Promise<string> => (await site.get('/checkpoint')).text();

async function statusOfWitness(): Promise<WitnessStatus> {
  const { witnesses } = (await site.status()) as unknown as { witnesses: [WitnessStatus] };
  return witnesses[0];
}

async function sizeOfLog(): Promise<number> {
  const checkpoint = parseCheckpoint(await servedNote());
  if (checkpoint.kind === 'reject') throw new Error(checkpoint.detail);
  return checkpoint.value.size;
}

async function stopGateway(): Promise<void> {
  site.gateway.kill('SIGTERM');
  await site.gateway.exited;
}

it('cosigns each checkpoint; anybody with the two keys can check it', async () => {
  const note = await until('cosigned checkpoint', async () => {
    const served = await servedNote();
    return verifyCosignature(served, witness.key).kind === 'ok' && served;
  });
  expect(verifyCheckpoint(note, logKey())).toMatchObject({ kind: 'ok' });
  // The same by OpenSSL, put together by hand.
  const [text = '', lines = ''] = note.split('\n\n');
  const encoded =
    lines
      .split('\n')
      .find((line) => line.includes(witness.key.name))
      ?.split(' ')[2] ?? '';
  const signature = Buffer.from(encoded, 'base64');
  const message = `cosignature/v1\ntime ${signature.readBigUInt64BE(4)}\n${text}\n`;
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), witness.key.publicKey]);
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  expect(verify(null, Buffer.from(message), key, signature.subarray(12))).toBe(true);
});

it('tells how far the witness has come: status, metrics, commands', async () => {
  const { name, size, isInConflict } = await statusOfWitness();
  expect({ name, isInConflict }).toEqual({ name: witness.key.name, isInConflict: false });
  expect(size).toBeGreaterThan(0);
  expect(await site.metric(`vitalseal_witness_cosigned_entries{witness="${name}"}`)).toBeGreaterThanOrEqual(
    size,
  );
  expect(await site.metric(`vitalseal_witness_conflict{witness="${name}"}`)).toBe(0);
  expect(await mustRun(['status', '--config', site.config])).toMatch(
    /^witness {6}witness.example\/w1: cosigned up to/m,
  );
  expect(await witness.log()).toMatchObject({ origin: ORIGIN });
});

it('holds nothing up while it is away, and takes up the newest checkpoint when it is back', async () => {
  await witness.kill();
  const before = await sizeOfLog();
  await until('three checkpoints more', async () => (await sizeOfLog()) >= before + 3);
  expect(await statusOfWitness()).toMatchObject({ lastError: { code: 'witness-unreachable' } });
  expect((await site.get('/health')).status).toBe(200);
  await witness.start();
  await until('a cosigned checkpoint', async () => (await statusOfWitness()).size > before + 2);
  expect((await statusOfWitness()).lastError).toBeUndefined();
});

it('refuses a log that goes on from an old copy of itself, keeps what that signs, and the gateway raises an alarm', async () => {
  const copy = site.file('old-copy');
  await stopGateway();
  cpSync(site.dataDirectory, copy, { recursive: true });
  await site.startGateway();
  const copied = await sizeOfLog();
  await until('four checkpoints more', async () => (await statusOfWitness()).size >= copied + 4);
  await stopGateway();
  const cosigned = await witness.log();

  renameSync(site.dataDirectory, `${site.dataDirectory}-honest`);
  renameSync(copy, site.dataDirectory);
  await site.startGateway();
  // First it is behind the witness, then beside it. Whoever has one of its checkpoints can show it to the witness.
  const { fork } = await until('proof of the fork', async () => {
    await witness.post(`old 0\n\n${await servedNote()}`);
    const listed = await witness.log();
    return listed.fork !== undefined && listed;
  });
  expectBothSigned(fork);
  expect(sizeOf(fork?.cosignedNote)).toBe(sizeOf(fork?.otherNote));
  await until('alarm', async () => (await statusOfWitness()).isInConflict);
  expect(await site.metric(`vitalseal_witness_conflict{witness="${witness.key.name}"}`)).toBe(1);
  expect(site.gateway.err()).toContain('"code":"witness-conflict"');
  expect(await mustRun(['status', '--config', site.config])).toContain(
    'ALARM: it has cosigned another history',
  );
  await until('a longer fork', async () => (await sizeOfLog()) > cosigned.size + 2);
  await until('a refusal of the longer fork', async () => {
    const { lastError } = await statusOfWitness();
    return lastError?.message.includes('another history');
  });
  expect(verifyCosignature(await servedNote(), witness.key).kind).toBe('reject');
  expect(await witness.log()).toMatchObject({
    size: cosigned.size,
    root: cosigned.root,
    note: cosigned.note,
  });
  const [unproven] = (await witness.log()).unproven ?? [];
  expectBothSigned(unproven);
  expect(sizeOf(unproven?.otherNote)).toBeGreaterThan(cosigned.size);
  const said = witness.program.err().trim().split('\n');
  const lines = said.map((line) => JSON.parse(line) as { level: number; time: number; msg: string });
  expect(lines.map(({ level, msg }) => [level, msg.split(':')[0]])).toEqual(
    expect.arrayContaining([
      [50, 'the log has signed two roots for one size'],
      [40, 'the proof to the log’s checkpoint does not hold'],
    ]),
  );
  expect(lines.every(({ time }) => time > 0)).toBe(true);
});

it('agrees again when the log is put back as it was', async () => {
  await stopGateway();
  rmSync(site.dataDirectory, { recursive: true });
  renameSync(`${site.dataDirectory}-honest`, site.dataDirectory);
  await site.startGateway();
  await until('agreement', async () => {
    const { lag, isInConflict } = await statusOfWitness();
    // The next checkpoint may be sealed in between, and not be cosigned yet.
    return lag === 0 && !isInConflict && verifyCosignature(await servedNote(), witness.key).kind === 'ok';
  });
});

it('goes on listing the fork, and counts the old checkpoints that anybody shows again', async () => {
  const { fork, unproven, stale } = await witness.log();
  expect([fork, unproven]).toEqual([expect.anything(), expect.anything()]);
  expect((await witness.post(`old 0\n\n${fork?.cosignedNote}`)).status).toBe(409);
  expect((await witness.log()).stale).toMatchObject({ count: (stale?.count ?? 0) + 1, size: fork?.size });
  expect(witness.program.err()).toContain('is smaller than the one cosigned');
});
