/**
 * Notices devices that have fallen silent: nothing was accepted of them for longer than their cadence allows. A reading that does
 * not come is the one loss that nothing in the log can show.
 *
 * Silence is measured on a clock that only ever grows: a jump of the gateway's clock makes nobody silent and nobody heard. While the
 * gateway is away it hears nobody, which is its own fault: from its start, and from a standstill, everyone has a whole cadence.
 * Who was silent before a restart is silent after it, without another alarm.
 */
import type { ExpectedDevice, Logger, SilentDevices, SilentMarks } from '../ports.ts';
import { DueSlots } from './due-slots.ts';

/** How often those are looked at whose time has come: an alarm is late by this much at most. */
const LOOK_EVERY_MS = 1_000;
/** A look that is later than this by so much: the gateway itself stood still. */
const STANDSTILL_MS = 10_000;
/** Devices named one by one between two looks; when a whole house goes silent, the rest is a number, and the list is at hand elsewhere. */
const NAMED_AT_ONCE = 100;
/** As long as somebody is silent, how often that is said again. */
const REMIND_EVERY_MS = 24 * 3_600_000;
/** Devices read, or marked, at once: some milliseconds. */
const PAGE = 500;

export interface SilenceParts {
  /** Devices with a cadence by row, those behind `after`. */
  readonly expected: (after: number, limit: number) => readonly ExpectedDevice[];
  /** One of them; undefined when it is not active any more or has no cadence. */
  readonly expectedOne: (device: string) => ExpectedDevice | undefined;
  readonly marks: SilentMarks;
  /** The gateway's clock, milliseconds. */
  readonly now: () => number;
  /** Milliseconds that only ever grow. */
  readonly monotonic: () => number;
  readonly logger: Logger;
}

interface Watched {
  readonly device: string;
  /** By the growing clock. */
  lastHeard: number;
  readonly cadenceMs: number;
  isSilent: boolean;
}

export class SilenceWatch implements SilentDevices {
  readonly #parts: SilenceParts;
  readonly #devices = new Map<string, Watched>();
  /** Everyone who is watched and not silent, by when to look again. */
  readonly #due: DueSlots<Watched>;
  /** Before this moment nobody could have been heard. */
  #deafUntil: number;
  #lastLook: number;
  #remindAt: number;
  #silent = 0;
  /** Heard again since the last look. */
  #heardAgain = 0;
  /** What the store does not know yet. */
  readonly #unmarked = new Map<string, number | null>();
  #marking: Promise<void> | undefined;
  #isMarkingTroubled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: SilenceParts) {
    this.#parts = parts;
    const now = parts.monotonic();
    this.#due = new DueSlots(LOOK_EVERY_MS, now);
    this.#deafUntil = this.#lastLook = now;
    this.#remindAt = now + REMIND_EVERY_MS;
  }

  /** Devices that are silent. */
  get silent(): number {
    return this.#silent;
  }

  /** Devices that have a cadence. */
  get watched(): number {
    return this.#devices.size;
  }

  /** Milliseconds since the last statement of a device that is silent; undefined of any other. */
  silentFor(device: string): number | undefined {
    const watched = this.#devices.get(device);
    return watched?.isSilent === true ? this.#parts.monotonic() - watched.lastHeard : undefined;
  }

  /** Takes in every device that is to be heard and is not watched yet: at the start, and when many were enrolled at once. */
  async load(): Promise<void> {
    for (let after = 0; ; ) {
      const page = this.#parts.expected(after, PAGE);
      for (const expected of page) if (!this.#devices.has(expected.device)) this.#watch(expected);
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.id;
      await new Promise((resolve) => setImmediate(resolve)); // a hundred thousand of them must not hold up who sends
    }
  }

  start(): void {
    this.#deafUntil = this.#lastLook = this.#parts.monotonic();
    if (this.#silent > 0)
      this.#parts.logger.warn(
        { silent: this.#silent },
        'devices were silent before the start and are not heard yet',
      );
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /** Stops, once what was noticed is kept. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#marking;
    await this.#mark();
  }

  /** Called with every accepted statement. */
  onHeard(device: string): void {
    const watched = this.#devices.get(device);
    if (watched === undefined) return;
    const now = this.#parts.monotonic();
    const silentMs = now - watched.lastHeard;
    watched.lastHeard = now;
    if (!watched.isSilent) return;
    this.#setSilent(watched, false);
    this.#due.add(watched, now + watched.cadenceMs);
    this.#heardAgain += 1;
    if (this.#heardAgain > NAMED_AT_ONCE) return;
    const silentForSeconds = Math.round(silentMs / 1000);
    this.#parts.logger.info({ device, silentForSeconds }, 'device is heard again');
  }

  /** Called when a device was enrolled or changed: it is watched from now on, or by another cadence, or no more. */
  onDeviceChanged(device: string): void {
    const before = this.#devices.get(device);
    const expected = this.#parts.expectedOne(device);
    if (before !== undefined && expected?.cadenceMs === before.cadenceMs) return;
    const wasSilent = before?.isSilent === true;
    if (wasSilent) this.#setSilent(before, false);
    this.#devices.delete(device);
    if (expected === undefined) return;
    const now = this.#parts.monotonic();
    const watched = this.#watch({ ...expected, wasSilent: 0 }, before?.lastHeard ?? now);
    // It was silent by the other cadence already; by this one it may be in order.
    if (wasSilent && now - before.lastHeard > expected.cadenceMs) this.#setSilent(watched, true);
  }

  /** Looks at those whose time has come. */
  look(): void {
    const { monotonic, logger } = this.#parts;
    const now = monotonic();
    if (now - this.#lastLook > LOOK_EVERY_MS + STANDSTILL_MS) this.#deafUntil = now;
    this.#lastLook = now;
    let found = 0;
    for (const watched of this.#due.take(now)) {
      if (watched.isSilent || this.#devices.get(watched.device) !== watched) continue;
      const dueAt = Math.max(watched.lastHeard, this.#deafUntil) + watched.cadenceMs;
      if (now <= dueAt) {
        this.#due.add(watched, dueAt);
        continue;
      }
      this.#setSilent(watched, true);
      found += 1;
      if (found <= NAMED_AT_ONCE) this.#raise(watched, now);
    }
    this.#sumUp(found, now);
    if (this.#marking === undefined && this.#unmarked.size > 0)
      this.#marking = this.#mark().finally(() => {
        this.#marking = undefined;
      });
    this.#heardAgain = 0;
    if (this.#silent === 0) this.#remindAt = now + REMIND_EVERY_MS;
    if (now < this.#remindAt) return;
    this.#remindAt = now + REMIND_EVERY_MS;
    logger.warn({ silent: this.#silent }, 'devices are still silent');
  }

  #raise({ device, lastHeard, cadenceMs }: Watched, now: number): void {
    const fields = {
      device,
      silentForSeconds: Math.round((now - lastHeard) / 1000),
      cadenceSeconds: cadenceMs / 1000,
    };
    this.#parts.logger.warn(fields, 'device is silent past its cadence');
  }

  #sumUp(found: number, now: number): void {
    const { logger } = this.#parts;
    if (found > NAMED_AT_ONCE)
      logger.warn({ found, silent: this.#silent }, 'many devices fell silent together');
    if (this.#heardAgain > NAMED_AT_ONCE)
      logger.info({ heard: this.#heardAgain, silent: this.#silent }, 'many devices are heard again');
    if (found > 0) this.#remindAt = now + REMIND_EVERY_MS;
  }

  #watch(expected: ExpectedDevice, heardAt?: number): Watched {
    const { device, cadenceMs, lastHeard, wasSilent } = expected;
    const now = this.#parts.monotonic();
    // What the store says is in the time of a clock that may have been wrong; it is told to people, and no alarm rests on it.
    const since = heardAt ?? now - Math.max(0, this.#parts.now() - lastHeard);
    const watched: Watched = { device, cadenceMs, lastHeard: since, isSilent: wasSilent === 1 };
    this.#devices.set(device, watched);
    if (watched.isSilent) this.#silent += 1;
    else this.#due.add(watched, now + cadenceMs);
    return watched;
  }

  #setSilent(watched: Watched, isSilent: boolean): void {
    if (watched.isSilent === isSilent) return;
    watched.isSilent = isSilent;
    this.#silent += isSilent ? 1 : -1;
    this.#unmarked.set(watched.device, isSilent ? this.#parts.now() : null);
  }

  /** Tells the store what it does not know yet. What could not be told is told at a later look. */
  async #mark(): Promise<void> {
    while (this.#unmarked.size > 0) {
      const changes = [...this.#unmarked].slice(0, PAGE);
      for (const [device] of changes) this.#unmarked.delete(device);
      try {
        await this.#parts.marks.mark(changes);
        this.#isMarkingTroubled = false;
      } catch (error) {
        this.#keepUnmarked(changes, error);
        return;
      }
    }
  }

  #keepUnmarked(changes: readonly (readonly [string, number | null])[], error: unknown): void {
    for (const [device, at] of changes) if (!this.#unmarked.has(device)) this.#unmarked.set(device, at);
    if (this.#isMarkingTroubled) return; // one line, not one a second
    this.#isMarkingTroubled = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.#parts.logger.warn({ reason }, 'silent devices could not be kept in the store; tried again');
  }
}
