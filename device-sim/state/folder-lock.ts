/**
 * One process per device folder. Two simulators over one state would sign different statements under one number,
 * which a gateway rightly takes for a cloned key.
 */
import { open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';

const LOCK_FILE = 'lock';

/** Folders this process holds; its own number in a lock file may also be a dead namesake's. */
const held = new Set<string>();

/** Takes the folder and gives the function that lets it go. Throws Error when a live process has it. */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  if (held.has(folder)) throw new Error(`${folder}: in use by this process already`);
  held.add(folder);
  const file = join(folder, LOCK_FILE);
  try {
    await take(file);
  } catch (error) {
    held.delete(folder);
    throw error;
  }
  return async () => {
    await unlink(file);
    held.delete(folder);
  };
}

async function take(file: string): Promise<void> {
  for (;;) {
    try {
      const handle = await open(file, 'wx', 0o600);
      await handle.writeFile(`${process.pid}\n`);
      return await handle.close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = Number(await readFile(file, 'utf8').catch(() => '0'));
    if (owner !== process.pid && isAlive(owner)) {
      throw new Error(`${file}: the folder is in use by process ${owner}; stop it first`);
    }
    // Left behind by a process that was killed.
    await unlink(file).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
