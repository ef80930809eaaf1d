/** How long a device waits for its acknowledgement at 1,000 readings a second, against one bare commit that is synced to the same disk. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { LoadResult } from '../load/messages.ts';
import type { Bench } from '../options.ts';
import { verifications } from '../support/openssl.ts';
import { cpuBetween } from '../support/proc.ts';
import { quantile } from '../support/statistics.ts';
import { type LoadedGateway, warmUp, withLoadedGateway } from './loaded-gateway.ts';
import { shown } from './rates.ts';

const DEVICES = 1_000;
const FLEET = { algorithm: 'Ed25519', first: 1, count: DEVICES } as const;
const PER_SECOND = 1_000;
const SECONDS = 6;
const COMMIT_SECONDS = 2;
const OPENSSL_SECONDS = 1;
const SETTLE_MS = 100;
/** As much as a sealed reading. */
const ROW = Buffer.alloc(250, 1);

export const intakeAcknowledgement: Bench = async (options) =>
  withLoadedGateway(FLEET, options, async ({ gateway, load }) => {
    await warmUp(load, DEVICES);
    const rounds: { bare: number; paced: LoadResult; cpu: number; ratio: number }[] = [];
    for (let round = 1; round <= options.rounds; round++) {
      const bare = bareCommitP99();
      const verified = await verifications('ed25519', OPENSSL_SECONDS);
      const { paced, cpu } = await pace({ gateway, load });
      rounds.push({ bare, paced, cpu: cpu * verified, ratio: paced.p99Ms / bare });
      options.say(
        `round ${round}: acknowledged within ${paced.p99Ms.toFixed(2)} ms (p99), a bare commit ${bare.toFixed(2)} ms`,
      );
    }
    return [
      {
        ...shown(
          'ack-p99',
          rounds.map(({ ratio }) => ratio),
          'ratio',
        ),
        target: 5,
      },
      shown(
        'ack-p99-time',
        rounds.map(({ paced }) => paced.p99Ms),
        'ms',
      ),
      shown(
        'ack-p50-time',
        rounds.map(({ paced }) => paced.p50Ms),
        'ms',
      ),
      shown(
        'bare-commit-p99',
        rounds.map(({ bare }) => bare),
        'ms',
      ),
      shown(
        'cpu-per-reading-at-1000',
        rounds.map(({ cpu }) => cpu),
        'ratio',
      ),
    ];
  });

async function pace({ gateway, load }: LoadedGateway): Promise<{ paced: LoadResult; cpu: number }> {
  await load.prepare(DEVICES, (PER_SECOND * SECONDS) / DEVICES);
  const before = gateway.cpu();
  const paced = await load.pace(PER_SECOND, SECONDS);
  await delay(SETTLE_MS);
  return { paced, cpu: cpuBetween(before, gateway.cpu()) / paced.acknowledged };
}

/** Milliseconds for one row in one transaction in WAL mode with synchronous=FULL, one after another: p99. */
function bareCommitP99(): number {
  const folder = mkdtempSync(join(tmpdir(), 'vitalseal-bench-'));
  const db = new Database(join(folder, 'bare.db'));
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, row BLOB NOT NULL) STRICT');
    const insert = db.prepare('INSERT INTO rows (row) VALUES (?)');
    const took: number[] = [];
    const until = performance.now() + COMMIT_SECONDS * 1000;
    for (let from = performance.now(); from < until; ) {
      insert.run(ROW);
      const to = performance.now();
      took.push(to - from);
      from = to;
    }
    return quantile(took, 0.99);
  } finally {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
