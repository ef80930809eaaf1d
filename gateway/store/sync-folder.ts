/** Names on the disk: a file that was synced can still be gone after a power cut while its name in the folder was not. */
import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Returns once the names in a folder are durable. Throws what the file system throws. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
