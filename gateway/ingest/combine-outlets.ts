import type { DeviceOutlet } from '../ports.ts';

/** One outlet for all brokers. Which of them a device listens to is not known here, so each is told everything. */
export function combineOutlets(outlets: readonly DeviceOutlet[]): DeviceOutlet {
  return {
    publishBeacon: (beacon, timeSeconds) => {
      for (const outlet of outlets) outlet.publishBeacon(beacon, timeSeconds);
    },
    requestResend: (device, ranges) => {
      for (const outlet of outlets) outlet.requestResend(device, ranges);
    },
  };
}
