import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bytesToHex, hexToBytes } from '../src/bytes.ts';
import { decodeCbor, encodeCbor } from '../src/cbor.ts';
import { decodeAnchor, encodeAnchor } from '../src/receipt/anchor.ts';
import { ANSWER_CODES } from '../src/receipt/answer.ts';
import { findEventProofFault } from '../src/receipt/event-proof.ts';
import { type EventProofVectorFile, makeEventProofVectors } from './vectors/event-proof-vectors.ts';

const file: EventProofVectorFile = JSON.parse(
  readFileSync(new URL('../docs/vectors/event-proofs.json', import.meta.url), 'utf8'),
);

test('docs/vectors/event-proofs.json is what the generator writes', () => {
  expect(makeEventProofVectors()).toEqual(file);
});

test('names are unique, and every fault a proof can have is there', () => {
  const names = file.proofs.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const verdicts = new Set(file.proofs.map(({ verdict }) => verdict));
  const faults = Object.keys(ANSWER_CODES).filter((code) => /^(?:header-|event-|transaction-)/.test(code));
  expect([...verdicts].sort()).toEqual([...faults, 'malformed', 'none', 'proves'].sort());
});

test.each(file.proofs)('$name: $verdict', ({ anchor, verdict }) => {
  const decoded = decodeAnchor(decodeCbor(hexToBytes(anchor)));
  if (decoded.kind === 'reject') {
    expect(decoded.code).toBe(verdict);
    return;
  }
  expect(bytesToHex(encodeCbor(encodeAnchor(decoded.value)))).toBe(anchor);
  const { eventProof } = decoded.value;
  const found = eventProof && (findEventProofFault(decoded.value, eventProof)?.code ?? 'proves');
  expect(found ?? 'none').toBe(verdict);
});
