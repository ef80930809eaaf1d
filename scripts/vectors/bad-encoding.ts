/** Statements whose content is fine and validly signed, in bytes that are not the deterministic encoding, or no CBOR. */
import { concatBytes, utf8ToBytes } from '../../src/bytes.ts';
import {
  type Changes,
  type Draft,
  draft,
  type Expected,
  plainClaims,
  setEntry,
  withClaim,
  withLabel,
} from './draft.ts';
import {
  hex,
  indefiniteArray,
  indefiniteBytes,
  indefiniteMap,
  longBytes,
  type RawEntries,
  raw,
  rawArray,
  rawMap,
} from './raw-cbor.ts';
import { DEVICES } from './test-keys.ts';

const device = DEVICES.Ed25519;

/** Swaps the first two entries. */
const swapped = ([first, second, ...rest]: RawEntries): RawEntries =>
  first === undefined || second === undefined ? [] : [second, first, ...rest];

const withClaims = (encode: (claims: RawEntries) => Uint8Array): Changes => ({
  entries: (entries) => setEntry(entries, 15, encode(plainClaims(device))),
});

export function badEncodingDrafts(): Draft[] {
  return [...notDeterministic(), ...notCbor(), ...notSign1()];
}

function notDeterministic(): Draft[] {
  const bad = (name: string, description: string, changes: Changes): Draft =>
    make(name, description, draft(changes), 'not-deterministic');
  const tagged = (array: (parts: readonly Uint8Array[]) => Uint8Array): Changes => ({
    outer: (parts) => concatBytes(hex('d2'), array(parts)),
  });
  return [
    bad('long-tag', 'Tag 18 in two bytes.', { outer: (parts) => concatBytes(hex('d812'), rawArray(parts)) }),
    bad(
      'long-array',
      'The array length 4 in two bytes.',
      tagged((parts) => concatBytes(hex('9804'), ...parts)),
    ),
    bad('indefinite-array', 'The outer array with an indefinite length.', tagged(indefiniteArray)),
    bad('long-protected', 'The protected header’s length in two bytes.', {
      parts: (_, { protectedBytes }) => ({ protectedHeader: longBytes(protectedBytes) }),
    }),
    bad('indefinite-protected', 'The protected header’s byte string in chunks.', {
      parts: (_, { protectedBytes }) => ({ protectedHeader: indefiniteBytes(protectedBytes) }),
    }),
    bad('indefinite-header', 'The header map with an indefinite length.', { header: indefiniteMap }),
    bad('indefinite-claims', 'The claims with an indefinite length.', withClaims(indefiniteMap)),
    bad('indefinite-unprotected', 'The unprotected header with an indefinite length.', {
      parts: () => ({ unprotectedHeader: hex('bfff') }),
    }),
    bad('indefinite-payload', 'The payload in chunks.', {
      payload: utf8ToBytes('opaque'),
      ...withLabel(3, raw(42)),
      parts: () => ({ payload: indefiniteBytes(utf8ToBytes('opaque')) }),
    }),
    bad('long-signature', 'The signature’s length in two bytes.', {
      parts: ({ signature }) => ({ signature: longBytes(signature.slice(2)) }),
    }),
    bad('long-alg', 'alg -19 in two bytes.', withLabel(1, hex('3812'))),
    bad('long-seq', 'seq 5 in two bytes.', withLabel(-70001, hex('1805'))),
    bad(
      'long-seq-8',
      'seq 5 in nine bytes, as fixed-width encoders write it.',
      withLabel(-70001, hex('1b0000000000000005')),
    ),
    bad('long-label', 'The label -70001 in nine bytes.', {
      entries: (entries) => [
        ...entries.slice(0, 4),
        [hex('3b0000000000011170'), raw(5)],
        ...entries.slice(5),
      ],
    }),
    bad('long-iss', 'The length of iss in two bytes.', {
      ...withClaim(1, concatBytes(hex('7900'), Uint8Array.of(device.urn.length), utf8ToBytes(device.urn))),
    }),
    bad('iat-double', 'A half second in double precision.', withClaim(6, hex('fb3fe0000000000000'))),
    bad(
      'iat-nan-double',
      'A NaN in double precision: judged by its encoding first.',
      withClaim(6, hex('fb7ff8000000000000')),
    ),
    bad('unsorted-header', 'Labels 3 and 1 in this order.', { entries: swapped }),
    bad('unsorted-private', 'prev before seq.', {
      entries: (entries) => [...entries.slice(0, 4), ...swapped(entries.slice(4))],
    }),
    bad('unsorted-length-first', 'Negative labels before positive ones, as a sort by value gives.', {
      entries: (entries) => [...entries.slice(4), ...entries.slice(0, 4)],
    }),
    bad(
      'unsorted-claims',
      'Claims 2 and 1 in this order.',
      withClaims((claims) => rawMap(swapped(claims))),
    ),
    bad('duplicate-label', 'seq twice, with the same value.', {
      entries: (entries) => [...entries.slice(0, 5), ...entries.slice(4)],
    }),
    bad('duplicate-claim', 'iss twice, with another device second.', {
      ...withClaims((claims) =>
        rawMap([...claims.slice(0, 1), [raw(1), raw('urn:dev:os:32473-1')], ...claims.slice(1)]),
      ),
    }),
    bad('empty-header-map', 'No header parameters, written as an empty map.', {
      entries: () => [],
    }),
  ];
}

function notCbor(): Draft[] {
  const plain = draft();
  const bad = (name: string, description: string, bytes: Uint8Array): Draft =>
    make(name, description, bytes, 'malformed');
  return [
    bad('empty', 'No bytes.', new Uint8Array(0)),
    bad('truncated', 'The last byte of the signature is missing.', plain.slice(0, -1)),
    bad('truncated-half', 'Half of a statement.', plain.slice(0, plain.length >> 1)),
    bad('trailing', 'One byte after the statement.', concatBytes(plain, Uint8Array.of(0))),
    bad('twice', 'Two statements in one message.', concatBytes(plain, plain)),
    bad('json', 'JSON is not CBOR.', utf8ToBytes('{"hr":72}')),
    bad('hex-text', 'The statement as hexadecimal text.', utf8ToBytes(Buffer.from(plain).toString('hex'))),
    bad(
      'lying-length',
      'A payload that claims 4 GB.',
      concatBytes(hex('d28440a05affffffff'), plain.slice(0, 40)),
    ),
    bad('deep', 'A thousand nested arrays.', new Uint8Array(1000).fill(0x81)),
    bad('not-utf8', 'A stream name that is not UTF-8.', draft(withClaim(2, hex('62c328')))),
    bad('undefined-iat', 'iat is the simple value undefined.', draft(withClaim(6, hex('f7')))),
    bad(
      'header-trailing',
      'A byte after the map within the protected header.',
      draft({
        header: (entries) => concatBytes(rawMap(entries), Uint8Array.of(0)),
      }),
    ),
  ];
}

function notSign1(): Draft[] {
  const bad = (name: string, description: string, changes: Changes): Draft =>
    make(name, description, draft(changes), 'malformed');
  return [
    bad('no-tag', 'Without tag 18.', { outer: rawArray }),
    bad('tag-twice', 'Tag 18 twice.', { outer: (parts) => concatBytes(hex('d2d2'), rawArray(parts)) }),
    bad('tag-cwt', 'Within the CWT tag 61.', {
      outer: (parts) => concatBytes(hex('d83dd2'), rawArray(parts)),
    }),
    bad('tag-sign', 'Tagged as COSE_Sign (98).', {
      outer: (parts) => concatBytes(hex('d862'), rawArray(parts)),
    }),
    bad('five-elements', 'A fifth element.', {
      outer: (parts) => concatBytes(hex('d2'), rawArray([...parts, hex('f6')])),
    }),
    bad('three-elements', 'No signature.', {
      outer: (parts) => concatBytes(hex('d2'), rawArray(parts.slice(0, 3))),
    }),
    bad('bare-header', 'The protected header as a map instead of a byte string.', {
      parts: (_, { protectedBytes }) => ({ protectedHeader: protectedBytes }),
    }),
    bad('header-array', 'The protected header holds an array.', { header: () => hex('80') }),
    bad('payload-detached', 'The payload is nil.', { parts: () => ({ payload: hex('f6') }) }),
    bad('payload-text', 'The payload is text.', { parts: () => ({ payload: raw('72') }) }),
    bad('kid-unprotected', 'kid in the unprotected header, as many COSE libraries put it.', {
      entries: (entries) => setEntry(entries, 4, undefined),
      parts: () => ({ unprotectedHeader: rawMap([[raw(4), raw(new Uint8Array(8))]]) }),
    }),
    bad('unprotected-extra', 'Any parameter in the unprotected header.', {
      parts: () => ({ unprotectedHeader: rawMap([[raw(33), hex('40')]]) }),
    }),
  ];
}

function make(name: string, description: string, bytes: Uint8Array, expected: Expected): Draft {
  return { name, description, device, bytes, expected };
}
