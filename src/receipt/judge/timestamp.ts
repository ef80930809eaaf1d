/** Whether the parts of a receipt's timestamp fit each other, the statement and the log. */
import { verifyCheckpoint } from '../../checkpoint.ts';
import { type Answer, answer } from '../answer.ts';
import { type ReceiptTimestamp, readTimestamp } from '../timestamp.ts';
import type { TrustedLog } from '../trust.ts';

/**
 * Answers `timestamp`: no when its parts contradict each other, otherwise unknown, for the authority's signature takes the authority's
 * certificates. A checkpoint under a key of the log that this verifier does not know is told, and no contradiction: logs change their keys.
 */
export function judgeTimestamp(
  timestamp: ReceiptTimestamp | undefined,
  leaf: Parameters<typeof readTimestamp>[1],
  logs: readonly TrustedLog[],
): Answer<'timestamp'> {
  if (timestamp === undefined) return answer('timestamp', 'no-timestamp', 'the receipt carries none');
  const read = readTimestamp(timestamp, leaf);
  if (read.kind === 'reject') return answer('timestamp', read.code, read.detail);
  const opened = logs
    .filter(({ origin, key }) => origin === leaf.origin && key.algorithm === 'Ed25519')
    .map(({ origin, key }) => verifyCheckpoint(timestamp.note, { origin, publicKey: key.bytes }));
  if (opened.some((item) => item.kind === 'reject' && item.code === 'bad-signature')) {
    return answer(
      'timestamp',
      'timestamp-bad-log-signature',
      'the log did not sign the checkpoint that was stamped',
    );
  }
  const { size } = read.value;
  const fits = `the token is over a checkpoint of ${size} entries that covers the statement`;
  if (!opened.some(({ kind }) => kind === 'ok')) {
    const detail = `${fits}, signed with no key of the log that this verifier knows; the authority’s signature is for openssl to check`;
    return answer('timestamp', 'timestamp-log-key-unknown', detail, read.value);
  }
  const detail = `${fits}, and the log signed it; its time is the authority’s, whose signature is for openssl to check`;
  return answer('timestamp', 'timestamp-fits', detail, read.value);
}
