/**
 * Sessions that this gateway once had at the broker and is not configured for any more. The broker goes on dealing statements to a
 * member of a group that is not there (mosquitto does), where they would lie until the session expires. So at the first
 * contact each is looked for by its name: none there costs one connection, one that is there is emptied and ended.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { BackOff } from '../../back-off.ts';
import { BrokerConnection, type BrokerMessage, type ConnectionOptions } from './broker-connection.ts';

/** A session that sent nothing for so long while it could is empty: MQTT has no mark for its end. */
const QUIET_MS = 3_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Empties and ends these sessions one after another. Returns early when `signal` says stop; the rest is for the next start. */
export async function endLeftovers(
  sessions: readonly (() => ConnectionOptions)[],
  onMessage: (message: BrokerMessage) => void,
  onEnded: (clientId: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const options of sessions) {
    const backOff = new BackOff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    while (!signal.aborted && !(await endLeftover(options, onMessage, onEnded, signal)))
      await delay(backOff.next(), undefined, { signal }).catch(() => undefined);
  }
}

/** False when the connection did not come about or broke: try again. */
async function endLeftover(
  options: () => ConnectionOptions,
  onMessage: (message: BrokerMessage) => void,
  onEnded: (clientId: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const ready = Promise.withResolvers<boolean | undefined>();
  let heardAt = performance.now();
  const leave = () => ready.resolve(undefined);
  signal.addEventListener('abort', leave);
  try {
    const { clientId, ...rest } = options();
    const connection = new BrokerConnection(
      { clientId, ...rest },
      {
        onReady: (isResumed) => ready.resolve(isResumed),
        onMessage: (message) => {
          heardAt = performance.now();
          onMessage(message);
        },
        onLost: leave,
      },
    );
    const isThere = await ready.promise;
    if (isThere === true) {
      while (!signal.aborted && connection.isReady && !isEmpty(connection, heardAt))
        await delay(QUIET_MS / 10, undefined, { signal }).catch(() => undefined);
    }
    const isDone = connection.isReady && (isThere === false || isEmpty(connection, heardAt));
    await connection.end(isDone ? 'forgotten' : 'stays');
    if (isDone && isThere === true) onEnded(clientId);
    return isDone;
  } catch {
    return false; // unreadable credentials: the sessions in use say so
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

function isEmpty(connection: BrokerConnection, heardAt: number): boolean {
  return connection.inFlight === 0 && performance.now() - heardAt >= QUIET_MS;
}
