/** Deterministic, validly signed statements that break one rule of the header table, or of the payload's type. */
import { utf8ToBytes } from '../../src/bytes.ts';
import { CborFloat, encodeCbor } from '../../src/cbor.ts';
import { type Changes, type Draft, draft, type Expected, setEntry, withClaim, withLabel } from './draft.ts';
import { hex, raw } from './raw-cbor.ts';
import { DEVICES } from './test-keys.ts';

export function badContentDrafts(): Draft[] {
  return [...header(), ...claims(), ...place(), ...payload()];
}

const bad = (
  name: string,
  description: string,
  changes: Changes,
  expected: Expected = 'malformed',
): Draft => ({
  name,
  description,
  device: DEVICES.Ed25519,
  bytes: draft(changes),
  expected,
});

function header(): Draft[] {
  return [
    bad('no-parameters', 'No header parameters at all.', { header: () => new Uint8Array(0) }),
    bad('no-alg', 'alg is missing.', withLabel(1, undefined)),
    bad('alg-es384', 'alg -35 (ES384) is not spoken.', withLabel(1, raw(-35))),
    bad('alg-text', 'alg as text.', withLabel(1, raw('EdDSA'))),
    bad('crit', 'crit is not allowed, since unknown labels are not.', withLabel(2, raw([1]))),
    bad('no-content-type', 'The content type is missing.', withLabel(3, undefined)),
    bad('content-type-negative', 'A negative content format.', withLabel(3, raw(-1))),
    bad('content-type-large', 'A content format beyond 65535.', withLabel(3, raw(65536))),
    bad('content-type-word', 'Text that is no media type.', withLabel(3, raw('senml'))),
    bad('no-kid', 'kid is missing.', withLabel(4, undefined)),
    bad('kid-7', 'A kid of 7 bytes.', withLabel(4, raw(new Uint8Array(7)))),
    bad('kid-32', 'The whole thumbprint as kid.', withLabel(4, raw(new Uint8Array(32)))),
    bad('unknown-label', 'A label that the table does not have.', withLabel(-70005, raw(1))),
    bad('text-label', 'A label as text.', withLabel('seq', raw(5))),
  ];
}

function claims(): Draft[] {
  return [
    bad('no-claims', 'The claims are missing.', withLabel(15, undefined)),
    bad('claims-bytes', 'The claims as a byte string.', withLabel(15, hex('41a0'))),
    bad('no-iss', 'iss is missing.', withClaim(1, undefined)),
    bad('iss-url', 'iss is no device URN.', withClaim(1, raw('https://device.example/1'))),
    bad(
      'iss-upper-case',
      'iss with upper-case hexadecimal digits, which RFC 9039 does not have.',
      withClaim(1, raw('urn:dev:mac:0024BEFFFE804FF1')),
    ),
    bad('iss-wildcard', 'iss with an MQTT wildcard.', withClaim(1, raw('urn:dev:os:32473-+'))),
    bad('iss-long', 'iss of 129 characters.', withClaim(1, raw(`urn:dev:os:32473-${'1'.repeat(112)}`))),
    bad('no-sub', 'sub is missing.', withClaim(2, undefined)),
    bad('sub-empty', 'sub is empty.', withClaim(2, raw(''))),
    bad('sub-long', 'sub of 129 bytes.', withClaim(2, raw('v'.repeat(129)))),
    bad('sub-control', 'sub with a line break.', withClaim(2, raw('vitals\n'))),
    bad('iat-text', 'iat as text.', withClaim(6, raw('2025-10-09T08:53:20Z'))),
    bad('iat-nan', 'iat is not a number.', withClaim(6, raw(new CborFloat(Number.NaN)))),
    bad('iat-infinite', 'iat is infinite.', withClaim(6, raw(new CborFloat(Number.POSITIVE_INFINITY)))),
    bad(
      'iat-milliseconds',
      'iat in milliseconds: beyond the year 9999.',
      withClaim(6, raw(1_760_000_000_000)),
    ),
    bad('iat-tag', 'iat with tag 1, which RFC 8392 leaves out.', withClaim(6, hex('c11a68e778c0'))),
    bad('unknown-claim', 'A claim that the table does not have.', withClaim(7, raw(new Uint8Array(16)))),
  ];
}

function place(): Draft[] {
  return [
    bad('no-seq', 'seq is missing.', withLabel(-70001, undefined)),
    bad('seq-negative', 'A negative seq.', withLabel(-70001, raw(-1))),
    bad('seq-float', 'seq as a float.', withLabel(-70001, raw(new CborFloat(5)))),
    bad('seq-large', 'seq 2^53, one beyond the largest.', withLabel(-70001, raw(2n ** 53n))),
    bad('no-prev', 'prev is missing although seq is not 0.', withLabel(-70002, undefined)),
    bad('prev-at-0', 'prev is present although seq is 0.', withLabel(-70001, raw(0))),
    bad('prev-31', 'A prev of 31 bytes.', withLabel(-70002, raw(new Uint8Array(31)))),
    bad('prev-null', 'prev is nil instead of absent.', {
      entries: (entries) => setEntry(setEntry(entries, -70001, raw(0)), -70002, raw(null)),
    }),
    bad('beacon-hash-short', 'A block hash of 31 bytes.', withLabel(-70003, raw([1, new Uint8Array(31)]))),
    bad(
      'beacon-number-negative',
      'A negative block number.',
      withLabel(-70003, raw([-1, new Uint8Array(32)])),
    ),
    bad(
      'beacon-time',
      'The beacon as it is published, with its time.',
      withLabel(-70003, raw([1, new Uint8Array(32), 1_760_000_000])),
    ),
    bad('boot-negative', 'A negative boot.', withLabel(-70004, raw(-1))),
    bad('boot-text', 'boot as text.', withLabel(-70004, raw('1'))),
  ];
}

function payload(): Draft[] {
  return [
    bad('senml-empty', 'Content type 112 and no bytes.', { payload: new Uint8Array(0) }),
    bad('senml-json', 'SenML in JSON under the number of SenML in CBOR.', {
      payload: utf8ToBytes('[{"n":"hr","v":72}]'),
    }),
    bad('senml-map', 'One record that does not stand in an array.', {
      payload: encodeCbor(new Map([[2, 72]])),
    }),
    bad(
      'senml-indefinite',
      'A pack of indefinite length.',
      { payload: hex('9fa20062687202 1848ff') },
      'not-deterministic',
    ),
  ];
}
