/** Waiting for a moment in another process, closer than `until` looks. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 2;

/** Resolves when `probe` holds, or after `atMostMs` without it: what comes next then comes all the same. */
export async function soonAs(probe: () => boolean, atMostMs: number): Promise<boolean> {
  const deadline = performance.now() + atMostMs;
  while (!probe()) {
    if (performance.now() > deadline) return false;
    await delay(LOOK_EVERY_MS);
  }
  return true;
}

/** Whether a process has a file of this name open. Only Linux tells; elsewhere it is never known. */
export function hasOpen(pid: number, name: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => readlinkSync(`${folder}/${fd}`).endsWith(`/${name}`));
  } catch {
    return false; // not there yet, gone again, or no such thing on this system
  }
}
