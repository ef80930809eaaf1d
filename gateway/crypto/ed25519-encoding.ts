/** Which 32 bytes may stand for a key or an R of Ed25519, told without any arithmetic (RFC 8032 section 5.1.2). */

const BYTES = 32;
/** The y of the eight points of small order, little-endian, in their canonical form. */
const SMALL_ORDER_Y = [
  '0100000000000000000000000000000000000000000000000000000000000000', // order 1, x = 0
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // order 2, x = 0
  '0000000000000000000000000000000000000000000000000000000000000000', // order 4, both x
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', // order 8, both x
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', // order 8, both x
].map((hex) => Buffer.from(hex, 'hex'));

/**
 * Whether the first 32 bytes are neither an encoding of a point of small order nor a y that is not reduced. Whether they are a
 * point at all is not asked. The one sign that no x bears, that of x = 0, goes with points of small order only.
 */
export function isUsableEncoding(bytes: Uint8Array): boolean {
  return isReduced(bytes) && !SMALL_ORDER_Y.some((y) => isSameY(bytes, y));
}

/** y < p = 2^255 - 19: not so when every bit but those of the lowest byte is set and that byte is 0xed or more. */
function isReduced(bytes: Uint8Array): boolean {
  if ((bytes[0] as number) < 0xed) return true;
  for (let i = 1; i < BYTES - 1; i++) if (bytes[i] !== 0xff) return true;
  return ((bytes[BYTES - 1] as number) & 0x7f) !== 0x7f;
}

function isSameY(bytes: Uint8Array, y: Uint8Array): boolean {
  for (let i = 0; i < BYTES - 1; i++) if (bytes[i] !== y[i]) return false;
  return ((bytes[BYTES - 1] as number) & 0x7f) === y[BYTES - 1];
}
