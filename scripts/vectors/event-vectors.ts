/** Device events as a log signs them, good ones and such that must be refused (docs/protocol.md, "Log statements"). */
import { bytesToHex } from '../../src/bytes.ts';
import { type CborValue, encodeCbor } from '../../src/cbor.ts';
import { encodeCoseKey, keyId } from '../../src/cose/key.ts';
import { encodeSign1, signatureInput } from '../../src/cose/sign1.ts';
import { type DeviceEventStatement, signLogStatement } from '../../src/log-statement.ts';
import { createSigner } from '../../src/signature.ts';
import { hashEntry } from '../../src/statement.ts';
import { DEVICES } from './test-keys.ts';

const ORIGIN = 'clinic.example/log';
const IAT = 1_760_000_000;
const LOG_SECRET = new Uint8Array(32).fill(0x44);
const LOG = createSigner('Ed25519', LOG_SECRET);
const DEVICE = DEVICES.ESP256;
const KEY = DEVICE.signer.publicKey;
const CTI = new Uint8Array(16).fill(0x55);

export interface EventVector {
  readonly name: string;
  readonly description: string;
  /** The bytes, hex. */
  readonly statement: string;
  /** `accept`, or the code of the refusal. */
  readonly verdict: string;
  /** SHA-256 of the bytes, hex. */
  readonly entry: string;
  /** Of an accepted one. */
  readonly event?: string;
  readonly effective?: number;
  readonly reason?: string;
}

export interface EventVectorFile {
  readonly log: { readonly origin: string; readonly secretKey: string; readonly publicKey: string };
  readonly device: string;
  /** The key that the events name, as COSE_Key in hex. */
  readonly coseKey: string;
  readonly events: readonly EventVector[];
}

type Good = readonly [name: string, description: string, fields: Partial<DeviceEventStatement>];
type Bad = readonly [name: string, description: string, payload: readonly (readonly [number, CborValue])[]];

const GOOD: readonly Good[] = [
  ['enrol', 'a device with its first key', { event: 'enrol', key: KEY }],
  ['add-key', 'a further key', { event: 'add-key', key: KEY }],
  ['retire-key', 'a key put out of use, from iat', { event: 'retire-key', key: KEY }],
  [
    'retire-key-planned',
    'a planned retirement that was recorded an hour late',
    { event: 'retire-key', key: KEY, effective: IAT - 3600, reason: 'superseded' },
  ],
  [
    'retire-key-compromised',
    'a key that was in other hands for a day before anybody knew',
    { event: 'retire-key', key: KEY, effective: IAT - 86_400, reason: 'compromised' },
  ],
  ['suspend', 'a device refused for now', { event: 'suspend' }],
  ['resume', 'a device taken again', { event: 'resume' }],
  ['revoke', 'a device trusted no more, from iat', { event: 'revoke' }],
  [
    'revoke-stolen',
    'a device stolen half a second before iat',
    { event: 'revoke', effective: IAT - 0.5, reason: 'stolen' },
  ],
  ['revoke-lost', 'a device lost', { event: 'revoke', reason: 'lost' }],
  [
    'revoke-decommissioned',
    'a device out of use in good order',
    { event: 'revoke', reason: 'decommissioned' },
  ],
];

const COSE_KEY = encodeCoseKey(KEY);
const BAD: readonly Bad[] = [
  [
    'effective-not-earlier',
    'effective is iat',
    [
      [1, 'revoke'],
      [3, IAT],
    ],
  ],
  [
    'effective-later',
    'an announcement',
    [
      [1, 'retire-key'],
      [2, COSE_KEY],
      [3, IAT + 1],
    ],
  ],
  [
    'effective-text',
    'effective is no number',
    [
      [1, 'revoke'],
      [3, '2025-10-09'],
    ],
  ],
  [
    'effective-too-early',
    'effective is before the year 1',
    [
      [1, 'revoke'],
      [3, -62_135_596_801],
    ],
  ],
  [
    'effective-enrolment',
    'an enrolment ends nothing',
    [
      [1, 'enrol'],
      [2, COSE_KEY],
      [3, IAT - 1],
    ],
  ],
  [
    'reason-of-suspension',
    'a suspension ends nothing',
    [
      [1, 'suspend'],
      [4, 'lost'],
    ],
  ],
  [
    'reason-unknown',
    'a reason that is none',
    [
      [1, 'revoke'],
      [4, 'mood'],
    ],
  ],
  [
    'reason-number',
    'a reason by number',
    [
      [1, 'revoke'],
      [4, 3],
    ],
  ],
  [
    'unknown-key',
    'a key of the payload that is none',
    [
      [1, 'revoke'],
      [5, 0],
    ],
  ],
  [
    'revoke-with-key',
    'a revocation of a key',
    [
      [1, 'revoke'],
      [2, COSE_KEY],
    ],
  ],
  ['retire-key-without-key', 'a retirement of no key', [[1, 'retire-key']]],
];

/** All of docs/vectors/device-events.json. The secret key is in it: nothing real may ever be signed with it. */
export async function makeEventVectors(): Promise<EventVectorFile> {
  const events: EventVector[] = [];
  for (const [name, description, fields] of GOOD) {
    const { effective, reason, event = 'enrol' } = fields;
    const bytes = await signLogStatement(
      { kind: 'device-event', origin: ORIGIN, device: DEVICE.urn, time: IAT, cti: CTI, ...fields, event },
      LOG,
    );
    events.push({
      ...vector(name, description, bytes, 'accept'),
      event,
      ...(effective === undefined ? {} : { effective }),
      ...(reason === undefined ? {} : { reason }),
    });
  }
  for (const [name, description, payload] of BAD)
    events.push(vector(name, description, await signPayload(new Map(payload)), 'malformed'));
  return {
    log: {
      origin: ORIGIN,
      secretKey: bytesToHex(LOG_SECRET),
      publicKey: bytesToHex(LOG.publicKey.bytes),
    },
    device: DEVICE.urn,
    coseKey: bytesToHex(COSE_KEY),
    events,
  };
}

function vector(name: string, description: string, bytes: Uint8Array, verdict: string): EventVector {
  return { name, description, statement: bytesToHex(bytes), verdict, entry: bytesToHex(hashEntry(bytes)) };
}

/** A validly signed event with any payload. */
async function signPayload(content: Map<CborValue, CborValue>): Promise<Uint8Array> {
  const protectedBytes = encodeCbor(
    new Map<CborValue, CborValue>([
      [1, -19],
      [3, 'application/vnd.vitalseal.device-event+cbor'],
      [4, keyId(LOG.publicKey)],
      [
        15,
        new Map<CborValue, CborValue>([
          [1, ORIGIN],
          [2, DEVICE.urn],
          [6, IAT],
          [7, CTI],
        ]),
      ],
    ]),
  );
  const payload = encodeCbor(content);
  const signature = await LOG.sign(signatureInput(protectedBytes, payload));
  return encodeSign1({ protectedBytes, payload, signature });
}
