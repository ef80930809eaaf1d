import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bytesToHex, hexToBytes } from '../src/bytes.ts';
import { encodeCoseKey } from '../src/cose/key.ts';
import { DEVICE_EVENTS, decodeLogStatement, END_REASONS } from '../src/log-statement.ts';
import { verifySignature } from '../src/signature.ts';
import { hashEntry } from '../src/statement.ts';
import { type EventVectorFile, makeEventVectors } from './vectors/event-vectors.ts';

const file: EventVectorFile = JSON.parse(
  readFileSync(new URL('../docs/vectors/device-events.json', import.meta.url), 'utf8'),
);

test('docs/vectors/device-events.json is what the generator writes', async () => {
  expect(await makeEventVectors()).toEqual(file);
});

test('names are unique, and every event and reason is there', () => {
  const names = file.events.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const accepted = file.events.filter(({ verdict }) => verdict === 'accept');
  expect(new Set(accepted.map(({ event }) => event))).toEqual(new Set(DEVICE_EVENTS));
  const reasons = new Set(accepted.map(({ reason }) => reason));
  for (const reason of END_REASONS) expect(reasons).toContain(reason);
});

test.each(file.events)('$name: $verdict', ({ statement, verdict, entry, event, effective, reason }) => {
  const bytes = hexToBytes(statement);
  expect(bytesToHex(hashEntry(bytes))).toBe(entry);
  const decoded = decodeLogStatement(bytes);
  if (decoded.kind === 'reject') {
    expect(decoded.code).toBe(verdict);
    return;
  }
  expect(verdict).toBe('accept');
  const { signedBytes, signature, ...read } = decoded.value;
  expect(verifySignature('Ed25519', hexToBytes(file.log.publicKey), signedBytes, signature)).toBe(true);
  expect(read).toMatchObject({ kind: 'device-event', origin: file.log.origin, device: file.device, event });
  if (read.kind !== 'device-event') return;
  expect([read.effective, read.reason]).toEqual([effective, reason]);
  if (read.key !== undefined) expect(bytesToHex(encodeCoseKey(read.key))).toBe(file.coseKey);
});
