import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ExpectedDevice } from '../ports.ts';
import { TEST_NOW_MS } from '../testing/clock.ts';
import { MemoryLogger } from '../testing/logger.ts';
import { SilenceWatch } from './silence.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
const SILENT = 'device is silent past its cadence';
const HEARD = 'device is heard again';

/** A store of devices, the marks made in it, and two clocks that need not agree. */
class Scene {
  readonly devices = new Map<string, Omit<ExpectedDevice, 'id' | 'device'>>();
  readonly marks = new Map<string, number | null>();
  readonly logger = new MemoryLogger();
  wall = TEST_NOW_MS;
  monotonic = 777;
  isStoreAway = false;
  watch = this.#make();

  /** A row of the store, whose device is heard `ago` before now by the clock on the wall. */
  add(device: string, cadenceMs: number, ago = 0, wasSilent: 0 | 1 = 0): void {
    this.devices.set(device, { cadenceMs, lastHeard: this.wall - ago, wasSilent });
  }

  async start(): Promise<void> {
    await this.watch.load();
    this.watch.start();
  }

  /** A gateway that ends and begins: another growing clock, the marks as they were kept. */
  async restart(awayMs: number): Promise<void> {
    await this.watch.close();
    for (const [device, at] of this.marks) {
      const row = this.devices.get(device);
      if (row !== undefined) this.devices.set(device, { ...row, wasSilent: at === null ? 0 : 1 });
    }
    this.wall += awayMs;
    this.monotonic = 12;
    this.watch = this.#make();
    await this.start();
  }

  pass(ms: number, heard: readonly string[] = []): void {
    for (let left = ms; left > 0; left -= SECOND) {
      this.wall += Math.min(left, SECOND);
      this.monotonic += Math.min(left, SECOND);
      for (const device of heard) this.hear(device);
      this.watch.look();
    }
  }

  hear(device: string): void {
    const row = this.devices.get(device);
    if (row !== undefined) this.devices.set(device, { ...row, lastHeard: this.wall });
    this.watch.onHeard(device);
  }

  change(device: string, cadenceMs: number | undefined): void {
    const row = this.devices.get(device);
    if (cadenceMs === undefined) this.devices.delete(device);
    else this.devices.set(device, { wasSilent: 0, lastHeard: this.wall, ...row, cadenceMs });
    this.watch.onDeviceChanged(device);
  }

  said(message: string): number {
    return this.logger.lines.filter((line) => line.message === message).length;
  }

  #make(): SilenceWatch {
    const rows = () => [...this.devices].map(([device, row], at) => ({ id: at + 1, device, ...row }));
    return new SilenceWatch({
      expected: (after, limit) =>
        rows()
          .filter(({ id }) => id > after)
          .slice(0, limit),
      expectedOne: (device) => rows().find((row) => row.device === device),
      marks: {
        mark: async (changes) => {
          if (this.isStoreAway) throw new Error('the disk is full');
          for (const [device, at] of changes) this.marks.set(device, at);
        },
      },
      now: () => this.wall,
      monotonic: () => this.monotonic,
      logger: this.logger,
    });
  }
}

let scene: Scene;

beforeEach(() => {
  scene = new Scene();
  return () => scene.watch.close();
});

test('a device is silent a moment after its cadence, is said so once, and is heard again', async () => {
  scene.add('a', 60 * SECOND);
  await scene.start();
  scene.pass(60 * SECOND);
  expect(scene.watch.silent).toBe(0);
  scene.pass(2 * SECOND);
  expect(scene.watch.silent).toBe(1);
  expect(scene.logger.lines).toEqual([
    {
      level: 'warn',
      fields: { device: 'a', silentForSeconds: 61, cadenceSeconds: 60 },
      message: SILENT,
    },
  ]);
  scene.pass(HOUR);
  expect(scene.watch.silentFor('a')).toBe(HOUR + 62 * SECOND);
  expect(scene.said(SILENT)).toBe(1);
  scene.hear('a');
  expect([scene.watch.silent, scene.watch.silentFor('a')]).toEqual([0, undefined]);
  expect(scene.logger.lines.at(-1)).toEqual({
    level: 'info',
    fields: { device: 'a', silentForSeconds: 3_662 },
    message: HEARD,
  });
  scene.pass(62 * SECOND);
  expect(scene.said(SILENT)).toBe(2);
});

test('who sends within its cadence is never silent', async () => {
  scene.add('a', 5 * SECOND);
  await scene.start();
  for (let times = 0; times < 100; times++)
    scene.pass(4 * SECOND + (times % 2) * SECOND, times % 2 ? [] : ['a']);
  expect(scene.logger.lines).toEqual([]);
});

test.each([-HOUR, 25 * HOUR, -20 * 365 * 24 * HOUR])(
  'a jump of the gateway’s clock by %i ms makes nobody silent and nobody heard',
  async (jump) => {
    scene.add('quiet', 60 * SECOND);
    scene.add('busy', 60 * SECOND);
    await scene.start();
    scene.pass(30 * SECOND, ['busy']);
    scene.wall += jump;
    scene.pass(20 * SECOND, ['busy']);
    expect(scene.watch.silent).toBe(0);
    scene.pass(20 * SECOND, ['busy']);
    expect(scene.watch.silentFor('quiet')).toBe(70 * SECOND);
    expect(scene.watch.silent).toBe(1);
    scene.wall -= jump;
    scene.pass(HOUR, ['busy']);
    expect([scene.said(SILENT), scene.said(HEARD)]).toEqual([1, 0]);
  },
);

describe('a restart', () => {
  test('gives everyone a whole cadence: what was not heard meanwhile is the gateway’s own fault', async () => {
    scene.add('a', 60 * SECOND);
    await scene.start();
    scene.pass(50 * SECOND, ['a']);
    await scene.restart(7 * HOUR);
    scene.pass(59 * SECOND);
    expect(scene.logger.lines).toEqual([]);
    scene.pass(3 * SECOND);
    expect(scene.said(SILENT)).toBe(1);
    expect(scene.watch.silentFor('a')).toBe(7 * HOUR + 62 * SECOND); // but it was silent for all of it
  });

  test('leaves who was silent silent, without another alarm, until it is heard', async () => {
    scene.add('a', 60 * SECOND);
    scene.add('b', 60 * SECOND);
    await scene.start();
    scene.pass(70 * SECOND, ['b']);
    await scene.restart(HOUR);
    expect([scene.watch.silent, scene.watch.silentFor('a')]).toEqual([1, HOUR + 70 * SECOND]);
    expect(scene.logger.lines.at(-1)).toEqual({
      level: 'warn',
      fields: { silent: 1 },
      message: 'devices were silent before the start and are not heard yet',
    });
    scene.pass(50 * SECOND, ['b']);
    expect(scene.said(SILENT)).toBe(1);
    scene.hear('a');
    expect(scene.said(HEARD)).toBe(1);
    await scene.restart(0);
    expect(scene.watch.silent).toBe(0);
  });

  test('with a clock that has jumped since raises no alarm', async () => {
    scene.add('a', 60 * SECOND, -25 * HOUR); // heard in a time to come
    scene.add('b', 60 * SECOND, 25 * HOUR);
    await scene.start();
    scene.pass(59 * SECOND);
    expect(scene.watch.silent).toBe(0);
    scene.pass(3 * SECOND);
    expect([scene.watch.silentFor('a'), scene.watch.silent]).toEqual([62 * SECOND, 2]);
  });
});

test('a gateway that stood still gives everyone a whole cadence', async () => {
  scene.add('a', 60 * SECOND);
  await scene.start();
  scene.pass(30 * SECOND);
  scene.monotonic += 2 * HOUR; // suspended, or blocked: no look meanwhile
  scene.pass(60 * SECOND);
  expect(scene.watch.silent).toBe(0);
  scene.pass(3 * SECOND);
  expect(scene.watch.silent).toBe(1);
});

describe('what changes', () => {
  test('a device that is enrolled later is watched from then on; one that is suspended no more', async () => {
    await scene.start();
    scene.pass(HOUR);
    scene.change('a', 10 * SECOND);
    scene.pass(10 * SECOND);
    expect(scene.watch.silent).toBe(0);
    scene.pass(2 * SECOND);
    expect(scene.watch.silent).toBe(1);
    scene.change('a', undefined);
    expect([scene.watch.silent, scene.watch.watched]).toEqual([0, 0]);
    scene.pass(HOUR);
    expect(scene.said(SILENT)).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    scene.pass(SECOND);
    await new Promise((resolve) => setImmediate(resolve));
    expect(scene.marks.get('a')).toBeNull();
    scene.change('a', 10 * SECOND); // resumed
    scene.pass(9 * SECOND);
    expect(scene.watch.silent).toBe(0);
    scene.pass(3 * SECOND);
    expect(scene.said(SILENT)).toBe(2);
  });

  test('many that are enrolled at once are found, and those that were known stay as they were', async () => {
    scene.add('known', 10 * SECOND);
    await scene.start();
    scene.pass(12 * SECOND);
    for (let at = 0; at < 1_234; at++) scene.add(`new ${at}`, 10 * SECOND);
    await scene.watch.load();
    expect([scene.watch.watched, scene.watch.silent]).toEqual([1_235, 1]);
    scene.pass(9 * SECOND);
    expect(scene.watch.silent).toBe(1);
    scene.pass(3 * SECOND);
    expect(scene.watch.silent).toBe(1_235);
  });

  test('a longer cadence ends a silence that is in order by it, a shorter one lets it be', async () => {
    scene.add('a', 10 * SECOND);
    await scene.start();
    scene.pass(60 * SECOND);
    scene.change('a', 30 * SECOND);
    expect(scene.watch.silent).toBe(1);
    scene.change('a', HOUR);
    expect(scene.watch.silent).toBe(0);
    scene.pass(HOUR + 2 * SECOND);
    expect([scene.watch.silent, scene.said(SILENT)]).toEqual([1, 2]);
  });

  test('any other change of a silent device leaves it silent', async () => {
    scene.add('a', 10 * SECOND);
    await scene.start();
    scene.pass(60 * SECOND);
    scene.change('a', 10 * SECOND);
    expect([scene.watch.silent, scene.said(SILENT)]).toEqual([1, 1]);
  });
});

test('a whole house that goes silent is a hundred lines and a number; every day it is said again', async () => {
  for (let at = 0; at < 1_000; at++) scene.add(`d${at}`, 60 * SECOND);
  await scene.start();
  scene.pass(65 * SECOND);
  expect(scene.said(SILENT)).toBe(100);
  expect(scene.logger.lines.at(-1)).toEqual({
    level: 'warn',
    fields: { found: 1_000, silent: 1_000 },
    message: 'many devices fell silent together',
  });
  scene.pass(48 * HOUR);
  expect(scene.said('devices are still silent')).toBe(2);
  for (let at = 0; at < 1_000; at++) scene.hear(`d${at}`);
  scene.pass(SECOND);
  expect([scene.said(HEARD), scene.said('many devices are heard again')]).toEqual([100, 1]);
  expect(scene.watch.silent).toBe(0);
});

test('what the store could not keep is kept later, and the trouble is said once', async () => {
  scene.add('a', 10 * SECOND);
  await scene.start();
  scene.isStoreAway = true;
  for (let at = 0; at < 20; at++) {
    scene.pass(SECOND);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect([scene.watch.silent, scene.marks.size]).toEqual([1, 0]);
  expect(scene.said('silent devices could not be kept in the store; tried again')).toBe(1);
  scene.isStoreAway = false;
  await scene.watch.close();
  expect(scene.marks.get('a')).toBe(scene.wall - 9 * SECOND);
});

const NAMES = fc.constantFrom('a', 'b', 'c');
const STEP = fc.oneof(
  fc.record({ do: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ do: fc.constant('hear' as const), device: NAMES }),
  fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(-HOUR, 25 * HOUR, 1_234) }),
  fc.record({ do: fc.constant('change' as const), device: NAMES, seconds: fc.constantFrom(0, 7, 20) }),
);
type Step = typeof STEP extends fc.Arbitrary<infer T> ? T : never;

/** What silence means, said the slow way: by the growing clock, with no slots and no marks. */
class Model {
  readonly devices = new Map<string, { heard: number; cadence: number }>();
  /** Found silent, and neither heard nor changed since in a way that ends it. */
  readonly silent = new Set<string>();

  take(step: Step, now: number): void {
    if (step.do === 'hear') {
      const known = this.devices.get(step.device);
      if (known !== undefined) known.heard = now;
      this.silent.delete(step.device);
    } else if (step.do === 'change') {
      const heard = this.devices.get(step.device)?.heard ?? now;
      if (step.seconds === 0) this.devices.delete(step.device);
      else this.devices.set(step.device, { heard, cadence: step.seconds * SECOND });
      if (step.seconds === 0 || now - heard <= step.seconds * SECOND) this.silent.delete(step.device);
    }
  }

  compare(watch: SilenceWatch, now: number): void {
    for (const [device, { heard, cadence }] of this.devices) {
      const silentFor = watch.silentFor(device);
      if (now - heard <= cadence) expect(silentFor).toBeUndefined();
      if (this.silent.has(device)) expect(silentFor).toBe(now - heard);
      if (silentFor !== undefined) this.silent.add(device);
    }
    expect(watch.silent).toBe(this.silent.size);
  }
}

function carryOut(step: Step): void {
  if (step.do === 'jump') scene.wall += step.ms;
  else if (step.do === 'hear') scene.hear(step.device);
  else if (step.do === 'pass') scene.pass(step.seconds * SECOND);
  else scene.change(step.device, step.seconds === 0 ? undefined : step.seconds * SECOND);
}

test('whatever happens, who is silent is who was not heard for its cadence, and the marks say the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { maxLength: 60 }), async (steps) => {
      scene = new Scene();
      const model = new Model();
      await scene.start();
      for (const step of steps) {
        carryOut(step);
        model.take(step, scene.monotonic);
        model.compare(scene.watch, scene.monotonic);
      }
      scene.pass(42 * SECOND); // longer than any cadence, and than what a change of it gives
      expect(scene.watch.silent).toBe(model.devices.size);
      await scene.watch.close();
      const marked = [...scene.marks].filter(([, at]) => at !== null).map(([device]) => device);
      expect(new Set(marked)).toEqual(new Set(model.devices.keys()));
    }),
    { numRuns: 200 },
  );
});
