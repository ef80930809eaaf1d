/**
 * What holds across the records of a pack: names, versions, and that each record says something
 * (RFC 8428 sections 4.1, 4.2, 4.4 and 4.5). The reader and the writer both go by it.
 */
import { DEFAULT_VERSION, type FieldName, type SenmlPack, type SenmlRecord } from './record.ts';

/** Where a pack goes against the rules. Records count from 0. */
export interface Fault {
  readonly record: number;
  readonly field: FieldName;
  readonly problem: string;
}

// RFC 8428 section 4.5.1: a letter or digit first, then also - : . / and _
const NAME = /^[A-Za-z0-9][-A-Za-z0-9:./_]*$/;

/**
 * Longest name, base name included. RFC 8428 has no limit; without one a long base name makes every small record expensive,
 * and a pack takes time and memory in the square of its length.
 */
const MAX_NAME_LENGTH = 255;

// Bits 0 to 3 are RFC 8428 itself, bit 4 is secondary units (RFC 9100 section 6). A higher bit is a feature
// that this reader does not have.
const KNOWN_VERSIONS_END = 32;

/** The first fault of a pack, or `undefined` when there is none. */
export function findFault(pack: SenmlPack): Fault | undefined {
  const version = pack[0]?.baseVersion ?? DEFAULT_VERSION;
  let baseName = '';
  let summed = false;
  for (const [index, record] of pack.entries()) {
    baseName = record.baseName ?? baseName;
    summed ||= record.baseSum !== undefined;
    const problem =
      versionProblem(record, version) ?? nameProblem(record, baseName) ?? contentProblem(record, summed);
    if (problem !== undefined) return { record: index, ...problem };
  }
  return undefined;
}

type Problem = Omit<Fault, 'record'> | undefined;

function versionProblem({ baseVersion }: SenmlRecord, expected: number): Problem {
  if (baseVersion === undefined) return undefined;
  if (!Number.isSafeInteger(baseVersion) || baseVersion < 1) {
    return { field: 'bver', problem: 'not a positive integer' };
  }
  if (baseVersion >= KNOWN_VERSIONS_END)
    return { field: 'bver', problem: 'names a feature that is not known here' };
  if (baseVersion !== expected) return { field: 'bver', problem: 'differs from the version of the pack' };
  return undefined;
}

function nameProblem(record: SenmlRecord, baseName: string): Problem {
  const name = baseName + (record.name ?? '');
  if (name === '') return { field: 'n', problem: 'neither a name nor a base name' };
  if (name.length > MAX_NAME_LENGTH)
    return { field: 'n', problem: `a name of more than ${MAX_NAME_LENGTH} characters` };
  return NAME.test(name) ? undefined : { field: 'n', problem: 'a name with characters that are not allowed' };
}

function contentProblem(record: SenmlRecord, summed: boolean): Problem {
  if (record.value !== undefined || record.sum !== undefined || summed) return undefined;
  return { field: 'v', problem: 'neither a value nor a sum' };
}
