/** Live progress, read from the gateway's own metrics and status as monitoring would read them. */
import type { Stage } from './stage.ts';

export interface Counts {
  readonly received: number;
  readonly accepted: number;
  readonly duplicates: number;
  /** By code, only those that occurred. */
  readonly refused: Readonly<Record<string, number>>;
  /** Log entries covered by an anchor in a block, and in a final block. */
  readonly anchored: number;
  readonly final: number;
  /** Entries the provider has acknowledged. */
  readonly delivered: number;
  readonly gasUsed: number;
}

const NOTHING: Counts = {
  received: 0,
  accepted: 0,
  duplicates: 0,
  refused: {},
  anchored: 0,
  final: 0,
  delivered: 0,
  gasUsed: 0,
};
const SAMPLE = /^(vitalseal_[a-z_]+)(?:\{(.*)\})? ([0-9.e+-]+)$/;
const LABEL = /([a-z]+)="([^"]*)"/g;

interface StatusView {
  readonly anchoring: { readonly anchored: number; readonly final: number; readonly gasUsed: string };
}

/** Counts over the gateway's restarts: a process counts from zero, the demonstration does not. */
export class Progress {
  readonly #stage: Stage;
  #before: Counts = NOTHING;
  #current: Counts = NOTHING;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Called before the gateway is killed: what it counted so far is kept. */
  async keep(): Promise<void> {
    this.#before = await this.read();
    this.#current = NOTHING;
  }

  /** The counts so far. While the gateway is away, the last ones known. */
  async read(): Promise<Counts> {
    try {
      this.#current = await this.#ask();
    } catch {
      // between kill and start there is nobody to ask
    }
    return add(this.#before, this.#current);
  }

  async #ask(): Promise<Counts> {
    const base = `http://127.0.0.1:${this.#stage.addresses.http}`;
    const headers = { authorization: `Bearer ${this.#stage.adminToken}` };
    const [metrics, status] = await Promise.all([
      fetch(`${base}/metrics`).then((response) => response.text()),
      fetch(`${base}/v1/status`, { headers }).then((response) => response.json() as Promise<StatusView>),
    ]);
    const { anchored, final, gasUsed } = status.anchoring;
    return { ...countSamples(metrics), anchored, final, gasUsed: Number(gasUsed) };
  }
}

/** One line for people. */
export function progressLine(counts: Counts): string {
  return [
    `received ${counts.received}`,
    `accepted ${counts.accepted}`,
    `refused ${Object.values(counts.refused).reduce((sum, count) => sum + count, 0)}`,
    ...(counts.duplicates > 0 ? [`sent twice ${counts.duplicates}`] : []),
    `anchored ${counts.anchored}`,
    `final ${counts.final}`,
    `delivered ${counts.delivered}`,
  ].join('   ');
}

function countSamples(
  text: string,
): Pick<Counts, 'received' | 'accepted' | 'duplicates' | 'refused' | 'delivered'> {
  let [received, accepted, duplicates, delivered] = [0, 0, 0, 0];
  const refused: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const [, name, labelText = '', valueText] = SAMPLE.exec(line) ?? [];
    const value = Number(valueText);
    if (name === undefined || value === 0) continue;
    const labels = Object.fromEntries([...labelText.matchAll(LABEL)].map(([, key, word]) => [key, word]));
    if (name === 'vitalseal_delivered_entries_total' && labels['kind'] === 'statements') delivered += value;
    if (name !== 'vitalseal_statements_total') continue;
    received += value;
    if (labels['verdict'] === 'accept') accepted += value;
    else if (labels['verdict'] === 'ignore') duplicates += value;
    else refused[labels['code'] ?? ''] = value;
  }
  return { received, accepted, duplicates, refused, delivered };
}

/** Counters add up over restarts; sizes of the log, and gas, are kept by the store. */
function add(before: Counts, now: Counts): Counts {
  const refused: Record<string, number> = { ...before.refused };
  for (const [code, count] of Object.entries(now.refused)) refused[code] = (refused[code] ?? 0) + count;
  return {
    received: before.received + now.received,
    accepted: before.accepted + now.accepted,
    duplicates: before.duplicates + now.duplicates,
    refused,
    delivered: before.delivered + now.delivered,
    anchored: Math.max(before.anchored, now.anchored),
    final: Math.max(before.final, now.final),
    gasUsed: Math.max(before.gasUsed, now.gasUsed),
  };
}
