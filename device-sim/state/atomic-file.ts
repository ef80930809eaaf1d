/** Files that are, after a crash at any moment, either as before or as after. */
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces a file in one step and returns once it is durable: temporary file, fsync, rename, fsync of the folder. */
export async function writeFileAtomic(file: string, content: string, mode = 0o600): Promise<void> {
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, 'w', mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncFolder(dirname(file));
}

/** Makes the names in a folder durable; without it a new file may be gone after a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
