/**
 * Sensor Measurement Lists in CBOR (RFC 8428), strict and deterministic, with exact decimals.
 *
 * A pack is the payload of a statement with content type 112. Since the statement names its device, names may be
 * bare vocabulary names ("hr"); a base name that is a URN is as good.
 */
export { decodeSenml, type SenmlError } from './senml/decode.ts';
export { encodeSenml } from './senml/encode.ts';
export {
  SECONDARY_UNITS_VERSION,
  type SenmlPack,
  type SenmlRecord,
  type SenmlValue,
} from './senml/record.ts';
export { type ResolvedRecord, resolveSenml, type SenmlTime } from './senml/resolve.ts';
