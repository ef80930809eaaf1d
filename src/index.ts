/**
 * The Vitalseal protocol as a library: the same in a browser and in Node. It does no I/O and has no clock, no
 * randomness and no configuration of its own. The text it implements is docs/protocol.md.
 *
 * Bytes and texts from outside are read into a `Parsed`; misuse by the caller throws TypeError or RangeError.
 */

// Bytes and deterministic CBOR
export {
  base64ToBytes,
  bytesToBase64,
  bytesToHex,
  compareBytes,
  concatBytes,
  equalBytes,
  hexToBytes,
  utf8ToBytes,
} from './bytes.ts';
export {
  CborError,
  type CborErrorCode,
  CborFloat,
  type CborMap,
  CborTag,
  type CborValue,
  decodeCbor,
  encodeCbor,
} from './cbor.ts';
export {
  type CheckpointKey,
  formatCheckpoint,
  isLogOrigin,
  type ParsedCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  type TreeHead,
  verifyCheckpoint,
} from './checkpoint.ts';

// Showing a gateway who one is
export {
  CONNECT_TOKEN_MAX_BYTES,
  CONNECT_TOKEN_TYPE,
  type ConnectToken,
  type ConnectTokenFault,
  type ConnectTokenFields,
  type ConnectTokenRules,
  connectTokenFromPassword,
  connectTokenToText,
  decodeConnectToken,
  type Freshness,
  findConnectTokenFault,
  signConnectToken,
} from './connect-token.ts';
// Keys and signatures
export { ALGORITHM_IDS, type Algorithm, algorithmFromId } from './cose/algorithm.ts';
export {
  decodeCoseKey,
  encodeCoseKey,
  keyId,
  type PublicKey,
  parsePublicKey,
  thumbprint,
} from './cose/key.ts';
export { decodeSign1, encodeSign1, type Sign1, signatureInput } from './cose/sign1.ts';
export { COSIGNATURE_TYPE, type Cosignature, signCosignature, verifyCosignature } from './cosignature.ts';
// Readings
export {
  addDecimal,
  compareDecimal,
  type Decimal,
  decimal,
  decimalFromInteger,
  decimalFromNumber,
  decimalToNumber,
  formatDecimal,
  multiplyDecimal,
  parseDecimal,
} from './decimal.ts';
export { decimalFromCbor, decimalToCbor } from './decimal-cbor.ts';
// Deliveries to a care provider
export {
  DELIVERY_INFO,
  DELIVERY_MAX_BYTES,
  DELIVERY_MAX_ENTRIES,
  DELIVERY_MEDIA_TYPE,
  DELIVERY_SEALED_MAX_BYTES,
  type DeliveredEntry,
  type Delivery,
  type DeliveryMode,
  decodeDelivery,
  deliveryAad,
  encodeDelivery,
  isBatchId,
  type ProvenEntry,
  type ReceiptsDelivery,
  type StatementsDelivery,
} from './delivery.ts';
export {
  DEVICE_EVENTS,
  type DeviceEvent,
  type DeviceEventStatement,
  decodeLogStatement,
  END_REASONS,
  type EndReason,
  type Heartbeat,
  isExposed,
  type LogStatement,
  type LogStatementEnvelope,
  signLogStatement,
} from './log-statement.ts';
// The log
export { Frontier, type OnComplete } from './merkle/frontier.ts';
export { EMPTY_ROOT, HASH_BYTES, type HashNode, hashLeaf, hashNode } from './merkle/hash.ts';
export {
  type Multiproof,
  type ProvenLeaf,
  proveMany,
  rootFromMultiproof,
  verifyMany,
} from './merkle/multiproof.ts';
export { type NodeReader, proveConsistency, proveInclusion } from './merkle/proof.ts';
export { computeRoot } from './merkle/root.ts';
export {
  type ConsistencyClaim,
  type InclusionProof,
  rootFromInclusionProof,
  verifyConsistency,
  verifyInclusion,
} from './merkle/verify.ts';
export {
  inspectPayload,
  type PayloadInspection,
  SENML_CONTENT_FORMAT,
  TEST_DATA_NAME,
  TEST_DATA_RECORD,
} from './payload.ts';
// Receipts and their verification
export { type Anchor, decodeAnchor, encodeAnchor } from './receipt/anchor.ts';
export {
  ANSWER_CODES,
  type Answer,
  type AnswerCode,
  type AnswerData,
  type AnswerVerdict,
  type BlockEvidence,
  type BlockMoment,
  type FinalitySource,
  type KnownAnchor,
  QUESTIONS,
  type Question,
  type StatementRange,
  type TimeInterval,
} from './receipt/answer.ts';
export { type ReceiptEnvelope, withAnchors, withTimestamp } from './receipt/envelope.ts';
export { type EventProof, type EventProofFault, findEventProofFault } from './receipt/event-proof.ts';
export {
  decodePack,
  decodePackReceipt,
  encodePack,
  PACK_MEDIA_TYPE,
  type Pack,
  type PackReceipt,
  type PackReceiptFields,
  signPackReceipt,
} from './receipt/pack.ts';
export { decodeReceipt, type Receipt, type ReceiptFields, signReceipt } from './receipt/receipt.ts';
export { type ReceiptTimestamp, readTimestamp, type TimestampFault } from './receipt/timestamp.ts';
export {
  attachReceipt,
  decodeTransparentStatement,
  RECEIPT_MEDIA_TYPE,
  type TransparentStatement,
} from './receipt/transparent-statement.ts';
export type {
  AnchorFact,
  BlockFact,
  ChainFacts,
  LogContract,
  MissingAnchor,
  Trust,
  TrustedBlock,
  TrustedDeviceKey,
  TrustedLog,
} from './receipt/trust.ts';
export {
  type ChainQuestions,
  chainQuestions,
  decidingAnswers,
  isProven,
  type Outcome,
  outcomeOf,
  PACK_QUESTIONS,
  type PackedVerdicts,
  type PackVerdicts,
  RECEIPT_QUESTIONS,
  type ReceiptVerdicts,
  verifyPack,
  verifyReceipt,
} from './receipt/verify.ts';
export {
  decodeSenml,
  encodeSenml,
  type ResolvedRecord,
  resolveSenml,
  type SenmlError,
  type SenmlPack,
  type SenmlRecord,
  type SenmlTime,
  type SenmlValue,
} from './senml.ts';
export { createSigner, type Signer, verifySignature } from './signature.ts';
export {
  ED25519_TYPE,
  type Note,
  type NoteKey,
  type NoteSignature,
  noteKeyId,
  parseNote,
  signNote,
  verifyNote,
} from './signed-note.ts';
// Statements
export {
  type Beacon,
  decodeStatement,
  hashEntry,
  isDeviceUrn,
  type Statement,
  type StatementFields,
  signStatement,
} from './statement.ts';
export {
  encodeEntryBundle,
  parseTilePath,
  TILE_WIDTH,
  type TileLevel,
  type TilePath,
  tilePath,
  tileWidth,
} from './tile.ts';
// Timestamps of an authority
export {
  encodeTimestampRequest,
  parseTimestampToken,
  readTimestampResponse,
  TIMESTAMP_MAX_BYTES,
  type TimestampRequest,
  type TimestampToken,
} from './timestamp/rfc3161.ts';
// Witnesses of a log
export {
  ADD_CHECKPOINT_PATH,
  type AddCheckpoint,
  encodeAddCheckpoint,
  parseAddCheckpoint,
  parseTreeSize,
  readCosignatures,
  TREE_SIZE_MEDIA_TYPE,
  WITNESS_MESSAGE_MAX_BYTES,
} from './tlog-witness.ts';
// Results
export {
  FLAGS,
  type Flag,
  IGNORE_CODES,
  type IgnoreCode,
  type Parsed,
  REJECT_CODES,
  type RejectCode,
} from './verdict.ts';
export { formatVerifierKey, parseVerifierKey } from './verifier-key.ts';
export {
  BLOOD_PRESSURE_PANEL,
  findTerm,
  findUnit,
  GLUCOSE_MG_DL_PER_MMOL_L,
  localName,
  type UnitForm,
  type UnitRegistry,
  VOCABULARY,
  type VocabularyTerm,
} from './vocabulary.ts';
export {
  readWaveform,
  type Waveform,
  waveformExtremes,
  waveformFields,
  waveformValue,
} from './waveform.ts';
export {
  findWebhookFault,
  formatWebhookKey,
  parseWebhookKey,
  signWebhook,
  WEBHOOK_ID_HEADER,
  WEBHOOK_SIGNATURE_HEADER,
  WEBHOOK_TIMESTAMP_HEADER,
  WEBHOOK_TOLERANCE_SECONDS,
  type WebhookFault,
  type WebhookHeaders,
} from './webhook.ts';
