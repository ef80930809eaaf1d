/** Whether a trusted log signed the root that the proof leads to. */
import { bytesToHex, equalBytes } from '../../bytes.ts';
import { keyId } from '../../cose/key.ts';
import { type Answer, answer } from '../answer.ts';
import { isRootSigned, type ReceiptEnvelope } from '../envelope.ts';
import type { TrustedLog } from '../trust.ts';

/**
 * Answers `included`.
 *
 * A log signs roots, not sizes: a proof for another size or index may lead to the same root. The index, and with it the place of
 * the statement in the log, is proven only together with the anchor, whose size stands on the chain.
 *
 * @param root what the proof leads to; `undefined` when it fits no tree of that size.
 */
export function judgeInclusion(
  envelope: ReceiptEnvelope,
  size: number,
  root: Uint8Array | undefined,
  logs: readonly TrustedLog[],
): Answer<'included'> {
  const { origin, kid, anchors } = envelope;
  const data = { origin, size, ...(root !== undefined && { root }) };
  if (root === undefined) {
    return answer('included', 'bad-path', `the proof fits no tree of ${size} leaves`, data);
  }
  const own = logs.filter((log) => log.origin === origin);
  if (own.length === 0) {
    return answer('included', 'unknown-log', `${origin} is not a log this verifier trusts`, data);
  }
  const keys = own.filter(({ key }) => equalBytes(keyId(key), kid)).map(({ key }) => key);
  if (keys.length === 0) {
    return answer('included', 'unknown-log-key', `${bytesToHex(kid)} is not a key of ${origin}`, data);
  }
  if (keys.some((key) => isRootSigned(envelope, root, key))) {
    return answer('included', 'included', `in the log ${origin}, under the root it signed`, data);
  }
  // The signature is good for an anchored root: then the fault is in the statement or the proof.
  const isProofWrong = anchors.some((anchor) => keys.some((key) => isRootSigned(envelope, anchor.root, key)));
  if (isProofWrong) {
    return answer('included', 'bad-path', 'the statement and its proof do not lead to the signed root', data);
  }
  return answer('included', 'bad-log-signature', `${origin} did not sign the root the proof leads to`, data);
}
