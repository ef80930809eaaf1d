/** What one client, one address and one device may take of the broker: the settings of mqtt.limits, which docs/configuration.md explains. */
import type { AdmissionLimits } from './admission.ts';

export interface BrokerLimits extends AdmissionLimits {
  readonly inFlightMessages: number;
  readonly inFlightBytes: number;
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly connectSeconds: number;
  readonly packetSeconds: number;
  readonly idleSeconds: number;
}

/** What is sent at once, beyond the rate of the long run: what a device stored while it was offline comes in a rush. */
export const BURST_SECONDS = 10;
/** A client that promised to speak is gone after one and a half times the promise [MQTT-3.1.2-24]. */
const KEEP_ALIVE_FACTOR = 1.5;

/** After how much silence a client is taken for gone, in milliseconds. */
export function idleMs(keepAliveSeconds: number, limits: BrokerLimits): number {
  const longest = limits.idleSeconds * 1000;
  return keepAliveSeconds === 0 ? longest : Math.min(longest, keepAliveSeconds * KEEP_ALIVE_FACTOR * 1000);
}
