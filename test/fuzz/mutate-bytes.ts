/** Changes to bytes and to the numbers they stand for. */
import { concatBytes } from '../../src/bytes.ts';
import { flipped } from '../../src/signature/testing/signature-case.ts';
import type { SeededRandom } from '../support/seeded-random.ts';

/** A change to any bytes, with others at hand to take from. */
export function mutateBytes(random: SeededRandom, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  switch (random.below(9)) {
    case 0:
    case 1:
      return bytes.length === 0 ? random.bytes(1) : flipped(bytes, random.below(bytes.length * 8));
    case 2:
      return withByte(bytes, at, random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]));
    case 3:
      return bytes.slice(0, at);
    case 4:
      return concatBytes(bytes, random.bytes(1 + random.below(66)));
    case 5:
      return concatBytes(bytes.slice(0, at), random.bytes(1 + random.below(3)), bytes.slice(at));
    case 6:
      return concatBytes(bytes.slice(0, at), bytes.slice(Math.min(bytes.length, at + 1 + random.below(4))));
    case 7:
      return spliced(random, bytes, other);
    default:
      return filled(bytes, at, 1 + random.below(32), random.pick([0, 0xff]));
  }
}

/** A stretch of `bytes` replaced by what stands at the same place in the other. */
function spliced(random: SeededRandom, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const from = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, other.length, from + 1 + random.below(33));
  if (from < to) copy.set(other.subarray(from, to), from);
  return copy;
}

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (at < copy.length) copy[at] = value;
  return copy;
}

function filled(bytes: Uint8Array, at: number, length: number, value: number): Uint8Array {
  return Uint8Array.from(bytes).fill(value, at, at + length);
}

/** A change to a number below 2^256, near to what matters to the modulus. Not reduced. */
export function mutateNumber(random: SeededRandom, value: bigint, modulus: bigint, field: bigint): bigint {
  const changed = [
    () => value + 1n,
    () => value - 1n,
    () => value + modulus,
    () => value - modulus,
    () => modulus - value,
    () => field - value,
    () => value + field,
    () => (value * 2n) % modulus,
    () => random.pick([0n, 1n, 2n, modulus - 1n, modulus, modulus + 1n, field - 1n, field, field + 1n]),
    () => 1n << BigInt(random.below(256)),
    () => value ^ (1n << BigInt(random.below(256))),
    () => modulus * BigInt(random.below(16)) + value,
  ];
  return BigInt.asUintN(256, random.pick(changed)());
}
