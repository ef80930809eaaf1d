/**
 * Deterministic CBOR (RFC 8949 section 4.2.1): every value has one encoding, and only that one is read.
 *
 * Written here rather than taken from a package because the statements stand or fall with it: the reader must
 * tell bytes that are not CBOR from bytes that are CBOR in another encoding, keep floats apart from integers,
 * refuse text that is not UTF-8, and never recurse or allocate further than the input pays for.
 */
export { decodeCbor } from './cbor/decode.ts';
export { encodeCbor } from './cbor/encode.ts';
export {
  CborError,
  type CborErrorCode,
  CborFloat,
  type CborMap,
  CborTag,
  type CborValue,
} from './cbor/value.ts';
