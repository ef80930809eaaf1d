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
  close(): Promise<void>;
}

export interface WatchParts {
  readonly store: ConnectedStore;
  readonly ingest: Ingest;
  readonly clock: Clock;
  readonly logger: Logger;
}

export async function composeWatch(config: GatewayConfig, parts: WatchParts): Promise<Watches> {
  const { logger } = parts;
  const monotonic = (): number => performance.now();
  const resend = composeResend(parts, monotonic);
  const silence = composeSilence(config, parts, monotonic);
  await silence.load();
  return {
    silence,
    start: () => silence.start(),
    close: () => silence.close(),
    onListening: (device) => resend.onListening(device),
    onGap: (device, gap) => resend.onGap(device, gap),
    onDeviceChanged: (device) => {
      silence.onDeviceChanged(device);
      parts.ingest.deviceChanged(device);
      resend.onDeviceChanged(device);
    },
    onFleetChanged: () => {
      silence.load().catch((error: Error) => {
        logger.error(
          { reason: error.message },
          'new devices are not watched for silence; restart to try again',
        );
      });
    },
    onHeard: (device) => {
      silence.onHeard(device);
      resend.onHeard(device);
    },
  };
}

function composeResend({ store, ingest }: WatchParts, monotonic: () => number): ResendRequests {
  const { registry, sequences } = store.log;
  const resend = new ResendRequests({
    outlet: ingest.outlet,
    gaps: (urn, limit, behind) => {
      const device = registry.device(urn);
      // What a suspended device would send is refused; it is asked when it is resumed.
      return device?.status === 'active' ? sequences.gaps(device.id, limit, behind) : [];
    },
    monotonic,
  });
  for (const device of sequences.devicesWithGaps()) resend.remember(device);
  return resend;
}

function composeSilence(
  { policy: { silenceAfterSeconds } }: GatewayConfig,
  { store, clock, logger }: WatchParts,
  monotonic: () => number,
): SilenceWatch {
  const { registry, silentMarks } = store.log;
  return new SilenceWatch({
    expected: (after, limit) => registry.lists.expectedDevices(silenceAfterSeconds, after, limit),
    expectedOne: (urn) => registry.lists.expectedDevice(urn, silenceAfterSeconds),
    marks: silentMarks,
    now: () => clock.now(),
    monotonic,
    logger,
  });
}
