/** Raw r || s as the DER that OpenSSL reads: SEQUENCE { INTEGER r, INTEGER s } (RFC 3279 section 2.2.3). */

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const HEAD_BYTES = 2;
const SCALAR_BYTES = 32;
/** Two integers of 33 bytes each, where a leading zero keeps the number from being negative. */
const MAX_BYTES = HEAD_BYTES + 2 * (HEAD_BYTES + 1 + SCALAR_BYTES);

const scratch = Buffer.alloc(MAX_BYTES);
/** The first n bytes of it, by n: making a Buffer for each signature would cost more than filling one. */
const views = Array.from({ length: MAX_BYTES + 1 }, (_, length) => scratch.subarray(0, length));

/**
 * The DER of the 64 bytes r || s, each in the fewest bytes. Any values are written, zero too: which are allowed is for
 * who verifies. The result is overwritten by the next call.
 */
export function derSignature(raw: Uint8Array): Uint8Array {
  const middle = writeInteger(raw, 0, HEAD_BYTES);
  const end = writeInteger(raw, SCALAR_BYTES, middle);
  scratch[0] = SEQUENCE;
  scratch[1] = end - HEAD_BYTES;
  return views[end] as Buffer;
}

/** Writes the integer of 32 bytes that begins at `from` to the place `at`; gives the place behind it. */
function writeInteger(raw: Uint8Array, from: number, at: number): number {
  const last = from + SCALAR_BYTES - 1;
  let first = from;
  while (first < last && raw[first] === 0) first += 1;
  let to = at + HEAD_BYTES;
  if ((raw[first] as number) >= 0x80) scratch[to++] = 0;
  for (let i = first; i <= last; i++) scratch[to++] = raw[i] as number;
  scratch[at] = INTEGER;
  scratch[at + 1] = to - at - HEAD_BYTES;
  return to;
}
