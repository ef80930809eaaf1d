/**
 * The names a reading may carry that Vitalseal knows: what each measures, its codes, its units, what a body can show.
 *
 * Any other name is allowed in a pack and travels untouched; it merely has no codes and no plausible range.
 *
 * Codes are those this project could confirm. Where a code is absent, none was found that says exactly this:
 * MDC is absent for ibi, skin-temp, hrv-sdnn, acc-x/y/z, bvp, ppg and eda; LOINC is absent for ibi, skin-temp,
 * acc-x/y/z, bvp, ppg and eda. A range is absent where none is agreed (waveforms, eda): such values are never flagged.
 */
import { type Decimal, decimal } from './decimal.ts';

/** Where the text of a SenML unit comes from. */
export type UnitRegistry =
  /** IANA "SenML Units" (RFC 8428 section 12.1). */
  | 'primary'
  /** IANA "Secondary Units" (RFC 8798); the pack must announce them with version 26 (RFC 9100). */
  | 'secondary'
  /** UCUM, for clinical units that SenML has not registered (mm[Hg], mg/dL). Understood by this project. */
  | 'ucum';

/** One way to write a term's values. Ranges are in this very unit, so that checking one needs no conversion. */
export interface UnitForm {
  /** As written in the SenML `u` or `bu` field. */
  readonly senml: string;
  readonly registry: UnitRegistry;
  /** The UCUM code of the same unit, as FHIR wants it. */
  readonly ucum: string;
  /** LOINC codes, where the unit decides them (mass against molar glucose); otherwise the term's apply. */
  readonly loinc?: readonly string[];
  /** Smallest and largest plausible value, inclusive. */
  readonly low?: Decimal;
  readonly high?: Decimal;
}

/** One name. `ucum`, `low` and `high` repeat the first of `units`, the unit assumed when a record names none. */
export interface VocabularyTerm {
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** IEEE 11073-10101 code, code system urn:iso:std:iso:11073:10101. */
  readonly mdc?: number;
  /** Codes that mean the same quantity taken another way. */
  readonly otherMdc: readonly number[];
  /** Preferred code first; several where profiles ask for several. */
  readonly loinc: readonly string[];
  readonly ucum: string;
  readonly low?: Decimal;
  readonly high?: Decimal;
  /** At least one. */
  readonly units: readonly UnitForm[];
}

/** The panel that a bp-sys and a bp-dia of the same time form in FHIR. */
export const BLOOD_PRESSURE_PANEL = { loinc: '85354-9', mdc: 150020 } as const;

/** mg/dL of glucose in one mmol/L: what separates the mass from the molar form. */
export const GLUCOSE_MG_DL_PER_MMOL_L: Decimal = decimal('18.0182');

type Range = readonly [low: string, high: string];

function unit(
  senml: string,
  registry: UnitRegistry,
  ucum: string,
  range?: Range,
  loinc?: string[],
): UnitForm {
  return {
    senml,
    registry,
    ucum,
    ...(range && { low: decimal(range[0]), high: decimal(range[1]) }),
    ...(loinc && { loinc }),
  };
}

interface Codes {
  readonly mdc?: number;
  readonly otherMdc?: readonly number[];
  readonly loinc?: readonly string[];
}

function term(
  name: string,
  title: string,
  codes: Codes,
  first: UnitForm,
  ...rest: UnitForm[]
): VocabularyTerm {
  return {
    name,
    title,
    ...(codes.mdc !== undefined && { mdc: codes.mdc }),
    otherMdc: codes.otherMdc ?? [],
    loinc: codes.loinc ?? [],
    ucum: first.ucum,
    ...(first.low && { low: first.low }),
    ...(first.high && { high: first.high }),
    units: [first, ...rest],
  };
}

function pressure(range: Range): UnitForm {
  return unit('mm[Hg]', 'ucum', 'mm[Hg]', range);
}

// Beats and breaths are dimensionless in UCUM: 1/min and beat/min are both /min.
function perMinute(range: Range): [UnitForm, UnitForm, UnitForm] {
  return [
    unit('1/min', 'primary', '/min', range),
    unit('beat/min', 'primary', '/min', range),
    unit('/min', 'ucum', '/min', range),
  ];
}

const ACCELERATION = unit('m/s2', 'primary', 'm/s2');
// Raw counts of a converter whose scale nobody recorded: dimensionless, SenML "/".
const RAW_COUNTS = unit('/', 'primary', '1');

const TERMS: readonly VocabularyTerm[] = [
  // 149530 is the pulse of an oximeter, 149546 that of a blood-pressure cuff.
  term(
    'hr',
    'heart rate',
    { mdc: 149530, otherMdc: [149546], loinc: ['8867-4'] },
    ...perMinute(['20', '300']),
  ),
  // The range of hr turned round: 60 s / 300 and 60 s / 20.
  term(
    'ibi',
    'inter-beat interval',
    {},
    unit('s', 'primary', 's', ['0.2', '3']),
    unit('ms', 'secondary', 'ms', ['200', '3000']),
  ),
  term(
    'spo2',
    'oxygen saturation',
    { mdc: 150456, loinc: ['59408-5', '2708-6'] },
    unit('%', 'primary', '%', ['50', '100']),
    unit('/', 'primary', '1', ['0.5', '1']),
  ),
  term(
    'temp',
    'body temperature',
    { mdc: 150364, loinc: ['8310-5'] },
    unit('Cel', 'primary', 'Cel', ['26', '45']),
    unit('K', 'primary', 'K', ['299.15', '318.15']),
  ),
  // No published range: skin follows the room, so only what no worn sensor shows is flagged.
  term(
    'skin-temp',
    'skin temperature',
    {},
    unit('Cel', 'primary', 'Cel', ['0', '50']),
    unit('K', 'primary', 'K', ['273.15', '323.15']),
  ),
  term('bp-sys', 'systolic blood pressure', { mdc: 150021, loinc: ['8480-6'] }, pressure(['40', '300'])),
  term('bp-dia', 'diastolic blood pressure', { mdc: 150022, loinc: ['8462-4'] }, pressure(['20', '200'])),
  term('resp', 'respiratory rate', { mdc: 151562, loinc: ['9279-1'] }, ...perMinute(['2', '70'])),
  term(
    'steps',
    'steps',
    { mdc: 8454247, loinc: ['55423-8'] },
    unit('count', 'primary', '{steps}', ['0', '100000']),
    unit('{steps}', 'ucum', '{steps}', ['0', '100000']),
    unit('/d', 'ucum', '/d', ['0', '100000'], ['41950-7']),
  ),
  // LOINC: 99504-3 continuous monitor (mass), 41653-7 meter, 105272-9 molar. The molar range is rounded outward.
  term(
    'glucose',
    'glucose',
    { mdc: 160184, loinc: ['99504-3', '41653-7'] },
    unit('mg/dL', 'ucum', 'mg/dL', ['10', '1000']),
    unit('mmol/L', 'ucum', 'mmol/L', ['0.554', '55.5'], ['105272-9']),
  ),
  term(
    'weight',
    'body weight',
    { mdc: 188736, loinc: ['29463-7'] },
    unit('kg', 'primary', 'kg', ['0.3', '400']),
    unit('g', 'primary', 'g', ['300', '400000']),
  ),
  term(
    'hrv-sdnn',
    'heart rate variability, SDNN',
    { loinc: ['80404-7'] },
    unit('ms', 'secondary', 'ms', ['0', '500']),
    unit('s', 'primary', 's', ['0', '0.5']),
  ),
  term(
    'ecg',
    'electrocardiogram',
    { mdc: 131328, loinc: ['11524-6'] },
    unit('mV', 'secondary', 'mV'),
    unit('V', 'primary', 'V'),
    RAW_COUNTS,
  ),
  term('acc-x', 'acceleration along x', {}, ACCELERATION),
  term('acc-y', 'acceleration along y', {}, ACCELERATION),
  term('acc-z', 'acceleration along z', {}, ACCELERATION),
  term('bvp', 'blood-volume pulse', {}, RAW_COUNTS),
  term('ppg', 'photoplethysmogram', {}, RAW_COUNTS),
  term('eda', 'electrodermal activity', {}, unit('S', 'primary', 'S'), unit('uS', 'ucum', 'uS')),
];

/** Every known term by its name. */
export const VOCABULARY: ReadonlyMap<string, VocabularyTerm> = new Map(
  TERMS.map((entry) => [entry.name, entry]),
);

/**
 * The vocabulary name in a resolved SenML name: the part after the last ':', '/' or '_', the marks that SenML base
 * names (RFC 8428) and DEV URNs (RFC 9039) end with. "urn:dev:mac:0024befffe804ff1_hr" gives "hr"; so does "hr".
 */
export function localName(resolvedName: string): string {
  return resolvedName.slice(Math.max(...[':', '/', '_'].map((mark) => resolvedName.lastIndexOf(mark))) + 1);
}

/** The term that a resolved SenML name means, if it is a known one. */
export function findTerm(resolvedName: string): VocabularyTerm | undefined {
  return VOCABULARY.get(localName(resolvedName));
}

/** How the term is written in this SenML unit; in its first unit when none is named; `undefined` for a foreign unit. */
export function findUnit(known: VocabularyTerm, senmlUnit: string | undefined): UnitForm | undefined {
  return senmlUnit === undefined ? known.units[0] : known.units.find((form) => form.senml === senmlUnit);
}
