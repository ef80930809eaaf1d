/** Checks the messages of one request. Runs on a checking thread. */
import type { PublicKey } from '../../src/cose/key.ts';
import { type BatchRefusal, CheckedBatch, type CheckedData } from '../checked-batch.ts';
import { type NativeKey, prepareKey } from '../crypto/verifier.ts';
import { type CheckRequest, questionAt } from './check-request.ts';
import { checkStatement, type Verify } from './check-statement.ts';
import type { PackedKey } from './packed-keys.ts';

/** Keys kept ready. No basis yet but size: OpenSSL holds some 2 kB for one, libsodium 32 bytes. */
const CAPACITY = 20_000;

const prepared = new Map<string, NativeKey>();

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

const verify: Verify = (key, message, signature) => ready(key).verify(message, signature);

/** By the whole key: two keys may share an identifier of eight bytes. */
function ready({ algorithm, bytes }: PackedKey): NativeKey {
  const name = algorithm + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const known = prepared.get(name);
  if (known !== undefined) return known;
  const key = prepareKey({ algorithm, bytes: Uint8Array.from(bytes) } as PublicKey);
  if (prepared.size >= CAPACITY) prepared.delete(prepared.keys().next().value as string);
  prepared.set(name, key);
  return key;
}
