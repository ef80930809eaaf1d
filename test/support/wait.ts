/** Waiting for something to become true, in processes that cannot tell when it does. */
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 40;
const WITHIN_MS = 40_000;

/**
 * Asks again and again until `probe` gives something truthy, and returns that.
 *
 * @param what named in the error when `withinMs` passes, with the last failure of the probe
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  withinMs = WITHIN_MS,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = Date.now() + withinMs;
  let failure: unknown;
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined && found !== null && found !== false)
        return found as NonNullable<Exclude<T, false>>;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > deadline)
      throw new Error(`after ${withinMs} ms there is still no ${what}`, { cause: failure });
    await delay(LOOK_EVERY_MS);
  }
}
