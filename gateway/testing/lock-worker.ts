/**
 * Holds the write lock of a database from another thread, or reads it as it is now, so that this one may block on that. The thread lets go a moment after
 * it is asked to: whoever waits for the lock meanwhile is seen to wait.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const HOLD_ON_MS = 150;

const SCRIPT = `
const { workerData, parentPort } = require('node:worker_threads');
const Database = require('better-sqlite3');
const flags = new Int32Array(workerData.flags);
const db = new Database(workerData.file);
db.exec(workerData.begin);
parentPort.postMessage('locked');
Atomics.wait(flags, 0, 0);
Atomics.wait(flags, 2, 0, ${HOLD_ON_MS});
Atomics.store(flags, 1, 1);
db.exec('COMMIT');
db.close();
`;

export interface HeldLock {
  releaseSoon(): void;
  /** Set just before the lock is let go. */
  isReleased(): boolean;
  end(): Promise<void>;
}

const BEGIN = { write: 'BEGIN IMMEDIATE', read: 'BEGIN; SELECT count(*) FROM sqlite_schema' };

/** Resolves once the lock is held. */
export async function lockInWorker(file: string, to: 'write' | 'read' = 'write'): Promise<HeldLock> {
  const flags = new Int32Array(new SharedArrayBuffer(12));
  const worker = new Worker(SCRIPT, {
    eval: true,
    workerData: { file, begin: BEGIN[to], flags: flags.buffer },
  });
  await once(worker, 'message');
  return {
    releaseSoon: () => {
      Atomics.store(flags, 0, 1);
      Atomics.notify(flags, 0);
    },
    isReleased: () => Atomics.load(flags, 1) === 1,
    end: async () => {
      await worker.terminate();
    },
  };
}
