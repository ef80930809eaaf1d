/** Memory of a gateway that knows 100,000 devices, 10,000 of them connected and sending. */
import type { Bench } from '../options.ts';
import { withLoadedGateway } from './loaded-gateway.ts';

const ENROLLED = 100_000;
const CONNECTED = 10_000;
const FLEET = { algorithm: 'Ed25519', first: 1, count: CONNECTED } as const;
/** Every device sends twice. */
const PER_SECOND = 1_000;
const SECONDS = 20;
const LOOK_EVERY_MS = 500;

export const intakeMemory: Bench = async (options) => {
  const started = performance.now();
  return withLoadedGateway(
    FLEET,
    options,
    async ({ gateway, load }) => {
      const idle = gateway.residentMegabytes();
      options.say(`${CONNECTED} connected after ${Math.round((performance.now() - started) / 1000)} s`);
      let most = idle;
      const look = setInterval(() => {
        most = Math.max(most, gateway.residentMegabytes());
      }, LOOK_EVERY_MS);
      try {
        await load.pace(PER_SECOND, SECONDS);
      } finally {
        clearInterval(look);
      }
      return [
        { name: 'memory', value: Math.max(most, gateway.residentMegabytes()), unit: 'MB', target: 400 },
        { name: 'memory-without-load', value: idle, unit: 'MB' },
      ];
    },
    ENROLLED,
  );
};
