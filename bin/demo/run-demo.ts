/** The demonstration: the main job, whole, on a real chain, broker and database, with every claim looked at from outside. */
import { setTimeout as delay } from 'node:timers/promises';
import { MISBEHAVIOURS } from '../../device-sim/index.ts';
import { type Claim, Claims } from './claims.ts';
import { type HonestFleet, runHostile, startHonest, WEARS_RECORDINGS } from './fleet.ts';
import {
  checkInbox,
  checkNothingLost,
  checkStore,
  countStatements,
  readWholeInbox,
} from './outside-checks.ts';
import { type Counts, Progress, progressLine } from './progress.ts';
import { demonstrateReceipts, type ReceiptFiles } from './receipts.ts';
import { Stage } from './stage.ts';

const PROGRESS_EVERY_MS = 2_000;
/** How long the honest devices send before the hostile ones come, and between each further act. */
const ACT_MS = 4_000;
const SETTLE_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 250;

export interface DemoSummary {
  readonly held: boolean;
  readonly claims: readonly Claim[];
  readonly counts: Counts;
  /** Statements in the log at the end. */
  readonly statements: number;
  readonly gas: { readonly anchors: number; readonly perStatement: number };
  readonly data: 'recordings' | 'synthetic';
  readonly seconds: number;
  readonly files: { readonly directory: string } & ReceiptFiles;
}

export interface DemoIo {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Runs everything and returns what held. The stage stays up: the caller closes it. */
export async function runDemo(
  directory: string,
  { say, signal }: DemoIo,
): Promise<{ stage: Stage; summary: DemoSummary }> {
  const started = performance.now();
  heading(say, '1. A chain, a contract, a clinic, a gateway');
  const stage = await Stage.open(directory, say);
  try {
    const claims = new Claims(({ name, held, seen }) => {
      say(`  ${held ? 'held  ' : 'BROKEN'}  ${name}`);
      say(`          ${seen}`);
    });
    const progress = new Progress(stage);
    const { counts, statements, files } = await acts(stage, progress, claims, { say, signal });
    const summary: DemoSummary = {
      held: claims.allHeld,
      claims: claims.all,
      counts,
      statements,
      gas: { anchors: counts.gasUsed, perStatement: Math.round(counts.gasUsed / Math.max(1, statements)) },
      data: WEARS_RECORDINGS ? 'recordings' : 'synthetic',
      seconds: Math.round((performance.now() - started) / 1000),
      files: { directory, ...files },
    };
    return { stage, summary };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

async function acts(
  stage: Stage,
  progress: Progress,
  claims: Claims,
  { say, signal }: DemoIo,
): Promise<{ counts: Counts; statements: number; files: ReceiptFiles }> {
  heading(
    say,
    `2. A fleet is enrolled and sends ${WEARS_RECORDINGS ? 'real recordings' : 'synthetic vitals'}, signed`,
  );
  const fleet = await startHonest(stage, say);
  say('  anchored, final: log entries under a root on the chain; delivered: entries the clinic has.');
  say("  Both count the gateway's own entries too (enrolments, and for the chain heartbeats).");
  let shown = '';
  const ticker = setInterval(() => {
    void progress.read().then((counts) => {
      const line = `  ${progressLine(counts)}`;
      if (line !== shown) say(line);
      shown = line;
    });
  }, PROGRESS_EVERY_MS);
  try {
    await delay(ACT_MS, undefined, { signal });
    heading(say, '3. Hostile devices join');
    await actHostile(stage, progress, claims, say);
    heading(say, '4. The gateway is killed in the middle (SIGKILL) and started again');
    await actKill(stage, progress, fleet, claims, say);
    await delay(ACT_MS, undefined, { signal });
    heading(say, '5. Everything settles: acknowledged, delivered, final');
    fleet.stop();
    await fleet.done;
    await settle(stage, progress, signal);
  } finally {
    clearInterval(ticker);
    fleet.stop();
  }
  await checkNothingLost(stage, fleet.members, claims);
  const items = readWholeInbox(stage);
  checkInbox(items, await countStatements(stage), claims);
  await checkStore(stage, 'at the end', claims);
  heading(say, '6. A receipt, and altered copies of it');
  // The newest: by then the device had heard of a final block, and signs that it had.
  const reading = items.findLast(
    ({ device, subject }) => device === fleet.members[0]?.urn && subject === 'vitals',
  );
  if (reading === undefined) throw new Error('no reading of the first device reached the inbox');
  const files = await demonstrateReceipts(stage, reading.index, reading.device, claims, say);
  return { counts: await progress.read(), statements: items.length, files };
}

/** Each hostile device is refused under its own code, and nobody else is refused anything. */
async function actHostile(
  stage: Stage,
  progress: Progress,
  claims: Claims,
  say: (line: string) => void,
): Promise<void> {
  const results = await runHostile(stage);
  for (const { name, code, outcome, expectedCode, asExpected } of results) {
    const closed = outcome === 'acknowledged' ? '' : ' The connection is closed.';
    say(`  ${(code ?? expectedCode).padEnd(18)} ${MISBEHAVIOURS.get(name)?.description ?? name}${closed}`);
    if (!asExpected) claims.claim(`${name} is refused as ${expectedCode}`, false, `${outcome} ${code ?? ''}`);
  }
  const { refused, duplicates } = await progress.read();
  const expected: Record<string, number> = {};
  for (const { expectedCode } of results) expected[expectedCode] = (expected[expectedCode] ?? 0) + 1;
  const { duplicate = 0, ...refusals } = expected;
  const agrees =
    Object.keys({ ...refusals, ...refused }).every((code) => refusals[code] === refused[code]) &&
    duplicates >= duplicate;
  const seen = Object.entries(refused)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ');
  claims.claim(
    'each hostile device is refused for its own reason, and nobody else is refused anything',
    agrees,
    `${seen}, duplicate ${duplicates}`,
  );
}

async function actKill(
  stage: Stage,
  progress: Progress,
  fleet: HonestFleet,
  claims: Claims,
  say: (line: string) => void,
): Promise<void> {
  await progress.keep();
  await stage.killGateway();
  say(`  killed; the log is checked as it lies there`);
  await checkStore(stage, 'after the kill', claims);
  await stage.startGateway();
  say(`  started again, on the same addresses`);
  await checkNothingLost(stage, fleet.members, claims);
}

/** Waits until the provider has every entry and a final anchor covers every statement. */
async function settle(stage: Stage, progress: Progress, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + SETTLE_WITHIN_MS;
  const statements = await countStatements(stage);
  for (;;) {
    signal.throwIfAborted();
    await progress.read();
    const items = readWholeInbox(stage);
    const proven = items.filter(({ proof }) => proof === 'anchored').length;
    if (items.length >= statements && proven >= statements) return;
    if (Date.now() > deadline) return; // the claims that follow say what is missing
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}

function heading(say: (line: string) => void, text: string): void {
  say('');
  say(text);
}
