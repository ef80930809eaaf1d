/** What must hold after a restart, seen from outside: through HTTP, and by fsck as a process of its own. */
import { createHash } from 'node:crypto';
import { equalBytes } from '../../../src/bytes.ts';
import { parseCheckpoint, type TreeHead } from '../../../src/checkpoint.ts';
import { computeRoot } from '../../../src/merkle/root.ts';
import { decodeTransparentStatement } from '../../../src/receipt/transparent-statement.ts';
import { vitalseal } from '../command.ts';
import type { Site } from '../site.ts';
import { until } from '../wait.ts';
import type { CrashDevice, Promised } from './device.ts';

/** @throws Error with what fsck printed, unless it finds nothing wrong. */
export async function expectFsck(site: Site, options: readonly string[] = []): Promise<void> {
  const { code, out, err } = await vitalseal(['fsck', '--config', site.config, ...options]);
  if (code !== 0) throw new Error(`fsck ended with ${code}\n${out}${err}`);
}

/** Every entry of the log, once a checkpoint covers all that is there now. */
export async function readLog(site: Site): Promise<string[]> {
  const { size } = (await site.status()).log;
  return until('checkpoint over everything', async () => {
    const entries = await site.sealedEntries();
    return entries.length >= size && entries;
  });
}

/** @throws Error naming what was promised and is not there, is elsewhere, or is there twice. */
export function expectPromises(entries: readonly string[], promised: readonly Promised[]): void {
  const places = new Map(entries.map((entry, index) => [entry, index]));
  if (places.size !== entries.length)
    throw new Error(`${entries.length - places.size} entries are in the log twice`);
  const broken = promised.filter(({ entry, index }) => {
    const place = places.get(entry);
    return place === undefined || (index !== undefined && index !== place);
  });
  if (broken.length === 0) return;
  const named = broken.map(({ device, seq, entry, index }) => {
    const place = places.get(entry);
    return `${device} ${seq} ${place === undefined ? 'is missing' : `was at ${index} and is at ${place}`}`;
  });
  throw new Error(`of ${promised.length} acknowledged statements:\n${named.join('\n')}`);
}

/** @throws Error unless each checkpoint, served at whatever time, is a state that this log went through. */
export function expectHistory(entries: readonly string[], heads: readonly TreeHead[]): void {
  const leaves = entries.map((entry) => hash(Buffer.from([0]), Buffer.from(entry, 'hex')));
  for (const { size, root } of heads) {
    if (size > leaves.length)
      throw new Error(`a checkpoint of ${size} was served; the log has ${leaves.length}`);
    const now = computeRoot(leaves.slice(0, size), (left, right) => hash(Buffer.from([1]), left, right));
    if (!equalBytes(now, root)) throw new Error(`the checkpoint served at size ${size} is not of this log`);
  }
}

/** @throws Error unless the receipt of an acknowledged statement holds exactly what the device sent. */
export async function expectReceipt(site: Site, { sender }: CrashDevice, seq: number): Promise<void> {
  const path = `/v1/devices/${encodeURIComponent(sender.urn)}/statements/${seq}/receipt`;
  const answer = await site.get(path);
  const receipt = decodeTransparentStatement(new Uint8Array(await answer.arrayBuffer()));
  if (receipt.kind !== 'ok') throw new Error(`${path}: ${answer.status} ${receipt.detail}`);
  const sent = sender.statements[seq] ?? new Uint8Array();
  if (!equalBytes(receipt.value.statement.bytes, sent))
    throw new Error(`${path}: other bytes than were sent`);
}

/** The checkpoint served now; undefined when there is none, or the gateway is gone. */
export async function servedCheckpoint(site: Site): Promise<TreeHead | undefined> {
  const note = await site.get('/checkpoint').then(
    (answer) => answer.text(),
    () => '',
  );
  const parsed = parseCheckpoint(note);
  return parsed.kind === 'ok' ? parsed.value : undefined;
}

function hash(...parts: readonly Uint8Array[]): Uint8Array {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return Uint8Array.from(digest.digest());
}
