/**
 * The fault table: each side effect that the store has on the disk, and the PUBACK, with what can become of it.
 *
 *   refused        the call fails and nothing was done                          strace makes it fail
 *   done, refused  the call is carried out and fails all the same               a preloaded library does that
 *   killed before  the process is dead as the call is entered                   strace, for the PUBACK the library
 *   killed after   the call is carried out, then the process is dead            the library
 *   torn           half of a write is carried out, then the process is dead     the library
 *
 * After each row: nothing was acknowledged that is not in the log, everything is in there once, and fsck finds nothing.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSigner } from '../src/signature.ts';
import type { StatementFields } from '../src/statement.ts';
import { endPrograms, type Running, vitalseal } from './support/command.ts';
import { expectEachOnce } from './support/each-once.ts';
import { FaultShim, type FaultyCall, type LateFault } from './support/faults/shim.ts';
import { attachStrace } from './support/faults/strace.ts';
import { missingNote } from './support/installed.ts';
import { Sender } from './support/sender.ts';
import { Site } from './support/site.ts';
import { until } from './support/wait.ts';

/** What strace calls them. SQLite syncs by one or the other, as it was built. */
const SYSTEM_CALLS: Readonly<Record<string, string>> = {
  write: 'pwrite64',
  fsync: 'fsync,fdatasync',
  ftruncate: 'ftruncate',
  unlink: 'unlink',
};
const IN_FLIGHT = 4;
/** The WAL is folded into the database every thousand pages: long statements make that come soon. */
const LONG_BYTES = 200_000;
const OPAQUE = 42;
/** The gateway's exit code when going on would be unsafe. */
const UNSAFE = 3;

type Fault =
  | { readonly how: 'refused'; readonly error: 'EIO' | 'ENOSPC' | 'EROFS' }
  | { readonly how: 'killed before' }
  | { readonly how: 'done, refused' | 'killed after' | 'torn' };

interface Row {
  readonly call: FaultyCall;
  readonly file: 'gateway.db' | 'gateway.db-wal' | 'mqtt';
  /** `reading`: at the next commit. `folding`: as the WAL is folded into the database. `stop`: the same, at a clean end. */
  readonly when: 'reading' | 'folding' | 'stop';
  readonly fault: Fault;
  /** What becomes of the gateway. */
  readonly outcome: 'goes on' | 'stops as unsafe' | 'is killed' | 'has stopped';
}

const LATE: Readonly<Record<string, LateFault>> = {
  'done, refused': 'fail',
  'killed after': 'die',
  torn: 'tear',
};
const EIO: Fault = { how: 'refused', error: 'EIO' };
const ENOSPC: Fault = { how: 'refused', error: 'ENOSPC' };
const DONE: Fault = { how: 'done, refused' };
const BEFORE: Fault = { how: 'killed before' };
const AFTER: Fault = { how: 'killed after' };
const TORN: Fault = { how: 'torn' };

const commit = { file: 'gateway.db-wal', when: 'reading' } as const;
const puback = { call: 'puback', file: 'mqtt', when: 'reading' } as const;
const fold = { file: 'gateway.db', when: 'folding' } as const;
const stop = { file: 'gateway.db', when: 'stop' } as const;

const TABLE: readonly Row[] = [
  // A commit: frames into the WAL, then its fsync. An fsync that failed is never believed later: the gateway stops.
  { ...commit, call: 'write', fault: EIO, outcome: 'stops as unsafe' },
  { ...commit, call: 'write', fault: ENOSPC, outcome: 'goes on' },
  { ...commit, call: 'write', fault: DONE, outcome: 'stops as unsafe' },
  { ...commit, call: 'write', fault: BEFORE, outcome: 'is killed' },
  { ...commit, call: 'write', fault: AFTER, outcome: 'is killed' },
  { ...commit, call: 'write', fault: TORN, outcome: 'is killed' },
  { ...commit, call: 'fsync', fault: EIO, outcome: 'stops as unsafe' },
  { ...commit, call: 'fsync', fault: ENOSPC, outcome: 'stops as unsafe' },
  { ...commit, call: 'fsync', fault: DONE, outcome: 'stops as unsafe' },
  { ...commit, call: 'fsync', fault: BEFORE, outcome: 'is killed' },
  { ...commit, call: 'fsync', fault: AFTER, outcome: 'is killed' },
  // The PUBACK, of a statement that is durable by then.
  { ...puback, fault: DONE, outcome: 'goes on' },
  { ...puback, fault: BEFORE, outcome: 'is killed' },
  { ...puback, fault: AFTER, outcome: 'is killed' },
  // Folding the WAL into the database. What fails here is in the WAL still, and is written again from there: no harm to go on.
  { ...fold, call: 'write', fault: EIO, outcome: 'goes on' },
  { ...fold, call: 'write', fault: ENOSPC, outcome: 'goes on' },
  { ...fold, call: 'write', fault: DONE, outcome: 'goes on' },
  { ...fold, call: 'write', fault: BEFORE, outcome: 'is killed' },
  { ...fold, call: 'write', fault: TORN, outcome: 'is killed' },
  { ...fold, call: 'fsync', fault: EIO, outcome: 'goes on' },
  { ...fold, call: 'fsync', fault: DONE, outcome: 'goes on' },
  { ...fold, call: 'fsync', fault: BEFORE, outcome: 'is killed' },
  { ...fold, call: 'fsync', fault: AFTER, outcome: 'is killed' },
  // The same at a clean end, which also cuts the database to its size and removes the WAL.
  { ...stop, call: 'write', fault: EIO, outcome: 'has stopped' },
  { ...stop, call: 'fsync', fault: EIO, outcome: 'has stopped' },
  { ...stop, call: 'fsync', fault: AFTER, outcome: 'is killed' },
  { ...stop, call: 'ftruncate', fault: EIO, outcome: 'has stopped' },
  { ...stop, call: 'ftruncate', fault: AFTER, outcome: 'is killed' },
  { ...stop, call: 'unlink', file: 'gateway.db-wal', fault: EIO, outcome: 'has stopped' },
  { ...stop, call: 'unlink', file: 'gateway.db-wal', fault: BEFORE, outcome: 'is killed' },
  { ...stop, call: 'unlink', file: 'gateway.db-wal', fault: AFTER, outcome: 'is killed' },
];

const NEEDED = ['strace', 'cc'];
const note = missingNote(NEEDED);

describe.skipIf(note !== '')(`the fault table${note}`, () => {
  let site: Site;
  let shim: FaultShim;
  let number = 0;
  const sender = new Sender(
    'urn:dev:mac:0024befffe80fb01',
    createSigner('Ed25519', new Uint8Array(32).fill(11)),
  );

  beforeAll(async () => {
    site = await Site.create();
    shim = await FaultShim.build(site.directory);
    await site.enrol(sender);
    // Nothing is delivered: every write is one that devices wait for, or a checkpoint.
    site.amend(() => ({ providers: [], checkpointEverySeconds: 0.2 }));
    await site.startGateway({ env: shim.env });
    await sender.connect(site.gateway.mqttUrl);
  }, 60_000);

  afterEach(async (test) => {
    if (test.task.result?.state !== 'fail') return;
    // What one row did wrong must not be told of the rows after it.
    site.gateway.kill('SIGKILL');
    await site.gateway.exited;
    await site.startGateway({ env: shim.env });
    await sender.stopLoad();
  }, 60_000);

  afterAll(async () => {
    await sender.disconnect();
    await endPrograms();
    site?.remove();
  }, 60_000);

  it.each(TABLE.map((row) => [nameOf(row), row] as const))('%s', async (_name, row) => {
    const { gateway } = site;
    if (row.when !== 'stop') sender.startLoad(IN_FLIGHT, row.when === 'folding' ? longStatement : undefined);
    const fault = await arm(row);
    if (row.when === 'stop') gateway.kill('SIGTERM');
    if (row.outcome === 'goes on') {
      await until('the fault', fault.happened);
      const before = sender.acknowledged.size;
      await until('further readings', () => sender.acknowledged.size > before + 10);
    } else {
      const ends = { 'stops as unsafe': UNSAFE, 'is killed': 'SIGKILL', 'has stopped': 0 };
      expect(await endOf(gateway)).toBe(ends[row.outcome]);
      expect(fault.happened()).toBe(true);
      if (row.outcome === 'stops as unsafe') expect(gateway.err()).toContain('"code":"store-unavailable"');
    }
    await fault.disarm();
    if (row.outcome !== 'goes on') await site.startGateway({ env: shim.env });
    if (row.when === 'stop') await sender.send();
    await sender.stopLoad();
    const [{ code, out }] = await Promise.all([
      vitalseal(['fsck', '--fast', '--config', site.config]),
      expectEachOnce(site, [sender]), // what was acknowledged before the fault is never sent again
    ]);
    expect({ code, out }).toMatchObject({ code: 0 });
  });

  it('left a log in which every signature is good as well', async () => {
    const { code, out } = await vitalseal(['fsck', '--config', site.config]);
    expect({ code, out }).toMatchObject({ code: 0 });
    expect(sender.acknowledged.size).toBe(sender.statements.length);
  });

  /** Makes the fault happen at the next such call of the running gateway. */
  async function arm({
    call,
    file,
    fault,
  }: Row): Promise<{ happened(): boolean; disarm(): Promise<unknown> }> {
    const late = call === 'puback' && fault.how === 'killed before' ? 'never' : LATE[fault.how];
    if (late !== undefined) {
      shim.arm(call, file, late);
      return { happened: () => shim.happened, disarm: async () => undefined };
    }
    const calls = SYSTEM_CALLS[call] ?? '';
    const effect = fault.how === 'refused' ? `error=${fault.error}` : 'signal=KILL';
    const trace = await attachStrace(site.gateway.pid, site.file(`trace-${number++}`), [
      ...['-P', `${site.dataDirectory}/${file}`, '-e', `trace=${calls}`],
      ...['-e', `inject=${calls}:${effect}:when=1`],
    ]);
    const mark = fault.how === 'refused' ? 'INJECTED' : 'killed by SIGKILL';
    return { happened: () => trace.text().includes(mark), disarm: () => trace.detach() };
  }
});

/** How a gateway ended; throws when it does not. */
async function endOf({ exited }: Running): Promise<number | string> {
  let end: number | string | undefined;
  void exited.then((code) => {
    end = code;
  });
  await until('the end of the gateway', () => end !== undefined);
  return end ?? '';
}

function longStatement(): Partial<StatementFields> {
  return { contentType: OPAQUE, payload: Uint8Array.from(randomBytes(LONG_BYTES)) };
}

function nameOf({ call, file, when, fault, outcome }: Row): string {
  const how = fault.how === 'refused' ? `${fault.how} with ${fault.error}` : fault.how;
  return `${call} of ${file} (${when}) ${how}: the gateway ${outcome}`;
}
