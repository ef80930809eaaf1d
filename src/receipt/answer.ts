/** The questions a verification answers, and the closed set of reasons it gives. */
import type { Anchor } from './anchor.ts';

/**
 * - `well-formed`: the file is what it should be; without it nothing else is looked at.
 * - `signature`: the key it names signed the statement.
 * - `device-key`: that key was the device's, and good when the statement was signed.
 * - `included`: the statement is in the tree whose root a trusted log key signed.
 * - `anchored`: that state of the log stands on a chain.
 * - `final`: it will stay there.
 * - `not-before`: the statement was made after this moment (its beacon).
 * - `not-after`: the statement existed by this moment (its anchor's block).
 * - `timestamp`: an authority outside stamped the log when it held the statement. Never yes: its signature is not for this library to check.
 * - `complete`: within a pack nothing a device signed between its first and last statement is left out.
 */
export const QUESTIONS = [
  'well-formed',
  'signature',
  'device-key',
  'included',
  'anchored',
  'final',
  'not-before',
  'not-after',
  'timestamp',
  'complete',
] as const;
export type Question = (typeof QUESTIONS)[number];

/** Why an answer is what it is. Each code always comes with the same verdict. */
export const ANSWER_CODES = {
  // well-formed
  'well-formed': 'yes',
  malformed: 'no',
  'not-deterministic': 'no',
  // any other question about a file that is not well-formed
  'not-decoded': 'unknown',
  // signature
  'signature-valid': 'yes',
  'bad-signature': 'no',
  'no-key': 'unknown',
  // device-key
  'key-valid': 'yes',
  'key-retired-later': 'yes',
  'key-revoked-later': 'yes',
  'unknown-device': 'unknown',
  'unknown-key': 'no',
  'wrong-issuer': 'no',
  'key-not-yet-valid': 'no',
  'enrolment-undecided': 'unknown',
  'key-retired': 'no',
  'retirement-undecided': 'unknown',
  'key-revoked': 'no',
  'revocation-undecided': 'unknown',
  // included
  included: 'yes',
  'bad-path': 'no',
  'bad-log-signature': 'no',
  'unknown-log': 'unknown',
  'unknown-log-key': 'no',
  // anchored
  anchored: 'yes',
  'anchored-anywhere': 'unknown',
  'no-anchor': 'unknown',
  'anchor-unchecked': 'unknown',
  'anchor-of-another-state': 'no',
  'anchor-of-another-contract': 'no',
  'anchor-contradicted': 'no',
  'anchor-missing': 'no',
  // anchored, by the proof of the event in the file
  'block-unvouched': 'unknown',
  'header-unreadable': 'no',
  'header-of-another-block': 'no',
  'event-proof-broken': 'no',
  'transaction-failed': 'no',
  'event-missing': 'no',
  'event-of-another-contract': 'no',
  'event-of-another-log': 'no',
  'event-of-another-size': 'no',
  'event-of-another-root': 'no',
  // final and not-after
  final: 'yes',
  'final-as-told': 'yes',
  'not-final': 'unknown',
  'block-time': 'yes',
  'not-anchored': 'unknown',
  'block-not-final': 'unknown',
  // not-before
  'beacon-on-chain': 'yes',
  'beacon-block-told': 'yes',
  'no-beacon': 'unknown',
  'beacon-unchecked': 'unknown',
  'beacon-not-on-chain': 'unknown',
  'beacon-disputed': 'unknown',
  // timestamp
  'timestamp-fits': 'unknown',
  'timestamp-log-key-unknown': 'unknown',
  'no-timestamp': 'unknown',
  'timestamp-unreadable': 'no',
  'timestamp-of-another-log': 'no',
  'timestamp-of-another-leaf': 'no',
  'timestamp-of-other-bytes': 'no',
  'timestamp-bad-log-signature': 'no',
  // complete
  complete: 'yes',
  gap: 'no',
  'broken-chain': 'no',
  equivocation: 'no',
  'counter-restarted': 'unknown',
  'signatures-unproven': 'unknown',
} as const satisfies Record<string, AnswerVerdict>;
export type AnswerCode = keyof typeof ANSWER_CODES;

/** `unknown`: what was handed in does not decide it. */
export type AnswerVerdict = 'yes' | 'no' | 'unknown';

/**
 * How the verifier knows what a block says about a statement:
 * - `beacon`: the statement names the hash of that block, and the verifier found the block on the chain.
 * - `anchor-event`: the verifier found the anchor's event on the chain, in that block.
 * - `event-proof`: the verifier trusts the hash of that block, and the receipt proves the event in it.
 */
export type BlockEvidence = 'beacon' | 'anchor-event' | 'event-proof';

/** A moment that a block of a chain vouches for. */
export interface BlockMoment {
  /** Seconds since the Unix epoch. */
  readonly time: number;
  readonly chainId: bigint;
  readonly blockNumber: bigint;
  readonly by: BlockEvidence;
}

/**
 * When a statement was made, as far as blocks prove it: after `notBefore`, and not after `notAfter`. An end that nothing proves is
 * absent: open. The device's own clock is evidence for neither.
 */
export interface TimeInterval {
  readonly notBefore?: BlockMoment;
  readonly notAfter?: BlockMoment;
}

/** The statements of one device in a pack, ends included. */
export interface StatementRange {
  readonly device: string;
  readonly boot: number;
  readonly from: number;
  readonly to: number;
}

/** An anchor that stands on a chain, as far as that is proven. */
export interface KnownAnchor extends Omit<Anchor, 'transactionHash' | 'eventProof'> {
  readonly by: BlockEvidence;
  /** Whether its block will not be reorganised away; whose word that is, `final` answers. */
  readonly final: boolean;
  /** Of the transaction that the event was found in. */
  readonly transactionHash?: Uint8Array;
  /** What the receipt says in its stead where the event was not looked up: nothing proves it, it tells where to look. */
  readonly claimedTransactionHash?: Uint8Array;
}

/** Who says that a block is final: the chain, as the verifier read it there, or the verifier's own word. */
export type FinalitySource = 'chain' | 'verifier';

/** What comes with an answer, as far as it is known. */
export interface AnswerData {
  'well-formed': Record<never, never>;
  signature: { readonly kid: Uint8Array };
  'device-key': { readonly device: string; readonly retiredAt?: number; readonly revokedAt?: number };
  included: { readonly origin: string; readonly size: number; readonly root?: Uint8Array };
  anchored: { readonly anchors: readonly KnownAnchor[] };
  final: { readonly by: FinalitySource; readonly chainId: bigint; readonly blockNumber: bigint };
  'not-before': BlockMoment;
  'not-after': BlockMoment;
  /** `time` is the authority's, unproven. */
  timestamp: { readonly size: number; readonly time: number };
  complete: { readonly ranges: readonly StatementRange[] };
}

/** One question answered. */
export interface Answer<Q extends Question = Question> {
  readonly question: Q;
  readonly verdict: AnswerVerdict;
  readonly code: AnswerCode;
  /** A sentence for people. */
  readonly detail: string;
  readonly data?: AnswerData[Q];
}

/** An answer; its verdict follows from the code. */
export function answer<Q extends Question>(
  question: Q,
  code: AnswerCode,
  detail: string,
  data?: AnswerData[Q],
): Answer<Q> {
  const verdict = ANSWER_CODES[code];
  return data === undefined ? { question, verdict, code, detail } : { question, verdict, code, detail, data };
}
