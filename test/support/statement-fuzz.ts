/** Statements that are nearly right: real ones changed by a byte, a CBOR head or a field, with a signature that fits or does not. */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { decodeSign1, encodeSign1, signatureInput } from '../../src/cose/sign1.ts';
import { createSigner, type Signer } from '../../src/signature.ts';
import { hashEntry, type StatementFields, signStatement } from '../../src/statement.ts';
import type { SeededRandom } from './seeded-random.ts';
import { heartRate } from './sender.ts';

/** PKCS #8 in front of an Ed25519 seed (RFC 8410). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
const PER_DEVICE = 24;
/** Past the 262,144 bytes that a gateway takes unless it is told otherwise. */
const OVERSIZE_BYTES = 270_000;
const SIGNATURE_BYTES = 64;

/** CBOR that has brought down decoders: heads that lie, indefinite lengths, odd floats, nesting, break codes, big numbers. */
const FRAGMENTS = [
  '5bffffffffffffffff',
  '9bffffffffffffffff',
  'bb7fffffffffffffff',
  '5a7fffffff',
  '7f',
  '9f',
  'bf',
  '5f',
  'ff',
  'fb7ff8000000000000',
  'f97e00',
  'fa7f800000',
  'f97c00',
  'fbfff0000000000000',
  '1bffffffffffffffff',
  '3bffffffffffffffff',
  '1800',
  '190000',
  '1a00000000',
  '1b0000000000000000',
  'd2',
  'c249010000000000000000',
  'c48219ffff01',
  'c4821bffffffffffffffff01',
  'f6',
  'f7',
  'f8ff',
  'f818',
  '1c',
  'fc',
  'a20101',
  'a201010101',
  '80',
  'a0',
  '60',
  '40',
  '62c080',
  '63eda080',
].map((hex) => Buffer.from(hex, 'hex'));

/** An enrolled device whose key a test holds, with real statements to start from. */
export class FuzzDevice {
  readonly urn: string;
  readonly signer: Signer;
  readonly statements: Uint8Array[] = [];
  readonly #key: KeyObject;

  private constructor(urn: string, seed: Uint8Array) {
    this.urn = urn;
    this.signer = createSigner('Ed25519', seed);
    const der = Buffer.concat([PKCS8_ED25519, seed]);
    this.#key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  }

  /** @param random chooses what is odd about the odd half of its statements */
  static async create(urn: string, seed: Uint8Array, random: SeededRandom): Promise<FuzzDevice> {
    const device = new FuzzDevice(urn, seed);
    for (let at = 0; at < PER_DEVICE; at++) {
      const before = device.statements[at - 1];
      const fields: StatementFields = {
        issuer: urn,
        subject: at % 5 === 4 ? 'ecg' : 'vitals',
        contentType: at % 7 === 6 ? 'application/octet-stream' : 112,
        ...(at % 3 === 0 ? {} : { issuedAt: 1_760_000_000 + at }),
        seq: at,
        ...(before === undefined ? {} : { prev: hashEntry(before) }),
        payload: heartRate(50 + at),
      };
      device.statements.push(await signStatement(fields, device.signer));
    }
    for (let at = 0; at < PER_DEVICE; at++)
      device.statements.push(await signStatement(oddFields(urn, random), device.signer));
    return device;
  }

  /** A signature by node:crypto, which is thirty times as fast as the signer. */
  sign(message: Uint8Array): Uint8Array {
    return sign(null, message, this.#key);
  }
}

/** What a statement may say and hardly one ever does: validly signed, so it is evidence. */
function oddFields(urn: string, random: SeededRandom): StatementFields {
  const seq = random.pick([0, 1, 5, 23, 24, 255, 256, 65_536, 2 ** 32, Number.MAX_SAFE_INTEGER]);
  const iat = random.pick([0, 0.5, 1, 946_684_800, 1_760_000_000.25, 4_102_444_800, 253_402_300_799]);
  return {
    issuer: urn,
    subject: random.pick(['v', 'vitals', 'ü', '__proto__', 'x'.repeat(128)]),
    contentType: random.pick<number | string>([112, 0, 60, 65_535, 'text/plain', 'application/senml+cbor']),
    ...(random.chance(0.5) && { issuedAt: iat }),
    seq,
    ...(seq > 0 && { prev: random.bytes(32) }),
    boot: random.pick([0, 1, 2, 255, 2 ** 31, Number.MAX_SAFE_INTEGER]),
    ...(random.chance(0.3) && {
      beacon: { blockNumber: BigInt(random.uint32()), blockHash: random.bytes(32) },
    }),
    payload: random.pick([
      heartRate(random.below(999)),
      new Uint8Array(0),
      random.bytes(200),
      Uint8Array.of(0x80),
    ]),
  };
}

/** A statement of a device, most likely one that is to be refused. */
export function mutateStatement(
  random: SeededRandom,
  device: FuzzDevice,
  others: readonly FuzzDevice[],
): Uint8Array {
  const base = random.pick(device.statements);
  if (random.chance(0.002)) return new Uint8Array(OVERSIZE_BYTES).fill(random.byte());
  switch (random.below(12)) {
    case 0:
    case 1:
      return base;
    case 2:
      return random.pick(random.pick(others).statements); // somebody else's, under this topic
    case 3:
      return random.chance(0.5) ? random.bytes(random.below(300)) : nest(random);
    case 4:
    case 5:
      return resign(random, device, base);
    case 6:
    case 7: // one bit of the signature
      return flipBit(random, base, base.length - SIGNATURE_BYTES);
    case 8: // one bit anywhere behind the heads of tag and array
      return flipBit(random, base, 4);
    default:
      return mutateBytes(random, base);
  }
}

function flipBit(random: SeededRandom, bytes: Uint8Array, from: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  const at = from + random.below(changed.length - from);
  changed[at] = (changed[at] as number) ^ (1 << random.below(8));
  return changed;
}

/** Bytes changed in one to four places, by any of the ways in which transports and encoders go wrong. */
export function mutateBytes(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  let changed: Buffer = Buffer.from(bytes);
  for (let times = 1 + random.below(4); times > 0; times--) changed = mutateOnce(random, changed);
  return changed;
}

function mutateOnce(random: SeededRandom, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const end = at + random.below(bytes.length - at + 1);
  switch (random.below(8)) {
    case 0:
    case 1:
      if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      return bytes;
    case 2:
      if (at < bytes.length) bytes[at] = random.byte();
      return bytes;
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 6:
      return Buffer.concat([bytes.subarray(0, at), random.pick(FRAGMENTS), bytes.subarray(at)]);
    default: // a part of it twice, or a fragment in the place of a part
      if (random.chance(0.5)) return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
      return Buffer.concat([bytes.subarray(0, at), random.pick(FRAGMENTS), bytes.subarray(end)]);
  }
}

/** A changed header or payload under a signature that fits: what only a device with a fault of its own can send. */
function resign(random: SeededRandom, device: FuzzDevice, base: Uint8Array): Uint8Array {
  const decoded = decodeSign1(base);
  if (decoded.kind !== 'ok' || decoded.value.payload === null)
    throw new Error('not a statement to start from');
  const { protectedBytes, payload } = decoded.value;
  const parts = random.chance(0.5)
    ? { protectedBytes: mutateBytes(random, protectedBytes), payload }
    : { protectedBytes, payload: mutateBytes(random, payload) };
  const signature = device.sign(signatureInput(parts.protectedBytes, parts.payload));
  return encodeSign1({ ...parts, signature });
}

/** Arrays in arrays, maps in maps, tags on tags: deep enough to end a decoder that calls itself. */
function nest(random: SeededRandom): Uint8Array {
  const head = random.pick([0x81, 0xa1, 0xc2, 0xd2, 0x9f, 0xbf, 0x5f]);
  const depth = random.pick([10, 1_000, 20_000]);
  const lead = random.chance(0.5) ? Buffer.alloc(0) : Buffer.from('d28443a10132a0', 'hex');
  return Buffer.concat([lead, Buffer.alloc(depth, head), random.bytes(random.below(4))]);
}
