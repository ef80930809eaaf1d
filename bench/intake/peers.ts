/** The gateway's rate over that of brokers that do less for it. Nothing to reach: the figures say what the work costs. */
import { Load } from '../load/load.ts';
import type { Bench } from '../options.ts';
import { startBareAedes, startMosquitto } from '../peers/peers.ts';
import type { Figure } from '../report.ts';
import { prepareBurst, warmUp, withLoadedGateway } from './loaded-gateway.ts';
import { RATE_LANES, RATE_WINDOW, shown } from './rates.ts';

const FLEET = { algorithm: 'Ed25519', first: 1, count: RATE_LANES } as const;
/** Brokers do not look into what they are sent: these many packets for each connection are sent again and again. */
const PEER_EACH = 200;
const PEER_SECONDS = 3;
const MOST_ROUNDS = 3;

export const intakePeers: Bench = async (options) => {
  const [aedes, mosquitto] = [await startBareAedes(), await startMosquitto()];
  if (mosquitto === undefined) options.say('mosquitto is not installed: vs-mosquitto is left out');
  const peers = [
    { name: 'bare-aedes', broker: aedes },
    ...(mosquitto === undefined ? [] : [{ name: 'mosquitto', broker: mosquitto }]),
  ];
  const loads: Load[] = [];
  try {
    for (const { broker } of peers) {
      const load = await Load.start(FLEET);
      loads.push(load);
      await load.connect(broker.port);
      await load.prepare(RATE_LANES, PEER_EACH);
    }
    return await withLoadedGateway(FLEET, options, async ({ load }) => {
      let expected = await warmUp(load, RATE_LANES);
      const rates = peers.map((): number[] => []);
      const ratios = peers.map((): number[] => []);
      for (let round = 1; round <= Math.min(options.rounds, MOST_ROUNDS); round++) {
        await prepareBurst(load, RATE_LANES, expected);
        const { acknowledged, seconds } = await load.burst(RATE_LANES, RATE_WINDOW);
        expected = acknowledged / seconds;
        for (const [at, peer] of loads.entries()) {
          const rate = await repeatedRate(peer);
          rates[at]?.push(rate);
          ratios[at]?.push(expected / rate);
        }
        const others = peers.map(({ name }, at) => `${name} ${Math.round(rates[at]?.at(-1) ?? 0)}`);
        options.say(`round ${round}: ${Math.round(expected)} readings/s; ${others.join('; ')} messages/s`);
      }
      return peers.flatMap(({ name }, at): Figure[] => [
        shown(`vs-${name}`, ratios[at] ?? [], 'ratio'),
        shown(`${name}-rate`, rates[at] ?? [], 'messages/s'),
      ]);
    });
  } finally {
    for (const load of loads) await load.end();
    for (const { broker } of peers) await broker.end();
  }
};

/** Acknowledged messages a second. The first burst warms up and is not counted. */
async function repeatedRate(load: Load): Promise<number> {
  let [acknowledged, seconds] = [0, 0];
  for (let first = true; seconds < PEER_SECONDS; first = false) {
    const result = await load.burst(RATE_LANES, RATE_WINDOW);
    await load.rewind(RATE_LANES);
    if (first) continue;
    acknowledged += result.acknowledged;
    seconds += result.seconds;
  }
  return acknowledged / seconds;
}
