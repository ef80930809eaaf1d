/**
 * Notices that the store's file is no longer where the next start will look for it: deleted, moved, or another put in its place. The open
 * database goes on working then, on a file without a name, and everything acknowledged from there on would be gone at the end of the process.
 */
import { statSync } from 'node:fs';
import { GatewayError } from '../errors.ts';

/** What is acknowledged between the loss and the look is lost with the rest. One stat a look; no basis for less. */
const LOOK_EVERY_MS = 250;

export interface FileWatch {
  close(): void;
}

/**
 * Watches a file that is open and in place now.
 *
 * @param onGone called once, with the failure to stop with
 */
export function watchFile(file: string, onGone: (error: GatewayError) => void): FileWatch {
  const opened = identityOf(file);
  const timer = setInterval(() => {
    const found = identityOf(file);
    if (found === opened) return;
    clearInterval(timer);
    const what = found === undefined ? 'is not there any more' : 'is another file now';
    onGone(
      new GatewayError(
        'store-unavailable',
        `the store ${file} ${what}; put the data directory back where it was, then start again`,
        { fatal: true },
      ),
    );
  }, LOOK_EVERY_MS);
  return { close: () => clearInterval(timer) };
}

/** Device and inode: the same as long as it is the same file. Undefined when there is none, or it cannot be told. */
function identityOf(file: string): string | undefined {
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
