/** The data model of SenML (RFC 8428 section 4) and its CBOR labels (section 6, table 4). */
import type { CborValue } from '../cbor.ts';
import type { Decimal } from '../decimal.ts';

/** What one record holds; the kinds are the fields v, vs, vb and vd. */
export type SenmlValue =
  | { readonly kind: 'number'; readonly value: Decimal }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'data'; readonly value: Uint8Array };

/** A record as written. Base fields hold for this record and those after it, until set again. */
export interface SenmlRecord {
  /** Bits of the features in use (RFC 9100); 10 when no record of the pack says otherwise. */
  readonly baseVersion?: number;
  readonly baseName?: string;
  /** Seconds; the sum with `time` is absolute from 2^28 on, otherwise relative to now (section 4.5.3). */
  readonly baseTime?: Decimal;
  readonly baseUnit?: string;
  readonly baseValue?: Decimal;
  readonly baseSum?: Decimal;
  readonly name?: string;
  readonly unit?: string;
  readonly value?: SenmlValue;
  readonly sum?: Decimal;
  /** Seconds. */
  readonly time?: Decimal;
  /** Seconds until the next reading at the latest. */
  readonly updateTime?: Decimal;
  /** Fields of other specifications, by their text labels; none ends with "_". */
  readonly extensions?: ReadonlyMap<string, CborValue>;
}

/** One or more records. */
export type SenmlPack = readonly SenmlRecord[];

/** The version when no record names one: RFC 8428 itself. */
export const DEFAULT_VERSION = 10;

/** RFC 8428 plus the secondary units of RFC 8798 (feature 4 of RFC 9100): what a pack with ms or mV announces. */
export const SECONDARY_UNITS_VERSION = 26;

/** Integer labels. The table is closed: RFC 8428 lets no other integer become a label. */
export const LABELS = {
  bver: -1,
  bn: -2,
  bt: -3,
  bu: -4,
  bv: -5,
  bs: -6,
  n: 0,
  u: 1,
  v: 2,
  vs: 3,
  vb: 4,
  s: 5,
  t: 6,
  ut: 7,
  vd: 8,
} as const;

/** The name of a field in JSON, by which details of verdicts call it. */
export type FieldName = keyof typeof LABELS;

/** The field that an integer label stands for. */
export const FIELD_BY_LABEL: ReadonlyMap<number, FieldName> = new Map(
  Object.entries(LABELS).map(([field, label]) => [label, field as FieldName]),
);
