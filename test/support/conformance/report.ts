/** Runs the whole conformance table against one broker. */
import type { MqttCase } from './case.ts';
import { CONNECT_CASES } from './cases-connect.ts';
import { FORWARD_CASES } from './cases-forward.ts';
import { PUBLISH_CASES } from './cases-publish.ts';
import { SUBSCRIBE_CASES } from './cases-subscribe.ts';
import { type Speaker, tryWay } from './run-case.ts';

export const MQTT_CASES: readonly MqttCase[] = [
  ...CONNECT_CASES,
  ...PUBLISH_CASES,
  ...FORWARD_CASES,
  ...SUBSCRIBE_CASES,
];

/** Cases under way at once. They share nothing but the broker. */
const SIDE_BY_SIDE = 16;

/** What a broker did with a case: conformed, kept to a policy of the gateway's, or neither, and then what. */
export type Outcome =
  | { readonly kind: 'conforms' }
  | { readonly kind: 'policy' }
  | { readonly kind: 'differs'; readonly what: string };

/** The outcome of every case, by its id. `speaker` names a device that has said nothing yet, each time it is asked. */
export async function runTable(
  cases: readonly MqttCase[],
  speaker: () => Speaker,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const waiting = [...cases];
  const worker = async (): Promise<void> => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift())
      outcomes.set(row.id, await judge(row, speaker));
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  return outcomes;
}

async function judge(row: MqttCase, speaker: () => Speaker): Promise<Outcome> {
  const seen: string[] = [];
  for (const way of row.ways) {
    const wrong = await tryWay(row, way, speaker());
    if (wrong === undefined) return { kind: 'conforms' };
    seen.push(wrong);
  }
  const what = seen.join('; ');
  if (row.policy === undefined) return { kind: 'differs', what };
  const wrong = await tryWay(row, row.policy.instead, speaker());
  if (wrong === undefined) return { kind: 'policy' };
  return { kind: 'differs', what: `${what}; against ${row.policy.name}: ${wrong}` };
}

/** How many speakers a run may ask for. */
export function speakersNeeded(cases: readonly MqttCase[]): number {
  return cases.reduce((sum, { ways, policy }) => sum + ways.length + (policy === undefined ? 0 : 1), 0);
}
