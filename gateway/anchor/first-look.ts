/** What is asked before the first reading is taken: whether the chain holds what the log does not. */
import { GatewayError } from '../errors.ts';
import type { Logger } from '../ports.ts';
import type { Chain } from './chain.ts';
import type { Reporter } from './reporter.ts';
import { assertNotForked, type SubmitParts } from './submit.ts';

export interface FirstLookParts {
  readonly chain: Pick<Chain, 'check' | 'head'>;
  readonly log: SubmitParts['log'];
  readonly logger: Logger;
}

/** What makes a start unsafe, by the answer of the chain; undefined when nothing does, or no answer came in time. */
export async function lookFirst(
  { chain, log, logger }: FirstLookParts,
  reporter: Reporter,
  withinMs: number,
): Promise<GatewayError | undefined> {
  const look = chain.check().then(() => assertNotForked(chain, log));
  try {
    await withinTime(look, withinMs);
    return undefined;
  } catch (error) {
    const failure = reporter.failed('anchoring', error);
    if (failure.fatal) return failure;
    logger.warn(
      { code: failure.code },
      'readings are taken before the store could be compared with the chain',
    );
    return undefined;
  }
}

async function withinTime(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new GatewayError('chain-unreachable', `no answer from the chain within ${ms} ms`);
    timer = setTimeout(() => reject(error), ms);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
