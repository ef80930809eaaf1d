/**
 * Keeps watch over every socket from its first byte to its last: lets it in or not, finds out who it is, and closes it when it is
 * slow, silent, hostile, or not the device's any more. What it lets through is the broker library's.
 */
import type { Socket } from 'node:net';
import type { Clock, Intake, Logger, Registry } from '../ports.ts';
import { addressGroup } from './address.ts';
import { Admission } from './admission.ts';
import { type Authentication, type AuthenticationOptions, Authenticator } from './authenticator.ts';
import { certifiedDevices } from './client-certificate.ts';
import type { CloseReason, PauseReason } from './close-reason.ts';
import { Connection } from './connection.ts';
import { FrameBudget } from './frame-budget.ts';
import { type BrokerLimits, BURST_SECONDS, idleMs } from './limits.ts';
import { type Endpoint, Listeners, type Listening } from './listeners.ts';
import { nameFault } from './name-fault.ts';
import { overdue, sweepEveryMs } from './overdue.ts';
import { type GuardFault, PacketGuard } from './packet-guard.ts';
import { type ConnectFields, RETURN_CODE } from './packet-rules.ts';
import { ReadGate } from './read-gate.ts';
import { RefusalMeter } from './refusal-meter.ts';
import { TokenBucket } from './token-bucket.ts';

export type { Listening } from './listeners.ts';

export interface WardenOptions {
  /** Where to listen: one without TLS, one with, or both. */
  readonly endpoints: readonly Endpoint[];
  readonly maxConnections: number;
  /** Longest MQTT packet read into memory. */
  readonly maxPacketBytes: number;
  readonly limits: BrokerLimits;
  readonly authentication: AuthenticationOptions;
  readonly registry: Registry;
  readonly intake: Pick<Intake, 'room'>;
  readonly clock: Clock;
  /** Milliseconds that never go back. */
  readonly monotonic: Clock;
  readonly logger: Logger;
  readonly onClose: (reason: CloseReason) => void;
  readonly onPause: (reason: PauseReason) => void;
  readonly onConnections: (count: number) => void;
  /** Takes over a socket that may be read. */
  readonly handle: (socket: Socket) => void;
}

/** What unfinished packets of all connections may hold in memory: two hundred of the longest, or any number of ordinary ones. */
const UNFINISHED_BYTES_MAX = 64 * 1024 * 1024;
/** A peer that vanished without a word is noticed by the kernel, whatever keep-alive it promised. */
const TCP_KEEP_ALIVE_MS = 60_000;
/** The sweep ends a slow handshake; this is only so that Node does not do it before. */
const HANDSHAKE_SLACK_MS = 5_000;
/** Ends before a name that an address does not answer for: its device waits already, or it was the gateway that had no room. */
const NOT_ITS_FAULT: ReadonlySet<string | undefined> = new Set(['shut-out', 'reconnect-rate', 'overloaded']);

export class SocketWarden {
  readonly #options: WardenOptions;
  readonly #listeners: Listeners;
  readonly #admission: Admission<Connection>;
  readonly #authenticator: Authenticator;
  readonly #gate: ReadGate;
  readonly #budget = new FrameBudget(UNFINISHED_BYTES_MAX);
  readonly #all = new Set<Connection>();
  readonly #bySocket = new WeakMap<Socket, Connection>();
  #number = 0;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: WardenOptions) {
    this.#options = options;
    this.#admission = new Admission(options.limits, options.monotonic);
    this.#authenticator = new Authenticator(options);
    this.#gate = new ReadGate(options.intake, () => options.onPause('no-room'));
    this.#listeners = new Listeners(options.endpoints, {
      handshakeMs: options.limits.connectSeconds * 1000 + HANDSHAKE_SLACK_MS,
      logger: options.logger,
      onSocket: (socket) => this.#admit(socket),
      onReady: (raw, socket) => this.#hand(raw, socket),
    });
  }

  get waiting(): number {
    return this.#gate.waiting;
  }

  connectionOf(socket: Socket): Connection | undefined {
    return this.#bySocket.get(socket);
  }

  /** Takes the ports. Throws GatewayError; nothing listens then. */
  async listen(): Promise<Listening> {
    const listening = await this.#listeners.listen();
    // After the sockets have been looked at once more: when the process was held up, what came meanwhile is no silence.
    const look = () => setImmediate(() => this.#sweep());
    this.#sweeper = setInterval(look, sweepEveryMs(this.#options.limits));
    return listening;
  }

  closePorts(): Promise<void> {
    clearInterval(this.#sweeper);
    return this.#listeners.close();
  }

  destroyAll(): void {
    for (const connection of this.#all) connection.socket.destroy();
  }

  /** Finds out who a connection is that has said CONNECT; undefined when it may go on, else the answer it gets. */
  identify(connection: Connection): { readonly returnCode: number } | undefined {
    const fields = connection.guard.connect;
    if (fields === undefined || connection.socket.destroyed)
      return { returnCode: RETURN_CODE.serverUnavailable };
    const { username: device, clientId } = fields;
    const name = nameFault(fields);
    if (name !== undefined) return this.#refuse(connection, 'bad-connect', name.detail, name.returnCode);
    if (!this.#admission.mayTry(connection.address, device))
      return this.#refuse(connection, 'shut-out', 'shut out for a while', RETURN_CODE.serverUnavailable);
    const found = this.#authenticate(connection, fields);
    if (found.kind === 'refuse') {
      this.#admission.impersonated(connection.address, device);
      return this.#refuse(connection, 'not-authorised', found.detail, found.returnCode);
    }
    connection.session = {
      device,
      clientId,
      proof: found.proof,
      kid: found.kid,
      refusals: new RefusalMeter(this.#options.monotonic),
      subscriptions: new Map(),
    };
    connection.idleMs = idleMs(fields.keepAliveSeconds, this.#options.limits);
    // Who has shown nothing yet takes no place of a device's: anyone could.
    return found.proof === 'challenge' ? undefined : this.#settleIn(connection, device, clientId);
  }

  /** Counts it as one of its device's connections, and ends those that have to go for it. */
  #settleIn(
    connection: Connection,
    device: string,
    clientId: string,
  ): { readonly returnCode: number } | undefined {
    const { refused, evict } = this.#admission.identified(connection, device);
    if (refused !== undefined) {
      connection.session = undefined;
      return this.#refuse(connection, refused, 'reconnects too fast', RETURN_CODE.serverUnavailable);
    }
    if (evict !== undefined) this.#close(evict, 'device-connections');
    this.#takeOver(connection, device, clientId);
    return undefined;
  }

  /** What a device that has no clock is to put into its token. */
  challenge(device: string): Uint8Array {
    return this.#authenticator.challenge(device);
  }

  /** When the certificate of the TLS port ends, milliseconds since the Unix epoch; undefined without one. */
  get certificateExpiresAt(): number | undefined {
    return this.#listeners.certificateExpiresAt;
  }

  /** The device did something right on this connection. */
  behaved(connection: Connection, device: string): void {
    this.#admission.proven(connection.address, device);
    this.#admission.forgive(connection.address, device);
  }

  /** The device did what costs it a back-off. Whoever calls this closes the connection. */
  abused(connection: Connection, reason: CloseReason): void {
    const device = connection.session?.device;
    this.#tell(connection, reason);
    if (device === undefined) return; // counted when it has closed
    const backOffMs = this.#admission.abused(connection.address, device);
    this.#options.logger.info({ device, reason, backOffMs }, 'connection closed for abuse');
  }

  /** The device's statement is not taken for a state of the device: it may try again after a back-off. Whoever calls this closes the connection. */
  withheld(connection: Connection, reason: string): void {
    const device = connection.session?.device;
    if (device === undefined || connection.closing !== undefined) return; // once for all that was under way together
    this.#tell(connection, 'withheld');
    const backOffMs = this.#admission.withheld(connection.address, device);
    this.#options.logger.info({ device, reason, backOffMs }, 'statement not acknowledged');
  }

  /** Closes what a device may not have any more, now that its standing or its keys have changed. */
  deviceChanged(device: string): void {
    for (const connection of this.#admission.connectionsOf(device)) {
      const { session } = connection;
      if (session !== undefined && !this.#authenticator.mayStay(session))
        this.#close(connection, 'device-changed');
    }
  }

  /** Counts a socket in, or closes it at once: before a TLS handshake, which is what costs. */
  #admit(socket: Socket): boolean {
    const { maxConnections, limits, monotonic } = this.#options;
    const guard = new PacketGuard({
      maxPacketBytes: this.#options.maxPacketBytes,
      maxInFlight: limits.inFlightMessages,
      maxInFlightBytes: limits.inFlightBytes,
      budget: this.#budget,
    });
    // Gone already, and nobody can tell where it came from.
    if (socket.remoteAddress === undefined) return this.#turnAway(socket, 'broken-off');
    const connection = new Connection(socket, {
      number: ++this.#number,
      address: addressGroup(socket.remoteAddress),
      guard,
      gate: this.#gate,
      packets: new TokenBucket(limits.messagesPerSecond, limits.messagesPerSecond * BURST_SECONDS, monotonic),
      bytes: new TokenBucket(limits.bytesPerSecond, limits.bytesPerSecond * BURST_SECONDS, monotonic),
      clock: monotonic,
      onFault: () => this.#faulted(connection),
      onSlowed: () => this.#options.onPause('rate'),
    });
    if (this.#all.size >= maxConnections) return this.#turnAway(socket, 'too-many-connections');
    const { refused, evict } = this.#admission.arrive(connection);
    if (refused !== undefined) return this.#turnAway(socket, refused);
    if (evict !== undefined) this.#close(evict, 'slow-connect');
    this.#all.add(connection);
    this.#bySocket.set(socket, connection);
    socket.setNoDelay(true); // acknowledgements are small and awaited
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    socket.on('error', () => undefined); // a reset is one way of ending; whoever reads it hears of it too
    socket.once('close', () => this.#closed(connection));
    return true;
  }

  #closed(connection: Connection): void {
    this.#all.delete(connection);
    this.#admission.leave(connection, connection.session?.device);
    connection.release();
    if (connection.session !== undefined) return;
    if (connection.closing === undefined)
      this.#tell(connection, connection.isAttached ? 'broken-off' : 'tls-failed');
    if (!NOT_ITS_FAULT.has(connection.closing)) this.#admission.failed(connection.address);
  }

  #turnAway(socket: Socket, reason: CloseReason): false {
    this.#options.onClose(reason);
    socket.destroy();
    return false;
  }

  /** The stream that is read is there: the socket itself, or what TLS made of it. */
  #hand(raw: Socket, socket: Socket): void {
    const connection = this.#bySocket.get(raw);
    if (connection === undefined) return void socket.destroy();
    this.#bySocket.set(socket, connection);
    connection.attach(socket);
    this.#options.handle(socket);
  }

  #authenticate(connection: Connection, { username, password }: ConnectFields): Authentication {
    const certified = certifiedDevices(connection.socket);
    const found = this.#authenticator.check({ device: username, password, certified });
    const isProven = found.kind === 'ok' && (found.proof === 'token' || found.proof === 'certificate');
    if (isProven) this.#admission.proven(connection.address, username);
    return found;
  }

  /** A device that connects under the client id of an older connection of its own takes its place [MQTT-3.1.4-2]. */
  #takeOver(connection: Connection, device: string, clientId: string): void {
    if (clientId === '') return;
    for (const other of this.#admission.connectionsOf(device)) {
      if (other !== connection && other.session?.clientId === clientId) this.#close(other, 'taken-over');
    }
  }

  #refuse(connection: Connection, reason: CloseReason, detail: string, returnCode: number) {
    this.#tell(connection, reason);
    const { address } = connection;
    this.#options.logger.debug({ address, reason, detail }, 'connection refused');
    return { returnCode };
  }

  #faulted(connection: Connection): void {
    const fault = connection.guard.fault as GuardFault;
    if (fault.kind === 'overloaded') this.#tell(connection, 'overloaded');
    else this.abused(connection, fault.kind);
    if (fault.returnCode === undefined) connection.socket.destroy(new Error(fault.detail));
    else connection.endWith(Uint8Array.of(0x20, 2, 0, fault.returnCode));
  }

  #tell(connection: Connection, reason: CloseReason): void {
    connection.closing = reason;
    this.#options.onClose(reason);
  }

  #close(connection: Connection, reason: CloseReason): void {
    this.#tell(connection, reason);
    connection.socket.destroy(new Error(reason));
  }

  /** One look at every connection, rather than a timer for each: ten thousand take about a millisecond. */
  #sweep(): void {
    const now = this.#options.monotonic.now();
    for (const connection of this.#all) {
      const reason = overdue(connection, now, this.#options.limits);
      if (reason === 'slow-packet') {
        this.abused(connection, reason);
        connection.socket.destroy(new Error(reason));
      } else if (reason !== undefined) this.#close(connection, reason);
    }
  }
}
