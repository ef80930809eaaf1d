import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesToHex, equalBytes } from '../src/bytes.ts';
import { type CborValue, encodeCbor } from '../src/cbor.ts';
import { keyId } from '../src/cose/key.ts';
import { inspectPayload } from '../src/payload.ts';
import { verifySignature } from '../src/signature.ts';
import { decodeStatement, hashEntry } from '../src/statement.ts';
import type { Member } from './fleet.ts';
import { acksTopic } from './link.ts';
import { MISBEHAVIOURS } from './misbehaviour.ts';
import { runSim, type SimOptions, type SimSummary } from './run-sim.ts';
import { TestBroker } from './testing/broker.ts';

const RECORDINGS = fileURLToPath(new URL('../../shared/data/recordings', import.meta.url));

let folder: string;
let broker: TestBroker;
let members: readonly Member[];
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sim-'));
  members = [];
  lines = [];
});

afterEach(async () => {
  await broker.stop();
  await rm(folder, { recursive: true });
});

function run(options: Partial<SimOptions>, signal = new AbortController().signal): Promise<SimSummary> {
  const io = {
    write: (line: string) => lines.push(line),
    warn: (line: string) => lines.push(line),
    signal,
    onMembers: (found: readonly Member[]) => {
      members = found;
    },
  };
  return runSim(
    { url: broker.url, stateFolder: folder, speed: Number.POSITIVE_INFINITY, seed: 'test', ...options },
    io,
  );
}

/** A gateway in miniature: the checks of docs/protocol.md for devices in `members`, and answers on the acks topic. */
function createReferee(): Parameters<typeof TestBroker.start>[0] {
  const held = new Map<string, string>();
  return async ({ topic, bytes }) => {
    const urn = topic.split('/')[1] ?? '';
    const code = judge(urn, bytes, held);
    const answer = new Map<CborValue, CborValue>([['verdict', code === undefined ? 'accept' : 'reject']]);
    if (code !== undefined) answer.set('code', code);
    await broker.publish(acksTopic(urn), encodeCbor(answer));
    if (code === 'oversize' || code === 'unknown-device') throw new Error(code);
  };
}

function judge(urn: string, bytes: Uint8Array, held: Map<string, string>): string | undefined {
  if (bytes.length > 262_144) return 'oversize';
  const decoded = decodeStatement(bytes);
  if (decoded.kind === 'reject') return decoded.code;
  const { value } = decoded;
  if (value.issuer !== urn) return 'wrong-issuer';
  const member = members.find((other) => other.urn === urn && other.mustBeEnrolled);
  if (!member) return 'unknown-device';
  const { algorithm, bytes: key } = member.publicKey;
  if (!equalBytes(keyId(member.publicKey), value.kid)) return 'unknown-key';
  if (!verifySignature(algorithm, key, value.signedBytes, value.signature)) return 'bad-signature';
  const payload = inspectPayload(value.contentType, value.payload);
  if (payload.kind === 'reject') return payload.code;
  const place = `${urn} ${value.boot} ${value.seq}`;
  const hash = bytesToHex(hashEntry(bytes));
  const other = held.get(place);
  held.set(place, other ?? hash);
  return other === undefined ? undefined : other === hash ? 'duplicate' : 'equivocation';
}

describe('runSim', () => {
  it('sends synthetic vitals of all three algorithms and gets each acknowledged', async () => {
    broker = await TestBroker.start(createReferee());
    const summary = await run({ devices: 4, limit: 25 });
    expect(summary).toMatchObject({
      recorded: 100,
      sent: 100,
      acknowledged: 100,
      pending: 0,
      verdicts: { accept: 100 },
    });
    expect(members.map(({ publicKey, role }) => [publicKey.algorithm, role])).toEqual([
      ['Ed25519', 'synthetic body'],
      ['ESP256', 'synthetic body'],
      ['ES256K', 'synthetic body'],
      ['Ed25519', 'synthetic body'],
    ]);
    expect(lines.at(-1)).toBe('100 recorded, 100 sent, 100 acknowledged, 0 waiting, 100 accept');
  });

  it('has every misbehaviour refused under its code, beside honest devices', async () => {
    broker = await TestBroker.start(createReferee());
    const summary = await run({ devices: 2, limit: 10, misbehave: [...MISBEHAVIOURS.keys()] });
    expect(summary.pending).toBe(0);
    expect(summary.misbehaviours).toHaveLength(MISBEHAVIOURS.size);
    for (const { name, code, outcome, asExpected } of summary.misbehaviours) {
      const { closesSocket = false, code: expected } = MISBEHAVIOURS.get(name) ?? {};
      // On a socket that is being closed the answer may be lost.
      const heard = closesSocket ? [undefined, expected] : [expected];
      expect(heard, name).toContain(code);
      expect([name, outcome, asExpected]).toEqual([name, closesSocket ? 'closed' : 'acknowledged', true]);
    }
    expect(summary.verdicts['accept']).toBe(2 * 10 + 9 * 3);
  });

  it('says so when a broker takes what it should refuse', async () => {
    broker = await TestBroker.start();
    const summary = await run({ devices: 0, misbehave: ['oversize', 'replay'] });
    expect(summary.misbehaviours.find(({ name }) => name === 'oversize')?.asExpected).toBe(false);
    expect(lines).toContain('oversize: acknowledged (expected oversize)');
  });

  it('goes on from its state folder on the next run', async () => {
    broker = await TestBroker.start(createReferee());
    await run({ devices: 1, limit: 5 });
    const first = members.map(({ urn }) => urn);
    const summary = await run({ devices: 1, limit: 5 });
    expect(members.map(({ urn }) => urn)).toEqual(first);
    expect(summary.verdicts).toEqual({ accept: 5 });
    const seqs = broker.received.flatMap(({ bytes }) => {
      const decoded = decodeStatement(bytes);
      return decoded.kind === 'ok' ? [decoded.value.seq] : [];
    });
    expect(seqs).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('stops at the signal, with what is unacknowledged kept', async () => {
    const stop = new AbortController();
    broker = await TestBroker.start(() => {
      stop.abort();
      return new Promise(() => undefined);
    });
    const summary = await run({ devices: 2 }, stop.signal);
    expect(summary.acknowledged).toBe(0);
    expect(summary.pending).toBe(summary.recorded);
  });

  it('never says a time that lies ahead', async () => {
    broker = await TestBroker.start(createReferee());
    await run({ devices: 1, historySeconds: 700, durationSeconds: 1 });
    const now = Date.now() / 1000;
    for (const { bytes } of broker.received) {
      const decoded = decodeStatement(bytes);
      if (decoded.kind === 'reject') throw new Error(decoded.detail);
      expect(decoded.value.issuedAt).toBeLessThanOrEqual(now);
    }
    expect(broker.received.length).toBeGreaterThan(11);
  });

  it.skipIf(!existsSync(RECORDINGS))(
    'replays the real recordings (skipped without ../shared/data)',
    async () => {
      broker = await TestBroker.start(createReferee());
      const summary = await run({ devices: 3, recordingsFolder: RECORDINGS, limit: 60 });
      expect(members.map(({ role }) => role)).toEqual(['wrist band', 'glucose monitor', 'chest strap']);
      expect(summary.pending).toBe(0);
      expect(summary.verdicts).toEqual({ accept: summary.recorded });
      expect(summary.recorded).toBe(60 + 60 + 4);
    },
  );

  it('refuses options that make no sense', async () => {
    broker = await TestBroker.start();
    await expect(run({ misbehave: ['rudeness'] })).rejects.toThrow('unknown rudeness; known are flipped-bit');
    await expect(run({ speed: 0 })).rejects.toThrow('speed: must be above 0');
    await expect(run({ source: 'recordings' })).rejects.toThrow('recordingsFolder: needed');
    await expect(run({ algorithms: [] })).rejects.toThrow('algorithms: none');
    await expect(run({ recordingsFolder: folder })).rejects.toThrow('no recordings');
  });
});
