/** A checking thread's entry: one task is one request. */
import type { CheckedData } from '../checked-batch.ts';
import { checkBatch } from './check-batch.ts';
import type { CheckRequest } from './check-request.ts';

export default function run(request: CheckRequest): CheckedData {
  return checkBatch(request);
}
