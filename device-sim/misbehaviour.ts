/**
 * What devices do that they should not, by name, and how a gateway should take it (docs/protocol.md, "Verdicts").
 *
 * Each is made from an honest device's state and leaves that state as it is: the device itself remains honest.
 */

import { decimalFromInteger } from '../src/decimal.ts';
import { SENML_CONTENT_FORMAT } from '../src/payload.ts';
import { encodeSenml } from '../src/senml.ts';
import { createSigner, type Signer } from '../src/signature.ts';
import { hashEntry, signStatement } from '../src/statement.ts';
import type { IgnoreCode, RejectCode } from '../src/verdict.ts';
import { statementsTopic } from './link.ts';
import type { Random } from './random.ts';
import type { StatementNumber } from './state/acknowledgements.ts';

/** What a misbehaviour may know of the device it stands on. */
export interface Actor {
  readonly urn: string;
  readonly signer: Signer;
  readonly boot: number;
  /** At least 2 statements have been acknowledged, except for devices that are not enrolled. */
  readonly nextSeq: number;
  readonly read: (number: StatementNumber) => Promise<Uint8Array | undefined>;
  /** Another enrolled device. */
  readonly otherUrn: string;
  /** More than the gateway takes as a statement, less than it takes as an MQTT packet. */
  readonly oversizeBytes: number;
  readonly random: Random;
}

/** One message, to be published once as the actor. */
export interface HostileMessage {
  readonly topic: string;
  readonly bytes: Uint8Array;
}

export interface Misbehaviour {
  readonly name: string;
  /** One sentence for people. */
  readonly description: string;
  /** The code the gateway should give. */
  readonly code: RejectCode | IgnoreCode;
  /** Whether the gateway should close the socket instead of acknowledging. */
  readonly closesSocket: boolean;
  /** Whether the gateway must know the device, and takes its honest statements first. */
  readonly isEnrolled: boolean;
  readonly make: (actor: Actor) => Promise<HostileMessage>;
}

const HOSTILE_PULSE = 72;

/** A pack with one pulse; its last byte is the value, so that flipping a bit there changes the reading alone. */
function pulse(value: number): Uint8Array {
  return encodeSenml([{ name: 'hr', value: { kind: 'number', value: decimalFromInteger(value) } }]);
}

interface Forgery {
  readonly seq?: number;
  readonly issuer?: string;
  readonly signer?: Signer;
  readonly payload?: Uint8Array;
}

/** A statement as the device might sign it next, but for what is forged. */
async function forge(actor: Actor, forgery: Forgery = {}): Promise<Uint8Array> {
  const seq = forgery.seq ?? actor.nextSeq;
  const previous = await actor.read({ boot: actor.boot, seq: seq - 1 });
  const fields = {
    issuer: forgery.issuer ?? actor.urn,
    subject: 'vitals',
    contentType: SENML_CONTENT_FORMAT,
    boot: actor.boot,
    seq,
    payload: forgery.payload ?? pulse(HOSTILE_PULSE),
    ...(previous && { prev: hashEntry(previous) }),
  };
  return signStatement(fields, forgery.signer ?? actor.signer);
}

function asActor(actor: Actor, bytes: Uint8Array): HostileMessage {
  return { topic: statementsTopic(actor.urn), bytes };
}

async function lastSent(actor: Actor): Promise<Uint8Array> {
  const bytes = await actor.read({ boot: actor.boot, seq: actor.nextSeq - 1 });
  if (bytes === undefined) throw new RangeError('actor: has sent nothing yet');
  return bytes;
}

/** Flips the lowest bit of the reading inside a signed statement. */
function flipReading(statement: Uint8Array): Uint8Array {
  const signatureHead = 2; // 58 40: a byte string of 64 bytes
  const flipped = Uint8Array.from(statement);
  const at = flipped.length - 64 - signatureHead - 1;
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  return flipped;
}

/** Writes tag 18 in two bytes instead of one: the same statement, the same signature, another encoding. */
function widenTag(statement: Uint8Array): Uint8Array {
  return Uint8Array.of(0xd8, 18, ...statement.subarray(1));
}

const ENROLLED = { closesSocket: false, isEnrolled: true } as const;

const LIST: readonly Misbehaviour[] = [
  {
    ...ENROLLED,
    name: 'flipped-bit',
    description: 'One bit of the reading was changed after it was signed.',
    code: 'bad-signature',
    make: async (actor) => asActor(actor, flipReading(await forge(actor))),
  },
  {
    ...ENROLLED,
    name: 'replay',
    description: 'A statement that was accepted before is sent again, byte for byte.',
    code: 'duplicate',
    make: async (actor) => asActor(actor, await lastSent(actor)),
  },
  {
    ...ENROLLED,
    name: 'wrong-key',
    description: 'The statement is signed with a key that was never enrolled for the device.',
    code: 'unknown-key',
    make: async (actor) => {
      const signer = createSigner(actor.signer.publicKey.algorithm, anyKey(actor.random));
      return asActor(actor, await forge(actor, { signer }));
    },
  },
  {
    ...ENROLLED,
    name: 'cloned-key',
    description: 'A copy of the device, with its key, signs another reading under the last number it used.',
    code: 'equivocation',
    make: async (actor) =>
      asActor(actor, await forge(actor, { seq: actor.nextSeq - 1, payload: pulse(199) })),
  },
  {
    ...ENROLLED,
    name: 'stale-sequence',
    description: 'The device was set back to an old counter and signs new readings under old numbers.',
    code: 'equivocation',
    make: async (actor) => asActor(actor, await forge(actor, { seq: 0, payload: pulse(61) })),
  },
  {
    ...ENROLLED,
    name: 'oversize',
    description: 'The statement is longer than the gateway takes.',
    code: 'oversize',
    closesSocket: true,
    make: async (actor) =>
      asActor(actor, await forge(actor, { payload: actor.random.bytes(actor.oversizeBytes) })),
  },
  {
    ...ENROLLED,
    name: 'garbage',
    description: 'Random bytes stand where a statement should be.',
    code: 'malformed',
    // A break code cannot begin a CBOR item, so no luck makes these a statement.
    make: async (actor) => asActor(actor, Uint8Array.of(0xff, ...actor.random.bytes(200))),
  },
  {
    ...ENROLLED,
    name: 'not-deterministic',
    description: 'A well-signed statement is written in CBOR that is not the shortest.',
    code: 'not-deterministic',
    make: async (actor) => asActor(actor, widenTag(await forge(actor))),
  },
  {
    ...ENROLLED,
    name: 'wrong-issuer',
    description: 'The device signs a statement in the name of another device.',
    code: 'wrong-issuer',
    make: async (actor) => asActor(actor, await forge(actor, { issuer: actor.otherUrn })),
  },
  {
    name: 'unknown-device',
    description: 'A device that nobody enrolled sends a well-signed statement.',
    code: 'unknown-device',
    closesSocket: true,
    isEnrolled: false,
    make: async (actor) => asActor(actor, await forge(actor)),
  },
];

/** Every misbehaviour by its name. */
export const MISBEHAVIOURS: ReadonlyMap<string, Misbehaviour> = new Map(
  LIST.map((entry) => [entry.name, entry]),
);

/** A secret key of any of the algorithms: 32 bytes that are a scalar below each order. */
function anyKey(random: Random): Uint8Array {
  const key = random.bytes(32);
  key[0] = 1;
  return key;
}
