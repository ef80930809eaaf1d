/** Connect tokens as they stand in docs/vectors/connect-tokens.json. */
import { bytesToHex } from '../../src/bytes.ts';
import { type CborValue, encodeCbor } from '../../src/cbor.ts';
import {
  CONNECT_TOKEN_TYPE,
  type ConnectTokenFault,
  type ConnectTokenFields,
  connectTokenToText,
  signConnectToken,
} from '../../src/connect-token.ts';
import { ALGORITHM_IDS, type Algorithm } from '../../src/cose/algorithm.ts';
import { keyId } from '../../src/cose/key.ts';
import { encodeSign1, signatureInput } from '../../src/cose/sign1.ts';
import { signStatement } from '../../src/statement.ts';
import { PAYLOAD, signNow } from './draft.ts';
import { DEVICES, describeDevice, type TestDevice } from './test-keys.ts';

/** What a gateway answers: it connects, or why not. */
export type TokenVerdict =
  | 'accept'
  | 'malformed'
  | 'not-deterministic'
  | 'unknown-key'
  | 'bad-signature'
  | ConnectTokenFault;

/** One vector. Bytes are lower-case hexadecimal. */
export interface ConnectTokenVector {
  readonly name: string;
  readonly description: string;
  readonly algorithm: string;
  /** The MQTT user name. */
  readonly device: string;
  readonly publicKey: string;
  readonly token: string;
  /** The same as text, for libraries whose passwords are text. */
  readonly text: string;
  readonly verdict: TokenVerdict;
}

export interface ConnectTokenFile {
  readonly about: string;
  /** What the gateway goes by. */
  readonly gateway: {
    readonly audience: string;
    readonly now: number;
    readonly leewaySeconds: number;
    readonly maxSeconds: number;
    /** The one that it gave out just now. */
    readonly challenge: string;
  };
  readonly devices: readonly Readonly<Record<string, string>>[];
  readonly tokens: readonly ConnectTokenVector[];
}

const ABOUT =
  'Connect tokens for testing firmware and gateways (docs/protocol.md, "Connecting"). The secret keys are public: never use them. ' +
  'Each verdict is that of the gateway described, which knows the one public key of the device that the user name names.';
const NOW = 1_760_000_000;
const CHALLENGE = new Uint8Array(40).fill(0xcc);
const GATEWAY = {
  audience: 'clinic.example/log',
  now: NOW,
  leewaySeconds: 300,
  maxSeconds: 600,
  challenge: bytesToHex(CHALLENGE),
};
const CTI = new Uint8Array(16).fill(0x11);
const { Ed25519: ED, ESP256: P256 } = DEVICES;

/** The whole file. The same on every machine. */
export async function makeConnectTokenVectors(): Promise<ConnectTokenFile> {
  return {
    about: ABOUT,
    gateway: GATEWAY,
    devices: Object.values(DEVICES).map(describeDevice),
    tokens: [...(await wellFormed()), ...handMade(), await aStatement()],
  };
}

interface Case {
  readonly name: string;
  readonly description: string;
  readonly verdict: TokenVerdict;
  readonly changes?: Partial<ConnectTokenFields>;
  readonly signer?: TestDevice;
}

const timed = (issuedAt: number, expiresAt: number): Partial<ConnectTokenFields> => ({
  freshness: { kind: 'clock', issuedAt, expiresAt },
});
const challenged = (challenge: Uint8Array): Partial<ConnectTokenFields> => ({
  freshness: { kind: 'challenge', challenge },
});

function plainFields(device: TestDevice): ConnectTokenFields {
  return {
    device: device.urn,
    audience: GATEWAY.audience,
    cti: CTI,
    freshness: { kind: 'clock', issuedAt: NOW, expiresAt: NOW + 300 },
  };
}

async function wellFormed(): Promise<ConnectTokenVector[]> {
  const good = (Object.keys(DEVICES) as Algorithm[]).flatMap((algorithm) => [
    make(DEVICES[algorithm], {
      name: `${algorithm}-clock`,
      description: `Of a device with an ${algorithm} key and a clock: valid for five minutes.`,
      verdict: 'accept',
    }),
    make(DEVICES[algorithm], {
      name: `${algorithm}-challenge`,
      description: 'Of a device without a clock: it repeats the challenge.',
      verdict: 'accept',
      changes: challenged(CHALLENGE),
    }),
  ]);
  const bad: Case[] = [
    {
      name: 'clock-behind',
      description: 'The clock is five minutes behind, and the last second of the validity is now.',
      verdict: 'accept',
      changes: timed(NOW - 600, NOW - 300),
    },
    {
      name: 'expired',
      description: 'One second more.',
      verdict: 'expired',
      changes: timed(NOW - 601, NOW - 301),
    },
    {
      name: 'clock-ahead',
      description: 'The clock is five minutes ahead.',
      verdict: 'accept',
      changes: timed(NOW + 300, NOW + 600),
    },
    {
      name: 'not-yet-valid',
      description: 'One second more.',
      verdict: 'not-yet-valid',
      changes: timed(NOW + 301, NOW + 601),
    },
    {
      name: 'longest',
      description: 'Valid for as long as this gateway takes.',
      verdict: 'accept',
      changes: timed(NOW, NOW + 600),
    },
    {
      name: 'too-long-valid',
      description: 'One second more.',
      verdict: 'too-long-valid',
      changes: timed(NOW, NOW + 601),
    },
    {
      name: 'other-device',
      description: 'iss is not the user name, though the key is that of the device.',
      verdict: 'other-device',
      changes: { device: P256.urn },
    },
    {
      name: 'other-gateway',
      description: 'Made out to another log.',
      verdict: 'other-gateway',
      changes: { audience: 'other.example/log' },
    },
    {
      name: 'stale-challenge',
      description: 'A challenge that this gateway did not give.',
      verdict: 'stale-challenge',
      changes: challenged(new Uint8Array(40).fill(0xcd)),
    },
    {
      name: 'unknown-key',
      description: 'Signed with the key of another device.',
      verdict: 'unknown-key',
      signer: P256,
    },
  ];
  return Promise.all([...good, ...bad.map((one) => make(ED, one))]);
}

async function make(device: TestDevice, { changes, signer, ...rest }: Case): Promise<ConnectTokenVector> {
  const token = await signConnectToken({ ...plainFields(device), ...changes }, (signer ?? device).signer);
  return writeOut(device, token, rest);
}

/** Tokens put together by hand, each with one thing that must not be. */
function handMade(): ConnectTokenVector[] {
  type Map_ = Map<CborValue, CborValue>;
  const build = (header: (map: Map_) => unknown, claims: (map: Map_) => unknown = () => undefined) => {
    const [headerMap, claimsMap] = [plainHeader(), plainClaims()];
    header(headerMap);
    claims(claimsMap);
    const [protectedBytes, payload] = [encodeCbor(headerMap), encodeCbor(claimsMap)];
    const signature = signNow(ED, signatureInput(protectedBytes, payload));
    return encodeSign1({ protectedBytes, payload, signature });
  };
  const none = () => undefined;
  const good = build(none);
  const flipped = Uint8Array.from(good);
  flipped[flipped.length - 1] = (flipped.at(-1) as number) ^ 1;
  const cases: [string, string, TokenVerdict, Uint8Array][] = [
    ['bad-signature', 'One bit of the signature is another.', 'bad-signature', flipped],
    [
      'no-typ',
      'Without typ it might be taken for something else.',
      'malformed',
      build((map) => map.delete(16)),
    ],
    ['other-typ', 'Another kind of CWT.', 'malformed', build((map) => map.set(16, 'application/cwt'))],
    [
      'header-claims',
      'Claims in the header, as a statement has them.',
      'malformed',
      build((map) => map.set(15, plainClaims())),
    ],
    ['header-seq', 'A number, as a statement has it.', 'malformed', build((map) => map.set(-70001, 0))],
    ['no-cti', 'Without an id.', 'malformed', build(none, (map) => map.delete(7))],
    ['short-cti', 'An id of seven bytes.', 'malformed', build(none, (map) => map.set(7, new Uint8Array(7)))],
    ['no-iat', 'An end without a beginning.', 'malformed', build(none, (map) => map.delete(6))],
    ['no-exp', 'A beginning without an end.', 'malformed', build(none, (map) => map.delete(4))],
    ['exp-before-iat', 'It ends before it begins.', 'malformed', build(none, (map) => map.set(4, NOW))],
    [
      'time-and-challenge',
      'A time beside a challenge.',
      'malformed',
      build(none, (map) => map.set(10, CHALLENGE)),
    ],
    [
      'unknown-claim',
      'A claim that is not in the table.',
      'malformed',
      build(none, (map) => map.set(2, 'x')),
    ],
    ['no-aud', 'Made out to nobody.', 'malformed', build(none, (map) => map.delete(3))],
    [
      'wide-tag',
      'Tag 18 in two bytes: CBOR in another encoding.',
      'not-deterministic',
      Uint8Array.of(0xd8, 18, ...good.subarray(1)),
    ],
  ];
  return cases.map(([name, description, verdict, token]) =>
    writeOut(ED, token, { name, description, verdict }),
  );
}

async function aStatement(): Promise<ConnectTokenVector> {
  const fields = { issuer: ED.urn, subject: 'vitals', contentType: 112, seq: 0, payload: PAYLOAD };
  return writeOut(ED, await signStatement(fields, ED.signer), {
    name: 'a-statement',
    description: 'A good statement of the device is no token.',
    verdict: 'malformed',
  });
}

function plainHeader(): Map<CborValue, CborValue> {
  return new Map<CborValue, CborValue>([
    [1, ALGORITHM_IDS.Ed25519],
    [4, keyId(ED.signer.publicKey)],
    [16, CONNECT_TOKEN_TYPE],
  ]);
}

function plainClaims(): Map<CborValue, CborValue> {
  return new Map<CborValue, CborValue>([
    [1, ED.urn],
    [3, GATEWAY.audience],
    [4, NOW + 300],
    [6, NOW],
    [7, CTI],
  ]);
}

function writeOut(
  device: TestDevice,
  token: Uint8Array,
  rest: Pick<ConnectTokenVector, 'name' | 'description' | 'verdict'>,
): ConnectTokenVector {
  const { name, description, verdict } = rest;
  return {
    name,
    description,
    algorithm: device.algorithm,
    device: device.urn,
    publicKey: bytesToHex(device.signer.publicKey.bytes),
    token: bytesToHex(token),
    text: connectTokenToText(token),
    verdict,
  };
}
