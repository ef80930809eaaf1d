/** A gateway with a fleet that is enrolled and connected: what every group of the intake's figures starts from. */
import { Load } from '../load/load.ts';
import type { Fleet } from '../load/messages.ts';
import type { BenchOptions } from '../options.ts';
import { BenchGateway } from '../support/bench-gateway.ts';

/** Under way on each connection where the cost of a reading is measured: 8,000 in all with 1,000 devices. */
export const WINDOW = 8;
const WARM_UP_EACH = 12;
const WARM_UP_TURNS = 2;
const BURST_SECONDS = 4;
const LEAST_EACH = 4;

export interface LoadedGateway {
  readonly gateway: BenchGateway;
  readonly load: Load;
}

/** Makes one, for as long as `use` takes. Of the fleet `enrolled` devices are known to the gateway, at least those that connect. */
export async function withLoadedGateway<T>(
  fleet: Fleet,
  { cpuProf, say }: BenchOptions,
  use: (loaded: LoadedGateway) => Promise<T>,
  enrolled = fleet.count,
): Promise<T> {
  const gateway = await BenchGateway.create({ cpuProf });
  let load: Load | undefined;
  try {
    say(`enrolling ${enrolled} ${fleet.algorithm} devices`);
    await gateway.enrol({ ...fleet, count: enrolled });
    await gateway.start();
    load = await Load.start(fleet);
    await load.connect(gateway.mqttPort);
    return await use({ gateway, load });
  } finally {
    await load?.end();
    await gateway.end();
  }
}

/** Lets the compilers finish. Returns the readings a second to expect. */
export async function warmUp(load: Load, devices: number): Promise<number> {
  let rate = 0;
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) {
    await load.prepare(devices, WARM_UP_EACH);
    const { acknowledged, seconds } = await load.burst(devices, WINDOW);
    rate = acknowledged / seconds;
  }
  return rate;
}

/** Signs about as much as a burst of some seconds takes. */
export async function prepareBurst(load: Load, lanes: number, perSecond: number): Promise<void> {
  await load.prepare(lanes, Math.max(LEAST_EACH, Math.round((perSecond * BURST_SECONDS) / lanes)));
}
