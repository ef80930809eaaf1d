import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Anchoring } from './compose-anchoring.ts';
import { loadConfig } from './config.ts';
import type { Deliverer } from './deliver/deliverer.ts';
import { gatewayHealth, gatewayStatus, type StatusSources } from './status.ts';
import { SqliteAnchorStore } from './store/anchors.ts';
import type { ConnectedStore } from './store-thread/connect.ts';
import { writeGatewayFiles } from './testing/gateway-bench.ts';
import { LogBench } from './testing/log-bench.ts';

let bench: LogBench;
let sources: StatusSources;

beforeEach(() => {
  bench = new LogBench();
  sources = makeSources(60);
});

afterEach(() => bench.close());

function makeSources(checkpointEverySeconds: number): StatusSources {
  const anchors = new SqliteAnchorStore(bench.db);
  const store = { db: bench.db, log: bench.log, anchors } as unknown as ConnectedStore;
  return {
    config: loadConfig(writeGatewayFiles(bench.folder, { checkpointEverySeconds }), {}),
    store,
    intake: { waiting: 0 },
    anchoring: { status: async () => ({ balance: 2n ** 70n }) } as unknown as Anchoring,
    witnesses: { views: async () => [] },
    timestamps: { view: async () => undefined },
    deliverer: { status: async () => [] } as unknown as Deliverer,
    clock: bench.clock,
    watches: { silence: { silent: 1, watched: 3 } },
    brokers: [],
  };
}

describe('health', () => {
  test('is not there before the first checkpoint', async () => {
    expect(await gatewayHealth(sources)).toEqual({
      healthy: false,
      checks: { store: 'ok', checkpoint: 'no recent checkpoint' },
    });
  });

  test.each([
    ['three cadences', 60, 180_000],
    ['fifteen seconds, when the cadence is very short', 0.1, 15_000],
  ])('lasts for %s', async (_name, cadence, limitMs) => {
    sources = makeSources(cadence);
    await bench.log.sealer.seal(undefined);
    bench.clock.advance(limitMs);
    expect((await gatewayHealth(sources)).healthy).toBe(true);
    bench.clock.advance(1);
    expect((await gatewayHealth(sources)).healthy).toBe(false);
    await bench.log.sealer.seal(undefined);
    expect((await gatewayHealth(sources)).healthy).toBe(true);
  });

  test('a store that does not answer is told, not thrown', async () => {
    await bench.log.sealer.seal(undefined);
    bench.db.exec('ALTER TABLE checkpoints RENAME TO gone');
    const health = await gatewayHealth(sources);
    expect(health.healthy).toBe(false);
    expect(health.checks['store']).toContain('no such table');
    bench.db.exec('ALTER TABLE gone RENAME TO checkpoints');
  });
});

test('the status can be written as JSON: bytes as hex, quantities of the chain as decimal text', async () => {
  const { root } = await bench.log.sealer.seal(undefined);
  const status = JSON.parse(JSON.stringify(await gatewayStatus(sources)));
  expect(status).toMatchObject({
    log: { size: 1, waiting: 0, checkpoint: { size: 1, root: Buffer.from(root).toString('hex') } },
    devices: 0,
    quarantine: { kept: 0, dropped: 0 },
    anchoring: { balance: (2n ** 70n).toString() },
    witnesses: [],
    anchors: [],
    deliveries: [],
  });
});
