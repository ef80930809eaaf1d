/** The log followed from outside by the libraries of Go's checksum database: signed notes, tiles and proofs that share no code with ours. */
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCheckpoint } from '../src/checkpoint.ts';
import { createSigner } from '../src/signature.ts';
import { ED25519_TYPE } from '../src/signed-note.ts';
import { formatVerifierKey } from '../src/verifier-key.ts';
import { endPrograms, type Outcome, ROOT, runProgram } from './support/command.ts';
import { missingNote } from './support/installed.ts';
import { Sender } from './support/sender.ts';
import { ORIGIN, Site } from './support/site.ts';
import { until } from './support/wait.ts';

const GO_PATH = '/usr/share/gocode';
const missing = missingNote(['go', `${GO_PATH}/src/golang.org/x/mod/sumdb/tlog/tlog.go`]);
/** Several full tiles, and a partial one of the level above. */
const ENTRIES = 600;

describe.skipIf(missing !== '')(`a follower written in Go${missing}`, () => {
  let site: Site;
  let sender: Sender;
  let verifierKey: string;

  beforeAll(async () => {
    site = await Site.create();
    const source = join(ROOT, 'test', 'support', 'follow-log.go');
    const env = { GO111MODULE: 'off', GOPATH: GO_PATH, GOCACHE: site.file('go-cache'), GOFLAGS: '' };
    const built = await runProgram('go', ['build', '-o', site.file('follow-log'), source], { env });
    expect(built).toMatchObject({ code: 0, err: '' });
    const known = readFileSync(site.file('gateway/gateway-public.json'), 'utf8');
    ({ verifierKey } = JSON.parse(known) as { verifierKey: string });
    sender = new Sender('urn:dev:mac:0024befffe80fb01', createSigner('Ed25519', new Uint8Array(32).fill(6)));
    await site.startGateway();
    await site.enrol(sender);
  }, 120_000);

  afterAll(async () => {
    await sender?.disconnect();
    await endPrograms();
    site?.remove();
  });

  function follow(...since: readonly string[]): Promise<Outcome> {
    return runProgram(site.file('follow-log'), [site.gateway.httpUrl, verifierKey, ...since]);
  }

  const servedNote = async (): Promise<string> => (await site.get('/checkpoint')).text();

  async function sealed(size: number): Promise<string> {
    return until('the checkpoint', async () => {
      const note = await servedNote();
      return sizeOf(note) >= size && note;
    });
  }

  async function load(entries: number): Promise<void> {
    await sender.connect(site.gateway.mqttUrl);
    const from = sender.acknowledged.size;
    sender.startLoad(16);
    await until('the load', () => sender.acknowledged.size >= from + entries);
    await sender.stopLoad();
    await sender.disconnect();
  }

  async function restartWith(change: () => void): Promise<void> {
    site.gateway.kill('SIGTERM');
    await site.gateway.exited;
    change();
    await site.startGateway();
  }

  it('believes the checkpoint, finds every entry in its tree, and that the tree only grew', async () => {
    await load(10);
    const first = await follow();
    expect(first).toMatchObject({ code: 0, err: '' });
    writeFileSync(site.file('seen'), first.out);
    await load(ENTRIES);
    await sealed(ENTRIES);
    const later = await follow(site.file('seen'));
    expect(later).toMatchObject({ code: 0, err: '' });
    expect(sizeOf(later.out)).toBeGreaterThanOrEqual(ENTRIES);
    writeFileSync(site.file('seen'), later.out);
  });

  it('believes no checkpoint that another key signed, nor a changed one', async () => {
    const key = formatVerifierKey({ name: ORIGIN, publicKey: sender.signer.publicKey.bytes }, ED25519_TYPE);
    const stranger = await runProgram(site.file('follow-log'), [site.gateway.httpUrl, key]);
    expect(stranger.code).toBe(1);
    expect(stranger.err).toMatch(/no verifiable signatures/);
    const note = readFileSync(site.file('seen'), 'utf8');
    writeFileSync(site.file('changed'), note.replace(`\n${sizeOf(note)}\n`, `\n${sizeOf(note) - 1}\n`));
    const changed = await follow(site.file('changed'));
    expect(changed.code).toBe(1);
    expect(changed.err).toMatch(/invalid signature/);
  });

  it('sees a log that went on from an old copy of itself: first shorter, then another one', async () => {
    const copy = site.file('old-copy');
    await restartWith(() => cpSync(site.dataDirectory, copy, { recursive: true }));
    await load(100);
    writeFileSync(site.file('seen'), await sealed(sizeOf(readFileSync(site.file('seen'), 'utf8')) + 100));
    await restartWith(() => {
      renameSync(site.dataDirectory, `${site.dataDirectory}-honest`);
      renameSync(copy, site.dataDirectory);
    });
    const shorter = await follow(site.file('seen'));
    expect(shorter).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^the log shrank from \d+ to \d+\n$/),
    });
    await load(150);
    await sealed(sizeOf(readFileSync(site.file('seen'), 'utf8')));
    const other = await follow(site.file('seen'));
    expect(other).toMatchObject({
      code: 1,
      err: expect.stringContaining('is no continuation of that of size'),
    });
  });
});

function sizeOf(note: string): number {
  const checkpoint = parseCheckpoint(note);
  if (checkpoint.kind === 'reject') throw new Error(checkpoint.detail);
  return checkpoint.value.size;
}
