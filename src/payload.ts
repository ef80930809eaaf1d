/** What the gateway looks at inside a payload: whether its content type allows it, and what is worth flagging. */
import { compareDecimal, type Decimal } from './decimal.ts';
import { decodeSenml, type ResolvedRecord, resolveSenml, type SenmlRecord } from './senml.ts';
import { type Flag, ok, type Parsed, reject } from './verdict.ts';
import { findTerm, findUnit, localName, type UnitForm } from './vocabulary.ts';
import { readWaveform, waveformExtremes } from './waveform.ts';

/** CoAP content format of application/senml+cbor (RFC 8428 section 12.3.2). */
export const SENML_CONTENT_FORMAT = 112;
const SENML_MEDIA_TYPE = 'application/senml+cbor';

/** The name that marks a pack as simulated, behind any base name. */
export const TEST_DATA_NAME = 'test-data';

/**
 * The record that marks a whole pack as test data: nothing in it came from a body, so FHIR carries it as HTEST and
 * nobody bills it. Its place in the pack does not matter; the value false marks nothing.
 */
export const TEST_DATA_RECORD: SenmlRecord = {
  name: TEST_DATA_NAME,
  value: { kind: 'boolean', value: true },
};

/** Flags in the order of `FLAGS`, each at most once. */
export interface PayloadInspection {
  readonly flags: readonly Extract<Flag, 'implausible' | 'test-data'>[];
}

/**
 * Checks a statement's payload by its content type.
 *
 * A SenML pack must decode, and each of its waveforms must; otherwise `malformed` or `not-deterministic`, with the
 * record and the field in the detail. `implausible`: a known name with a value outside its range, in a unit that is
 * not the name's, or with text where a number belongs. Names that are not in the vocabulary are never flagged.
 * Any other content type is opaque: accepted, no flags.
 */
export function inspectPayload(
  contentType: number | string,
  payload: Uint8Array,
): Parsed<PayloadInspection, 'malformed' | 'not-deterministic'> {
  if (!isSenml(contentType)) return ok({ flags: [] });
  const pack = decodeSenml(payload);
  if (pack.kind === 'reject') return pack;
  const flags: { implausible: boolean; testData: boolean } = { implausible: false, testData: false };
  for (const [index, record] of resolveSenml(pack.value).entries()) {
    const extent = measure(record);
    if (extent.kind === 'reject') return reject(extent.code, `record ${index}: ${extent.detail}`);
    flags.implausible ||= !isPlausible(record, extent.value);
    flags.testData ||= isTestMark(record);
  }
  return ok({
    flags: [
      ...(flags.implausible ? ['implausible' as const] : []),
      ...(flags.testData ? ['test-data' as const] : []),
    ],
  });
}

/** Whether a payload of this content type holds readings, by number or by name. */
export function isSenml(contentType: number | string): boolean {
  return contentType === SENML_CONTENT_FORMAT || contentType === SENML_MEDIA_TYPE;
}

/** Smallest and largest number in a record; `unmeasurable` for text, booleans and data of no known meaning. */
type Extent = readonly [low: Decimal, high: Decimal] | 'none' | 'unmeasurable';

function measure(record: ResolvedRecord): Parsed<Extent, 'malformed' | 'not-deterministic'> {
  const waveform = readWaveform(record);
  if (waveform.kind === 'reject') return waveform;
  if (waveform.value) return ok(waveformExtremes(waveform.value));
  if (record.value === undefined) return ok('none');
  return ok(record.value.kind === 'number' ? [record.value.value, record.value.value] : 'unmeasurable');
}

function isPlausible(record: ResolvedRecord, extent: Extent): boolean {
  const term = findTerm(record.name);
  // A sum is an integral over time, for which the vocabulary has no range.
  if (term === undefined || extent === 'none') return true;
  const form = findUnit(term, record.unit);
  if (form === undefined || extent === 'unmeasurable') return false;
  return isWithin(extent, form);
}

function isWithin([least, most]: readonly [Decimal, Decimal], { low, high }: UnitForm): boolean {
  return (
    (low === undefined || compareDecimal(least, low) >= 0) &&
    (high === undefined || compareDecimal(most, high) <= 0)
  );
}

function isTestMark(record: ResolvedRecord): boolean {
  return localName(record.name) === TEST_DATA_NAME && record.value?.kind === 'boolean' && record.value.value;
}
