/**
 * What the log knows of the devices that are sending: their standing, their keys, and how far each has come. Read from the store
 * when a device is first heard, then kept in step with what is committed, so that a statement in order costs no query.
 */
import { decodeStatement } from '../../src/statement.ts';
import type { DeviceStatus } from '../ports.ts';
import type { LogStore } from '../store/log-store.ts';
import type { RegistryStore } from '../store/registry-store.ts';
import type { SequenceIndex } from '../store/sequence-index.ts';
import type { EntryBook } from './entries.ts';

/** Devices kept. No basis yet but size, well under 1 kB each. */
const CAPACITY = 50_000;

/** The statement of the greatest number in a device's newest boot. */
export interface SequenceHead {
  readonly boot: number;
  /** One more than that number. */
  readonly next: number;
  /** Its entry, 32 bytes. */
  readonly entry: Uint8Array;
  /** Device clock, seconds. */
  readonly issuedAt: number | undefined;
}

export interface DeviceState {
  readonly id: number;
  readonly urn: string;
  readonly owner: number;
  readonly provider: string;
  readonly status: DeviceStatus;
  /** When each key was retired, by {@link kidName}. */
  readonly keys: ReadonlyMap<string, number | undefined>;
  head: SequenceHead | undefined;
}

/** A key identifier as a map's key. */
export function kidName(kid: Uint8Array): string {
  return Buffer.from(kid.buffer, kid.byteOffset, kid.length).toString('latin1');
}

/** Belongs to the one writer of the log. */
export class DeviceStates {
  readonly #registry: RegistryStore;
  readonly #log: LogStore;
  readonly #index: SequenceIndex;
  readonly #book: EntryBook;
  readonly #capacity: number;
  readonly #states = new Map<number, DeviceState>();

  constructor(
    registry: RegistryStore,
    log: LogStore,
    index: SequenceIndex,
    book: EntryBook,
    capacity = CAPACITY,
  ) {
    this.#capacity = capacity;
    this.#registry = registry;
    this.#log = log;
    this.#index = index;
    this.#book = book;
    registry.onChange = (device) => this.#states.delete(device);
  }

  /** The state of an enrolled device; undefined when there is no such row. */
  of(device: number): DeviceState | undefined {
    const known = this.#states.get(device);
    if (known !== undefined) return known;
    const standing = this.#registry.standing(device);
    if (standing === undefined) return undefined;
    const { id, urn, owner, provider, status } = standing;
    const keys = new Map(standing.keys.map(({ kid, retiredAt }) => [kidName(kid), retiredAt]));
    const state: DeviceState = { id, urn, owner, provider, status, keys, head: this.#head(id) };
    if (this.#states.size >= this.#capacity) this.#states.delete(this.#states.keys().next().value as number);
    this.#states.set(device, state);
    return state;
  }

  /** Called after a rolled-back transaction: what was noted in it never was. */
  forget(): void {
    this.#states.clear();
  }

  #head(device: number): SequenceHead | undefined {
    const greatest = this.#index.greatest(device);
    const row = greatest && this.#log.entry(greatest.index);
    if (greatest === undefined || row === undefined) return undefined;
    const bytes = this.#book.bytesOf(row);
    const statement = bytes && decodeStatement(bytes);
    return {
      boot: greatest.boot,
      next: greatest.seq + 1,
      entry: row.entry,
      issuedAt: statement?.kind === 'ok' ? statement.value.issuedAt : undefined,
    };
  }
}
