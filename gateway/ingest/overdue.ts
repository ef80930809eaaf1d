/** Which connections are too slow or too silent to keep. */
import type { Connection } from './connection.ts';
import type { BrokerLimits } from './limits.ts';

type TimeLimits = Pick<BrokerLimits, 'connectSeconds' | 'packetSeconds' | 'idleSeconds'>;

/** How often every connection is looked at for being slow or silent; at most a quarter of the shortest of those limits. */
const SWEEP_MS = 1_000;
const SWEEPS_PER_LIMIT = 4;

export function sweepEveryMs({ connectSeconds, packetSeconds, idleSeconds }: TimeLimits): number {
  const shortest = Math.min(connectSeconds, packetSeconds, idleSeconds) * 1000;
  return Math.min(SWEEP_MS, shortest / SWEEPS_PER_LIMIT);
}

/** @param now milliseconds by the clock of the connection; undefined: it may stay */
export function overdue(
  connection: Connection,
  now: number,
  { connectSeconds, packetSeconds }: TimeLimits,
): 'slow-connect' | 'slow-packet' | 'idle' | undefined {
  const isNobody = connection.session === undefined || connection.session.proof === 'challenge';
  if (isNobody && now - connection.openedAt > connectSeconds * 1000) return 'slow-connect';
  if (connection.unfinishedMs(now) > packetSeconds * 1000) return 'slow-packet';
  return !isNobody && connection.silentMs(now) > connection.idleMs ? 'idle' : undefined;
}
