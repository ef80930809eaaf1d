/** What a verification came to, for a program. */
import { bytesToHex } from '../src/bytes.ts';
import { outcomeOf } from '../src/receipt/verify.ts';
import { type Finding, signedStatements } from './describe-verdicts.ts';
import { neededBlocks } from './receipt-file.ts';
import { isTestData, readContent, readDeviceTimes } from './statement-content.ts';

/** One JSON object. Bytes are 0x hex, big integers decimal text. */
export function findingToJson({ verdicts, questions, endpoints }: Finding): string {
  const outcome = outcomeOf(verdicts);
  const signed = new Set(signedStatements(verdicts).map(({ statement }) => statement));
  const statements = verdicts.kind === 'pack' ? verdicts.statements : [verdicts];
  const view = {
    proven: outcome === 'proven',
    outcome,
    testData: [...signed].some(isTestData),
    answers: verdicts.answers,
    statements: statements.flatMap(({ statement, index, interval, answers }) =>
      statement === undefined
        ? []
        : [
            {
              ...{ device: statement.issuer, boot: statement.boot, seq: statement.seq, index, interval },
              ...(signed.has(statement) && {
                content: readContent(statement),
                deviceTimes: readDeviceTimes(statement, interval),
              }),
              ...(verdicts.kind === 'pack' ? { answers } : {}),
            },
          ],
    ),
    claimedAnchors: questions.anchors.map(({ eventProof, ...claimed }) => ({
      ...claimed,
      hasEventProof: eventProof !== undefined,
    })),
    blocksNeeded: neededBlocks(questions),
    endpoints,
  };
  return JSON.stringify(view, plain, 2);
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return `0x${bytesToHex(value)}`;
  return typeof value === 'bigint' ? value.toString() : value;
}
