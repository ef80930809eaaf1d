/** Puts together what is watched about devices: numbers that are missing, and silence. */

import type { Ingest } from './compose-ingest.ts';
import type { DeviceListener } from './compose-intake.ts';
import type { GatewayConfig } from './config-schema.ts';
import type { Clock, Logger } from './ports.ts';
import type { ConnectedStore } from './store-thread/connect.ts';
import { ResendRequests } from './watch/resend.ts';
import { SilenceWatch } from './watch/silence.ts';

export interface Watches extends DeviceListener {
  readonly silence: SilenceWatch;
  /** A device has come to hear its requests. */
  onListening(device: string): void;
  start(): void;
  close(): void;
}

export function composeWatch(
  config: GatewayConfig,
  parts: {
    readonly store: ConnectedStore;
    readonly ingest: Ingest;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): Watches {
  const { registry, sequences } = parts.store.log;
  const monotonic = (): number => performance.now();
  const resend = new ResendRequests({
    outlet: parts.ingest.outlet,
    gaps: (urn, limit) => {
      const device = registry.device(urn);
      return device === undefined ? [] : sequences.gaps(device.id, limit);
    },
    monotonic,
  });
  for (const device of sequences.devicesWithGaps()) resend.remember(device);
  const cadence = config.policy.silenceAfterSeconds;
  const silence = new SilenceWatch({
    expected: () => (cadence === undefined ? [] : registry.expectedDevices(cadence * 1000)),
    expectedOne: (urn) => (cadence === undefined ? undefined : registry.expectedDevice(urn, cadence * 1000)),
    now: () => parts.clock.now(),
    monotonic,
    logger: parts.logger,
  });
  return {
    silence,
    start: () => silence.start(),
    close: () => silence.close(),
    onListening: (device) => resend.onListening(device),
    onGap: (device, gap) => resend.onGap(device, gap),
    onDeviceChanged: (device) => {
      silence.onDeviceChanged(device);
      parts.ingest.deviceChanged(device);
    },
    onHeard: (device) => {
      silence.onHeard(device);
      resend.onHeard(device);
    },
  };
}
