/** Reading a SenML pack from CBOR. */
import { CborError, type CborValue, decodeCbor } from '../cbor.ts';
import type { Decimal } from '../decimal.ts';
import { decimalFromCbor } from '../decimal-cbor.ts';
import { ok, type Parsed, reject } from '../verdict.ts';
import { FIELD_BY_LABEL, type FieldName, LABELS, type SenmlPack, type SenmlRecord } from './record.ts';
import { findFault } from './rules.ts';

/** Why bytes are no pack. */
export type SenmlError = 'malformed' | 'not-deterministic';

/**
 * Reads `application/senml+cbor` (RFC 8428 section 6) in deterministic CBOR (RFC 8949 section 4.2.1).
 *
 * Refuses what a careful reader must: fields of the wrong type, several values in one record, none and no sum,
 * names outside the alphabet, versions with unknown features, and extension fields that must be understood
 * (label ending in "_", section 4.4). Details name the record, counted from 0, and the field; never a value.
 */
export function decodeSenml(payload: Uint8Array): Parsed<SenmlPack, SenmlError> {
  let item: CborValue;
  try {
    item = decodeCbor(payload); // attacker-controlled
  } catch (error) {
    if (error instanceof CborError) return reject(error.code, `SenML pack: ${error.message}`);
    throw error;
  }
  if (!Array.isArray(item)) return reject('malformed', 'SenML pack: not an array of records');
  if (item.length === 0) return reject('malformed', 'SenML pack: no records');
  const pack: SenmlRecord[] = [];
  for (const [index, entry] of (item as readonly CborValue[]).entries()) {
    const record = decodeRecord(entry);
    if (record.kind === 'reject') return reject(record.code, `record ${index}: ${record.detail}`);
    pack.push(record.value);
  }
  const fault = findFault(pack);
  if (fault) return reject('malformed', `record ${fault.record}: field ${fault.field}: ${fault.problem}`);
  return ok(pack);
}

/** A record under construction. */
type Draft = { -readonly [Key in keyof SenmlRecord]: SenmlRecord[Key] };

function decodeRecord(item: CborValue): Parsed<SenmlRecord, SenmlError> {
  if (!(item instanceof Map)) return reject('malformed', 'not a map');
  const draft: Draft = {};
  const extensions = new Map<string, CborValue>();
  for (const [label, content] of item as ReadonlyMap<CborValue, CborValue>) {
    if (typeof label === 'string') {
      const problem = extensionProblem(label);
      if (problem !== undefined) return reject('malformed', problem);
      extensions.set(label, content);
      continue;
    }
    const field = typeof label === 'number' ? FIELD_BY_LABEL.get(label) : undefined;
    if (field === undefined) return reject('malformed', 'a label that is not in RFC 8428 table 4');
    const failure = readField(draft, field, content);
    if (failure) return reject(failure.code, `field ${field}: ${failure.detail}`);
  }
  if (extensions.size > 0) draft.extensions = extensions;
  return ok(draft);
}

function extensionProblem(label: string): string | undefined {
  // Two labels for one field would let two readers disagree about its value.
  if (Object.hasOwn(LABELS, label)) return `field ${label}: must carry its integer label`;
  // The label is chosen by the sender, so it stays out of the detail.
  if (label.endsWith('_')) return 'an extension field that must be understood, and is not known here';
  return undefined;
}

/** Puts one field into the draft, or says why it cannot. */
function readField(draft: Draft, field: FieldName, content: CborValue): Rejection | undefined {
  switch (field) {
    case 'bver':
      return take(unsigned(content), (value) => (draft.baseVersion = value));
    case 'bn':
      return take(text(content), (value) => (draft.baseName = value));
    case 'bt':
      return take(decimalFromCbor(content), (value) => (draft.baseTime = value));
    case 'bu':
      return take(text(content), (value) => (draft.baseUnit = value));
    case 'bv':
      return take(decimalFromCbor(content), (value) => (draft.baseValue = value));
    case 'bs':
      return take(decimalFromCbor(content), (value) => (draft.baseSum = value));
    case 'n':
      return take(text(content), (value) => (draft.name = value));
    case 'u':
      return take(text(content), (value) => (draft.unit = value));
    case 's':
      return take(decimalFromCbor(content), (value) => (draft.sum = value));
    case 't':
      return take(decimalFromCbor(content), (value) => (draft.time = value));
    case 'ut':
      return take(decimalFromCbor(content), (value) => (draft.updateTime = value));
    default:
      return readValue(draft, field, content);
  }
}

function readValue(draft: Draft, field: 'v' | 'vs' | 'vb' | 'vd', content: CborValue): Rejection | undefined {
  if (draft.value !== undefined) return reject('malformed', 'a second value in one record');
  switch (field) {
    case 'v':
      return take(decimalFromCbor(content), (value: Decimal) => (draft.value = { kind: 'number', value }));
    case 'vs':
      return take(text(content), (value) => (draft.value = { kind: 'string', value }));
    case 'vb':
      return take(boolean(content), (value) => (draft.value = { kind: 'boolean', value }));
    case 'vd':
      return take(bytes(content), (value) => (draft.value = { kind: 'data', value }));
  }
}

type Rejection = { readonly code: SenmlError; readonly detail: string };

function take<T>(parsed: Parsed<T, SenmlError>, put: (value: T) => void): Rejection | undefined {
  if (parsed.kind === 'reject') return parsed;
  put(parsed.value);
  return undefined;
}

function text(content: CborValue): Parsed<string, SenmlError> {
  return typeof content === 'string' ? ok(content) : reject('malformed', 'not a text string');
}

function boolean(content: CborValue): Parsed<boolean, SenmlError> {
  return typeof content === 'boolean' ? ok(content) : reject('malformed', 'not a boolean');
}

function bytes(content: CborValue): Parsed<Uint8Array, SenmlError> {
  return content instanceof Uint8Array ? ok(content) : reject('malformed', 'not a byte string');
}

function unsigned(content: CborValue): Parsed<number, SenmlError> {
  return typeof content === 'number' && content >= 0
    ? ok(content)
    : reject('malformed', 'not an unsigned integer');
}
