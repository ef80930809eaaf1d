/** The table: every fault of the chain with a crash at every step of an anchor. */
import { rmSync } from 'node:fs';
import { endPrograms } from '../command.ts';
import { SeededRandom } from '../seeded-random.ts';
import { FAULTS, type Fault } from './faults.ts';
import { Scene } from './scene.ts';
import { STEPS, type Step } from './steps.ts';
import { makeTemplate, type Template } from './template.ts';

/** Installations at once: most of a cell is waiting. */
const AT_ONCE = 4;

/** One fault, and the steps that it meets on one installation, in this order. */
export interface Row {
  readonly fault: Fault;
  readonly steps: readonly Step[];
}

/** Every cell. The order of the steps is drawn from the seed. */
export function wholeTable(seed: number): Row[] {
  const random = new SeededRandom(seed);
  return FAULTS.map((fault) => ({ fault, steps: shuffled(random, STEPS) }));
}

/** Every fault with some of the steps, so that each group of faults meets every step once. */
export function coveringTable(seed: number): Row[] {
  const random = new SeededRandom(seed);
  const hands = new Map<string, Step[]>();
  for (const { group } of FAULTS) if (!hands.has(group)) hands.set(group, shuffled(random, STEPS));
  return FAULTS.map((fault) => {
    const alike = FAULTS.filter(({ group }) => group === fault.group).length;
    const steps = hands.get(fault.group)?.splice(0, Math.ceil(STEPS.length / alike)) ?? [];
    return { fault, steps };
  });
}

/** All rows, some at once. Resolves with how many cells took how many cadences. @throws Error naming every cell that failed */
export async function runTable(
  rows: readonly Row[],
  say: (line: string) => void,
): Promise<Map<number, number>> {
  const template = await makeTemplate();
  const left = [...rows];
  const failures: string[] = [];
  const counts = new Map<number, number>();
  const work = async (): Promise<void> => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) {
      try {
        for (const cadences of await runRow(row, template, say))
          counts.set(cadences, (counts.get(cadences) ?? 0) + 1);
      } catch (error) {
        failures.push(String(error));
        say(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await endPrograms();
  template.site.remove();
  if (failures.length > 0) throw new Error(failures.join('\n'));
  return counts;
}

/**
 * One row. Resolves with the cadences that each cell took.
 * @throws Error naming the cell; the installation then stays where it is
 */
export async function runRow(
  { fault, steps }: Row,
  template: Template,
  say: (line: string) => void,
): Promise<number[]> {
  const scene = await Scene.begin(template, fault);
  const taken: number[] = [];
  let cell = fault.name;
  try {
    for (const step of steps) {
      cell = `${fault.name}, crashed at ${step}`;
      const started = performance.now();
      const cadences = await scene.run(step);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      say(`${cell}: anchored with checkpoint ${cadences} after healing; ${seconds} s`);
      taken.push(cadences);
    }
    cell = `${fault.name}, after ${steps.join(', ')}`;
    await scene.finish();
    await scene.close();
    rmSync(scene.directory, { recursive: true, force: true });
    return taken;
  } catch (cause) {
    scene.keepGatewayLog();
    await scene.close();
    const { message, cause: reason } = cause as Error;
    const why = reason instanceof Error ? `: ${reason.message}` : '';
    throw new Error(`${cell}: ${message}${why}; the installation is kept in ${scene.directory}`, { cause });
  }
}

function shuffled<T>(random: SeededRandom, list: readonly T[]): T[] {
  const left = [...list];
  return list.map(() => left.splice(random.below(left.length), 1)[0] as T);
}
