/** Statements that every verifier accepts. */
import { CborFloat, type CborValue, encodeCbor } from '../../src/cbor.ts';
import type { Algorithm } from '../../src/cose/algorithm.ts';
import { hashEntry, type StatementFields, signStatement } from '../../src/statement.ts';
import {
  type Changes,
  type Draft,
  draft,
  ISSUED_AT,
  PAYLOAD,
  setEntry,
  withClaim,
  withLabel,
} from './draft.ts';
import { raw } from './raw-cbor.ts';
import { highS } from './scalars.ts';
import { DEVICES } from './test-keys.ts';

const ALGORITHMS = Object.keys(DEVICES) as Algorithm[];
const { Ed25519: ED, ESP256: P256, ES256K: K256 } = DEVICES;

/** Two chained statements of each device, as `signStatement` makes them, then one permission of the format each. */
export async function goodDrafts(): Promise<Draft[]> {
  const chained = await Promise.all(ALGORITHMS.map(chain));
  return [...chained.flat(), ...variants()];
}

async function chain(algorithm: Algorithm): Promise<Draft[]> {
  const device = DEVICES[algorithm];
  const first: StatementFields = {
    issuer: device.urn,
    subject: 'vitals',
    contentType: 112,
    seq: 0,
    payload: PAYLOAD,
  };
  const firstBytes = await signStatement(first, device.signer);
  const second: StatementFields = {
    ...first,
    seq: 1,
    prev: hashEntry(firstBytes),
    issuedAt: ISSUED_AT,
    beacon: { blockNumber: 23_500_000n, blockHash: new Uint8Array(32).fill(0xbb) },
  };
  return [
    {
      name: `${algorithm}-first`,
      description: `The first statement of a device with an ${algorithm} key and no clock: seq 0, no prev, no iat.`,
      device,
      bytes: firstBytes,
      expected: 'accept',
    },
    {
      name: `${algorithm}-second`,
      description: `The next one: prev is the entry hash of ${algorithm}-first; it has a clock and has heard a beacon.`,
      device,
      bytes: await signStatement(second, device.signer),
      expected: 'accept',
    },
  ];
}

function variants(): Draft[] {
  const good = (name: string, description: string, changes: Changes): Draft => ({
    name,
    description,
    device: changes.device ?? ED,
    bytes: draft(changes),
    expected: 'accept',
  });
  const record = (entries: [CborValue, CborValue][]) => encodeCbor([new Map(entries)]);
  return [
    good('plain', 'The statement that all statements below change in one place: seq 5, prev, iat.', {}),
    good('alg-eddsa', 'alg -8 (EdDSA) is read as Ed25519.', withLabel(1, raw(-8))),
    good('alg-es256', 'alg -7 (ES256) is read as ESP256.', { device: P256, ...withLabel(1, raw(-7)) }),
    good(
      'iat-fraction',
      'A clock with fractions of a second is a float in its shortest form.',
      withClaim(6, raw(new CborFloat(ISSUED_AT + 0.5))),
    ),
    good(
      'iat-half-float',
      'A fraction that half precision holds takes three bytes.',
      withClaim(6, raw(new CborFloat(0.5))),
    ),
    good(
      'iat-whole-float',
      'A whole number of seconds may be a float too.',
      withClaim(6, raw(new CborFloat(86400))),
    ),
    good('iat-epoch', 'A clock that was never set is no reason to refuse.', withClaim(6, raw(0))),
    good('iat-absent', 'A device without a clock leaves iat out.', withClaim(6, undefined)),
    good('sub-unicode', 'The stream may be named in any script.', withClaim(2, raw('心電図'))),
    good(
      'boot-1',
      'After losing its counter a device counts a new boot and starts at seq 0 again, without prev.',
      {
        entries: (entries) =>
          setEntry(setEntry(setEntry(entries, -70001, raw(0)), -70002, undefined), -70004, raw(1)),
      },
    ),
    good('boot-0', 'The default boot may be written out.', withLabel(-70004, raw(0))),
    good(
      'seq-largest',
      'The largest sequence number, 2^53 - 1.',
      withLabel(-70001, raw(Number.MAX_SAFE_INTEGER)),
    ),
    good(
      'beacon-largest',
      'The largest block number, 2^64 - 1.',
      withLabel(-70003, raw([2n ** 64n - 1n, new Uint8Array(32).fill(0xbb)])),
    ),
    good(
      'opaque',
      'A payload of another content type is anchored and delivered as it is, even an empty one.',
      {
        ...withLabel(3, raw('application/octet-stream')),
        payload: new Uint8Array(0),
      },
    ),
    good('implausible', 'A heart rate of 400 is flagged implausible, never refused.', {
      payload: record([
        [0, 'hr'],
        [1, '1/min'],
        [2, 400],
      ]),
    }),
    good('unknown-name', 'A name outside the vocabulary is carried along.', {
      payload: record([
        [0, 'magnetism'],
        [1, 'T'],
        [2, 3],
      ]),
    }),
    good('high-s-ESP256', 'An s above n/2 is valid: secure elements do not normalise.', {
      device: P256,
      sign: highS(P256),
    }),
    good('high-s-ES256K', 'The same on secp256k1.', { device: K256, sign: highS(K256) }),
  ];
}
