/**
 * Who may connect, counted by address and by device.
 *
 * An attacker picks names, so what is counted under a name alone costs him nothing: every failure counts for its address too. One
 * address may hold a whole clinic behind its router, so an address is never shut out altogether: while it is, devices that have
 * proven themselves from there still come in, and it may connect at a tenth of the rate, so that they get to say who they are.
 */
import type { Clock } from '../ports.ts';
import { PenaltyBox } from './penalty-box.ts';
import { TokenBucket } from './token-bucket.ts';

/** The settings of mqtt.limits that concern connecting. */
export interface AdmissionLimits {
  readonly connectionsPerAddress: number;
  readonly pendingPerAddress: number;
  readonly connectsPerSecondPerAddress: number;
  readonly connectsPerMinutePerDevice: number;
  readonly connectionsPerDevice: number;
  readonly failuresPerMinutePerAddress: number;
}

/** What is counted of a connection. */
export interface Admitted {
  readonly address: string;
  /** When it came, by the clock of the admission. */
  readonly openedAt: number;
}

export type Refused = 'connect-rate' | 'address-connections' | 'shut-out';

/** A burst of ten seconds: what a clinic's devices need when the gateway has been away and all come back at once. */
const BURST_SECONDS = 10;
/** What a connection has in any case to say who it is, before a newer one may take its place: some round trips and a handshake. */
const GRACE_MS = 3_000;
/** How much slower an address connects while it is shut out. */
const SHUT_OUT_COST = 10;
/** Addresses and devices remembered that have no connection. No basis yet but memory, some hundred bytes each. */
const CAPACITY = 20_000;
/** How many are looked at to find one that may be forgotten. */
const FORGET_TRIES = 64;
const SECONDS_PER_MINUTE = 60;

interface AddressState {
  readonly connections: Set<Admitted>;
  /** Those that have not said who they are, oldest first. */
  readonly pending: Set<Admitted>;
  readonly rate: TokenBucket;
  readonly failures: TokenBucket;
}

export class Admission<C extends Admitted> {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #addresses = new Map<string, AddressState>();
  readonly #devices = new Map<string, Set<C>>();
  /** How fast a device reconnects from one address. */
  readonly #attempts = new Map<string, TokenBucket>();
  /** Back-off of an address, and of a name from an address. */
  readonly #addressPenalties: PenaltyBox;
  readonly #pairPenalties: PenaltyBox;
  /** Names that have proven themselves from an address; the least recent are dropped. */
  readonly #known = new Set<string>();

  /** @param clock must not go back. */
  constructor(limits: AdmissionLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#addressPenalties = new PenaltyBox(clock);
    this.#pairPenalties = new PenaltyBox(clock);
  }

  /**
   * Counts a new connection in, or says why it must be closed at once. `evict` is the oldest one from there that has not said who
   * it is, when there are too many and it had its time: who talks is let through, who only holds the place loses it.
   */
  arrive(connection: C): { readonly refused?: Refused; readonly evict?: C } {
    const state = this.#stateOf(connection.address);
    const cost = this.#addressPenalties.isShutOut(connection.address) ? SHUT_OUT_COST : 1;
    if (!state.rate.take(cost)) return { refused: 'connect-rate' };
    if (state.connections.size >= this.#limits.connectionsPerAddress)
      return { refused: 'address-connections' };
    const [oldest] = state.pending.size < this.#limits.pendingPerAddress ? [] : state.pending;
    if (oldest !== undefined && this.#clock.now() - oldest.openedAt < GRACE_MS)
      return { refused: 'address-connections' };
    state.connections.add(connection);
    state.pending.add(connection);
    return oldest === undefined ? {} : { evict: oldest as C };
  }

  /** Counts a connection out. */
  leave(connection: C, device: string | undefined): void {
    const state = this.#addresses.get(connection.address);
    state?.connections.delete(connection);
    state?.pending.delete(connection);
    const others = device === undefined ? undefined : this.#devices.get(device);
    if (device !== undefined && others?.delete(connection) && others.size === 0) this.#devices.delete(device);
  }

  /** Whether this name may try now, from this address. Asked before anything costly is checked. */
  mayTry(address: string, device: string): boolean {
    const pair = `${address} ${device}`;
    if (this.#pairPenalties.isShutOut(pair)) return false;
    return !this.#addressPenalties.isShutOut(address) || this.#known.has(pair);
  }

  /**
   * It is this device, as far as this gateway asks for proof. Refused, with a back-off, when it reconnects too fast. `evict` is the
   * device's oldest connection when it has too many now: the newest is the one that lives.
   */
  identified(connection: C, device: string): { readonly refused?: 'reconnect-rate'; readonly evict?: C } {
    const perMinute = this.#limits.connectsPerMinutePerDevice;
    const pair = `${connection.address} ${device}`;
    const make = () => new TokenBucket(perMinute / SECONDS_PER_MINUTE, perMinute, this.#clock);
    if (!remember(this.#attempts, pair, make).take(1)) {
      this.#pairPenalties.strike(pair);
      return { refused: 'reconnect-rate' };
    }
    this.#addresses.get(connection.address)?.pending.delete(connection);
    const own = this.#devices.get(device) ?? new Set<C>();
    this.#devices.set(device, own.add(connection));
    const [oldest] = own;
    return own.size <= this.#limits.connectionsPerDevice || oldest === undefined ? {} : { evict: oldest };
  }

  /** The device did what only it can do, from this address: it is remembered for the day the address misbehaves. */
  proven(address: string, device: string): void {
    const pair = `${address} ${device}`;
    if (this.#known.has(pair)) return;
    this.#known.add(pair);
    if (this.#known.size > CAPACITY) this.#known.delete(this.#known.values().next().value as string);
  }

  /** The device did something right: its back-off ends, and begins anew with the next abuse. */
  forgive(address: string, device: string): void {
    if (this.#pairPenalties.size > 0) this.#pairPenalties.forgive(`${address} ${device}`);
  }

  /** Notes an abuse by a device that was let in. Returns its back-off in milliseconds. */
  abused(address: string, device: string): number {
    this.failed(address);
    return this.#pairPenalties.strike(`${address} ${device}`);
  }

  /** Notes that a device cannot be served for now, which is no fault of its address. Returns its back-off in milliseconds. */
  withheld(address: string, device: string): number {
    return this.#pairPenalties.strike(`${address} ${device}`);
  }

  /**
   * Notes that someone could not show to be who he says. A name that has proven itself from there is not held to account for it:
   * whoever shares its address could shut it out. The address answers for it when the connection ends.
   */
  impersonated(address: string, device: string): void {
    const pair = `${address} ${device}`;
    if (!this.#known.has(pair)) this.#pairPenalties.strike(pair);
  }

  /** Notes a connection that ended before it was a device's, or an abuse. */
  failed(address: string): void {
    if (!this.#stateOf(address).failures.take(1)) this.#addressPenalties.strike(address);
  }

  connectionsOf(device: string): readonly C[] {
    return [...(this.#devices.get(device) ?? [])];
  }

  #stateOf(address: string): AddressState {
    const { connectsPerSecondPerAddress: perSecond, failuresPerMinutePerAddress: perMinute } = this.#limits;
    const make = () => ({
      connections: new Set<Admitted>(),
      pending: new Set<Admitted>(),
      rate: new TokenBucket(perSecond, perSecond * BURST_SECONDS, this.#clock),
      failures: new TokenBucket(perMinute / SECONDS_PER_MINUTE, perMinute, this.#clock),
    });
    return remember(this.#addresses, address, make, ({ connections }) => connections.size === 0);
  }
}

/** What a name stands for, made when it is new. Beyond the capacity the oldest that may be forgotten is. */
function remember<T>(
  map: Map<string, T>,
  name: string,
  make: () => T,
  mayForget: (value: T) => boolean = () => true,
): T {
  const known = map.get(name);
  if (known !== undefined) return known;
  for (let tries = 0; map.size >= CAPACITY && tries < FORGET_TRIES; tries++) {
    const [oldest, value] = map.entries().next().value as [string, T];
    map.delete(oldest);
    if (!mayForget(value)) map.set(oldest, value); // to the back of the line; there are no more of these than connections
  }
  const made = make();
  map.set(name, made);
  return made;
}
