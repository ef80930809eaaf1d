/** Small file systems of one's own, to fill, to turn read-only, and to cut off from power. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An ext4 in a file, mounted through a loop device. */
export class LoopDisk {
  readonly place: string;
  readonly #image: string;
  #mounted = false;

  /** Makes and mounts it. @param place the directory it is mounted on */
  constructor(image: string, place: string, megabytes: number) {
    this.place = place;
    this.#image = image;
    writeFileSync(image, '');
    truncateSync(image, megabytes * 1024 * 1024);
    run('mkfs.ext4', ['-q', '-F', image]);
    mkdirSync(place, { recursive: true });
    this.mount();
    run('chmod', ['700', place]);
  }

  /** Mounts it again: the kernel replays the journal, as after a power cut. */
  mount(): void {
    run('mount', ['-o', 'loop', this.#image, this.place]);
    this.#mounted = true;
  }

  /**
   * Nothing reaches the disk from here on: what was not synced is lost, and whoever writes is told that the file system is
   * read-only. This is what ext4 does by itself when its disk fails.
   */
  abort(): void {
    run('mount', ['-o', 'remount,abort', this.place]);
  }

  /** Of what an aborted file system held in memory nothing is left after this. */
  unmount(): void {
    if (!this.#mounted) return;
    run('umount', [this.place]);
    this.#mounted = false;
  }

  /** Repairs it, as every start of a machine does. */
  check(): void {
    try {
      run('e2fsck', ['-p', this.#image]);
    } catch (error) {
      if ((error as { status?: number }).status !== 1) throw error; // 1: repaired
    }
  }

  /** Takes all the room that is left; the returned function gives it back. */
  fill(): () => void {
    const ballast = join(this.place, 'ballast');
    const { bavail, bsize } = statfsSync(this.place);
    writeFileSync(ballast, Buffer.alloc(Number(bavail) * Number(bsize)));
    return () => rmSync(ballast);
  }
}

/** Why no such disk can be had here; empty when it can. */
export function loopDiskNote(): string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return ' (skipped: only root may mount)';
  const folder = join(tmpdir(), `vitalseal-loop-${process.pid}`);
  try {
    mkdirSync(folder);
    new LoopDisk(join(folder, 'image'), join(folder, 'disk'), 8).unmount();
    return '';
  } catch (error) {
    return ` (skipped: no loop-mounted ext4 here: ${error instanceof Error ? error.message.split('\n')[0] : error})`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, {
    stdio: 'pipe',
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  });
}
