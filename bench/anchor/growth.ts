/**
 * What the anchor loop costs the processor in a log of ten million leaves, over what it costs in one of ten thousand: sealing, the
 * consistency proof, the transaction, following it to its block and beyond. Both logs are anchored in turn on one real node, each by
 * the loop's own turns over its own store.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { getBytes, hexlify, id, Wallet } from 'ethers';
import { connectChain, openLog as openLogOnChain } from '../../contracts/index.ts';
import { Anchorer } from '../../gateway/anchor/anchorer.ts';
import { CADENCE_MS, OPTIONS, type Scene } from '../../gateway/anchor/testing/scene.ts';
import { openLog } from '../../gateway/log/open-log.ts';
import type { AnchorTarget } from '../../gateway/ports.ts';
import { SqliteAnchorStore } from '../../gateway/store/anchors.ts';
import { TEST_LOG_SIGNER } from '../../gateway/testing/log-bench.ts';
import { MemoryLogger } from '../../gateway/testing/logger.ts';
import type { Figure } from '../report.ts';
import { openFilledStore } from '../support/filled-store.ts';
import { median } from '../support/statistics.ts';

const SMALL = 10_000;
const LARGE = 10_000_000;
const ROUNDS = 60;
/** Not measured: the compilers have to finish, and the first anchor carries no proof. */
const WARM_UP = 20;
const TARGET = 1.1;

interface AnchoredLog {
  /** One cadence. Resolves with the processor time it took, in microseconds. */
  cadence(): Promise<number>;
  close(): Promise<void>;
}

export async function measureAnchorGrowth(scene: Scene, say: (line: string) => void): Promise<Figure> {
  const folder = mkdtempSync(join(tmpdir(), 'vitalseal-bench-'));
  try {
    say(`anchor-growth: filling a log with ${LARGE} leaves`);
    const logs = [
      await openAnchored(scene, join(folder, 'small.db'), SMALL),
      await openAnchored(scene, join(folder, 'large.db'), LARGE),
    ] as const;
    const ratios: number[] = [];
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      scene.clock.advance(CADENCE_MS);
      const [base, grown] = [await logs[0].cadence(), await logs[1].cadence()];
      if (round >= WARM_UP) ratios.push(grown / base);
    }
    for (const log of logs) await log.close();
    return { name: 'anchor-growth', value: median(ratios), unit: 'ratio', target: TARGET };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openAnchored(scene: Scene, file: string, size: number): Promise<AnchoredLog> {
  const db = openFilledStore(file, size);
  const { clock } = scene;
  const logger = new MemoryLogger();
  const nothing = (): void => undefined;
  const log = openLog(db, {
    ...{ origin: 'bench.example/log', signer: TEST_LOG_SIGNER, masterKey: new Uint8Array(32), clock, logger },
    quarantine: { perDevice: 1, total: 1 },
    commit: { maxBatch: 1000, maxBatchBytes: 1 << 20, maxAgeMs: 0, maxQueue: 1000 },
    ...{
      suspendOnEquivocation: true,
      padTo: 1,
      onGap: nothing,
      onDeviceChanged: nothing,
      onFleetChanged: nothing,
    },
    onCommit: nothing,
    onFatal: fail,
  });
  const chain = scene.connect({ target: await openOnChain(scene, `log of ${size}`) });
  const store = new SqliteAnchorStore(db);
  const { reader, sealer } = log;
  const outlet = { publishBeacon: nothing };
  const anchorer = new Anchorer(
    { chain, store, log: reader, sealer, outlet, clock, logger, onFatal: fail },
    OPTIONS,
  );
  return {
    cadence: async () => {
      const before = process.cpuUsage();
      await anchorer.tick();
      const { user, system } = process.cpuUsage(before);
      const { lastError, submitted, anchored } = await anchorer.status();
      if (lastError !== undefined || (submitted ?? anchored) === undefined)
        throw new Error(`the log of ${size} was not anchored: ${lastError?.message ?? 'nothing was sent'}`);
      return user + system;
    },
    close: async () => {
      await anchorer.close();
      await log.close();
      db.close();
    },
  };
}

/** Opens a further log in the scene's contract. */
async function openOnChain(scene: Scene, name: string): Promise<AnchorTarget> {
  const provider = await connectChain(scene.node.url);
  try {
    const owner = new Wallet(scene.owner.privateKey, provider);
    const terms = { operator: scene.operator.address, logKeyHash: id(name) };
    const { logId } = await openLogOnChain(owner, hexlify(scene.target.contract), terms);
    return { ...scene.target, logId: getBytes(logId) };
  } finally {
    provider.destroy();
  }
}

function fail(error: Error): never {
  throw error;
}
