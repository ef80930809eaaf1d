/** The figures of the intake, each group on a gateway of its own. */
import { intakeAcknowledgement } from './intake/acknowledgement.ts';
import { intakeHostile } from './intake/hostile.ts';
import { intakeMemory } from './intake/memory.ts';
import { intakePeers } from './intake/peers.ts';
import { intakeRates } from './intake/rates.ts';
import type { Bench } from './options.ts';
import type { Figure } from './report.ts';

const GROUPS: Readonly<Record<string, Bench>> = {
  rates: intakeRates,
  peers: intakePeers,
  acknowledgement: intakeAcknowledgement,
  memory: intakeMemory,
  hostile: intakeHostile,
};

export const measureIntake: Bench = async (options) => {
  const { only } = options;
  const unknown = only?.find((name) => GROUPS[name] === undefined);
  if (unknown !== undefined)
    throw new Error(`--only ${unknown}: there is no such group; there are ${Object.keys(GROUPS).join(', ')}`);
  const figures: Figure[] = [];
  for (const [name, measure] of Object.entries(GROUPS)) {
    if (only === undefined || only.includes(name)) figures.push(...(await measure(options)));
  }
  return figures;
};
