/** The intake before a real log, with a checker whose answers the test gives, and a device that is enrolled. */
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Verdict } from '../../ports.ts';
import { type Db, openDatabase } from '../../store/database.ts';
import { makeFolder } from '../../testing/folder.ts';
import { type BenchOptions, LogBench } from '../../testing/log-bench.ts';
import { Wearable } from '../../testing/wearable.ts';
import { HeldChecker } from './held-checker.ts';
import { codeOf } from './verdicts.ts';

export class FlowScene {
  readonly wearable = new Wearable(1);
  readonly #folder = makeFolder();
  checker: HeldChecker;
  bench: LogBench;

  private constructor(options: BenchOptions, width: number) {
    this.checker = new HeldChecker(width);
    this.bench = new LogBench({ folder: this.#folder.path, checker: this.checker, ...options });
  }

  /** `width`: requests that the intake may have with the checker at once. */
  static async open(options: BenchOptions = {}, width = 4): Promise<FlowScene> {
    const scene = new FlowScene(options, width);
    await scene.bench.enrol(scene.wearable);
    return scene;
  }

  /** Has the first statement of each device taken, so that it is known how far it has come. */
  async begin(...wearables: readonly Wearable[]): Promise<void> {
    for (const one of wearables) {
      const verdict = this.bench.submit(one, await one.next());
      await this.checker.answerUntil(verdict);
      expect(codeOf(await verdict)).toBe('accept');
    }
    this.checker.asked.length = 0;
  }

  /** Hands in what the scene's own device sent. */
  submit(bytes: Uint8Array): Promise<Verdict> {
    return this.bench.submit(this.wearable, bytes);
  }

  /** Everything anew over what is stored. `between`: what someone else does to the store meanwhile. */
  async restart(between: (db: Db) => void = () => undefined): Promise<void> {
    await this.bench.close();
    const db = openDatabase(join(this.#folder.path, 'gateway.db'), []);
    between(db);
    db.close();
    this.checker = new HeldChecker();
    this.bench = new LogBench({ folder: this.#folder.path, checker: this.checker });
  }

  async close(): Promise<void> {
    await this.bench.close();
    this.#folder.remove();
  }
}
