import { beforeEach, describe, expect, test } from 'vitest';
import { Metrics } from './metrics.ts';
import type { AnchorFigures, ChainFigures } from './metrics-anchoring.ts';

let metrics: Metrics;

beforeEach(() => {
  metrics = new Metrics();
});

/** The lines of a page without those of the process itself. */
async function page(): Promise<string[]> {
  const lines = (await metrics.registry.metrics()).split('\n');
  return lines.filter((line) => /^vitalseal_(anchor|chain)/.test(line));
}

const VIEW: ChainFigures = {
  newestBlock: 120n,
  newestBlockTime: 1_767_323_045,
  finalBlock: 100n,
  balance: 2n * 10n ** 18n,
  anchorsLeft: 7,
};

describe('the chain', () => {
  test('is not in the metrics of a gateway without one', async () => {
    expect(await page()).toEqual([]);
  });

  test('has no figures before the first look, and none any more once it is away; only the time stays', async () => {
    metrics.anchoring.reachable(false);
    const before = (await page()).filter((line) => line.startsWith('vitalseal_chain'));
    expect(before).toEqual(['vitalseal_chain_reachable 0']);
    metrics.anchoring.reachable(true);
    metrics.anchoring.chain(VIEW);
    expect(await page()).toEqual(
      expect.arrayContaining([
        'vitalseal_chain_newest_block_timestamp_seconds 1767323045',
        'vitalseal_chain_newest_block 120',
        'vitalseal_chain_final_block 100',
        'vitalseal_chain_balance_ether 2',
        'vitalseal_chain_anchors_left 7',
      ]),
    );
    metrics.anchoring.forgetChain();
    expect((await page()).filter((line) => line.startsWith('vitalseal_chain'))).toEqual([
      'vitalseal_chain_reachable 1',
      'vitalseal_chain_newest_block_timestamp_seconds 1767323045',
    ]);
  });
});

describe('anchors', () => {
  test('each outcome is a series from the start, so that an alarm on it needs no first occurrence', async () => {
    metrics.anchoring.anchor('submitted');
    metrics.anchoring.anchor('anchored', 70_000n);
    expect((await page()).filter((line) => /_total/.test(line))).toEqual([
      'vitalseal_anchors_total{outcome="submitted"} 1',
      'vitalseal_anchors_total{outcome="replacement"} 0',
      'vitalseal_anchors_total{outcome="resent"} 0',
      'vitalseal_anchors_total{outcome="anchored"} 1',
      'vitalseal_anchors_total{outcome="final"} 0',
      'vitalseal_anchors_total{outcome="reorganised"} 0',
      'vitalseal_anchors_total{outcome="reverted"} 0',
      'vitalseal_anchors_total{outcome="replaced"} 0',
      'vitalseal_anchors_total{outcome="other-target"} 0',
      'vitalseal_anchor_gas_total 70000',
    ]);
  });

  test('what each state covers and since when is read at each asking; what was undone is gone', async () => {
    let progress: AnchorFigures = {
      recorded: 9,
      submitted: 9,
      anchored: 5,
      final: 0,
      reachedAt: { recorded: 4_000, submitted: 4_500, anchored: 3_000 },
    };
    metrics.anchoring.watchProgress(async () => progress);
    const read = async () => (await page()).filter((line) => line.includes('{state='));
    expect(await read()).toEqual([
      'vitalseal_anchor_entries{state="recorded"} 9',
      'vitalseal_anchor_entries{state="submitted"} 9',
      'vitalseal_anchor_entries{state="anchored"} 5',
      'vitalseal_anchor_entries{state="final"} 0',
      'vitalseal_anchor_timestamp_seconds{state="recorded"} 4',
      'vitalseal_anchor_timestamp_seconds{state="submitted"} 4.5',
      'vitalseal_anchor_timestamp_seconds{state="anchored"} 3',
    ]);
    progress = { ...progress, anchored: 0, reachedAt: { recorded: 4_000, submitted: 4_500 } };
    expect(await read()).toEqual([
      'vitalseal_anchor_entries{state="recorded"} 9',
      'vitalseal_anchor_entries{state="submitted"} 9',
      'vitalseal_anchor_entries{state="anchored"} 0',
      'vitalseal_anchor_entries{state="final"} 0',
      'vitalseal_anchor_timestamp_seconds{state="recorded"} 4',
      'vitalseal_anchor_timestamp_seconds{state="submitted"} 4.5',
    ]);
  });
});
