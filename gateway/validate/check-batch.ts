/** Checks the messages of one request. Runs on a checking thread. */
import { type BatchRefusal, CheckedBatch, type CheckedData } from '../checked-batch.ts';
import { type CheckRequest, questionAt } from './check-request.ts';
import { checkStatement, type Verify } from './check-statement.ts';
import { ReadyKeys } from './ready-keys.ts';

/** Keys kept ready by each thread. No basis yet but size: OpenSSL holds some 2 kB for one, libsodium 32 bytes. */
const CAPACITY = 20_000;

const keys = new ReadyKeys(CAPACITY);
const verify: Verify = (key, message, signature) => keys.of(key).verify(message, signature);

export function checkBatch(request: CheckRequest): CheckedData {
  const refusals: BatchRefusal[] = [];
  const batch = CheckedBatch.over(request.bytes, request.urns.length, refusals);
  for (let at = 0; at < batch.count; at++) {
    const question = questionAt(request, at);
    batch.describe(at, question.end, question.device, question.receivedAt);
    const answer = checkStatement(question, verify);
    if (answer.kind === 'checked') batch.check(at, answer.statement);
    else refusals.push({ at, device: question.urn, code: answer.code, detail: answer.detail });
  }
  return batch.data;
}
