/** Writing a SenML pack as CBOR. */
import { type CborValue, encodeCbor } from '../cbor.ts';
import { decimalToCbor } from '../decimal-cbor.ts';
import { LABELS, type SenmlPack, type SenmlRecord, type SenmlValue } from './record.ts';
import { findFault } from './rules.ts';

/**
 * The deterministic CBOR of a pack (RFC 8428 section 6): integers and decimal fractions, never floats.
 *
 * @throws {TypeError} when a reader would have to refuse the pack: no records, a name outside the alphabet,
 * a record without value and sum, or an extension label that is taken or ends with "_".
 * @throws {RangeError} for decimals beyond the bounds of decimal.ts.
 */
export function encodeSenml(pack: SenmlPack): Uint8Array {
  if (pack.length === 0) throw new TypeError('pack: no records');
  const fault = findFault(pack);
  if (fault) throw new TypeError(`pack: record ${fault.record}: field ${fault.field}: ${fault.problem}`);
  return encodeCbor(pack.map(encodeRecord));
}

function encodeRecord(record: SenmlRecord): Map<CborValue, CborValue> {
  const fields: [number, CborValue | undefined][] = [
    [LABELS.bver, record.baseVersion],
    [LABELS.bn, record.baseName],
    [LABELS.bt, record.baseTime && decimalToCbor(record.baseTime)],
    [LABELS.bu, record.baseUnit],
    [LABELS.bv, record.baseValue && decimalToCbor(record.baseValue)],
    [LABELS.bs, record.baseSum && decimalToCbor(record.baseSum)],
    [LABELS.n, record.name],
    [LABELS.u, record.unit],
    [LABELS.s, record.sum && decimalToCbor(record.sum)],
    [LABELS.t, record.time && decimalToCbor(record.time)],
    [LABELS.ut, record.updateTime && decimalToCbor(record.updateTime)],
  ];
  const map = new Map<CborValue, CborValue>();
  for (const [label, content] of fields) if (content !== undefined) map.set(label, content);
  if (record.value) map.set(...valueField(record.value));
  for (const [label, content] of record.extensions ?? []) {
    if (Object.hasOwn(LABELS, label) || label.endsWith('_')) {
      throw new TypeError(`pack: extension label ${JSON.stringify(label)} is not allowed`);
    }
    map.set(label, content);
  }
  return map;
}

function valueField(value: SenmlValue): [number, CborValue] {
  switch (value.kind) {
    case 'number':
      return [LABELS.v, decimalToCbor(value.value)];
    case 'string':
      return [LABELS.vs, value.value];
    case 'boolean':
      return [LABELS.vb, value.value];
    case 'data':
      return [LABELS.vd, value.value];
  }
}
