/** Links over MQTT 3.1.1 to any broker. The one file of the simulator that knows the mqtt package. */
import { type IClientOptions, type MqttClient, connect as mqttConnect } from 'mqtt';
import { BackOff } from './back-off.ts';
import {
  acksTopic,
  BEACON_TOPIC,
  challengeTopic,
  type Link,
  type LinkListener,
  type LinkOptions,
  requestsTopic,
} from './link.ts';
import { decodeChallenge } from './messages.ts';
import { createRandom } from './random.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const KEEPALIVE_S = 30;
/** A broker may go away with messages unacknowledged; one that does so twice in a row does it because of them. */
const CUT_OFF_TOLD = 2;
/** A connection that lasted so long was a good one, whether or not there was anything to send. */
const LASTING_MS = 10_000;

// A gateway may withhold an acknowledgement for a failure of its own. A new connection makes it look again.
const ACKNOWLEDGEMENT_TIMEOUT_MS = 30_000;

/** Opens a link that reconnects until it is closed. */
export function openMqttLink(options: LinkOptions, listener: LinkListener): Link {
  // Seeded by the name: a run of the same devices has the same pauses again.
  const backOff = new BackOff(createRandom(`back-off ${options.urn}`));
  const client = mqttConnect(options.url, {
    ...connectOptions(options),
    reconnectPeriod: backOff.next(),
    manualConnect: true,
  });
  // The package forgets about publications under way when it is ended by force; their callers must not wait for ever.
  const underWay = new Set<(error: Error) => void>();
  const watch: ConnectionWatch = {
    isGood: false,
    waiting: () => underWay.size,
    onTrouble: (reason) => listener.onTrouble(reason),
  };
  watchConnection(client, options.url, backOff, watch);
  const credentials = new Credentials(options, client, backOff);
  client.on('connect', () => {
    // Whatever the broker grants: the device then hears as much as it may of what becomes of its statements.
    const topics = [acksTopic(options.urn), requestsTopic(options.urn), BEACON_TOPIC];
    client.subscribe(topics, { qos: 1 }, () => {
      if (client.connected) listener.onConnect();
    });
  });
  let isBegun = false;
  let isClosed = false;
  client.on('close', () => {
    // Ended while its first socket was opening, the package would go on connecting for ever.
    if (isClosed) client.end(true);
    listener.onDisconnect();
    credentials.renew((reason) => listener.onTrouble(reason)); // ready before the next attempt, half a second from now at least
  });
  client.on('message', (topic, payload) => listener.onMessage(topic, Uint8Array.from(payload)));
  // Refused connections and broken sockets are followed by another attempt.
  client.on('error', (error) => listener.onTrouble(describeTrouble(options.url, error)));
  credentials.first(
    () => {
      isBegun = true;
      client.connect();
    },
    (reason) => listener.onTrouble(reason),
  );
  return {
    publish: async (topic, payload) => {
      await publish(client, topic, payload, underWay);
      watch.isGood = true;
    },
    close: async () => {
      isClosed = true;
      credentials.close();
      for (const giveUp of underWay) giveUp(new Error('the link was closed'));
      if (isBegun) await client.endAsync(true);
    },
  };
}

interface ConnectionWatch {
  /** Something was acknowledged on the present connection. */
  isGood: boolean;
  /** Publications that wait for their acknowledgement. */
  readonly waiting: () => number;
  readonly onTrouble: (reason: string) => void;
}

/**
 * Keeps the pause before the package's next attempt. It takes that up when an attempt has failed or a connection has ended, before
 * it says so; so the pause is set when the attempt begins, and once more ahead of its own listener when a good connection ends.
 */
function watchConnection(client: MqttClient, url: string, backOff: BackOff, watch: ConnectionWatch): void {
  let since = Number.POSITIVE_INFINITY;
  let cutOff = 0;
  client.on('reconnect', () => {
    client.options.reconnectPeriod = backOff.next();
  });
  // Not its `connect`, which waits until what was under way before has been acknowledged.
  client.on('packetreceive', (packet) => {
    if (packet.cmd === 'connack' && packet.returnCode === 0) since = performance.now();
  });
  client.prependListener('close', () => {
    const lastedMs = performance.now() - since;
    if (watch.isGood || lastedMs >= LASTING_MS) {
      backOff.reset();
      client.options.reconnectPeriod = backOff.next();
      cutOff = 0;
    } else if (lastedMs >= 0 && watch.waiting() > 0) cutOff += 1;
    if (lastedMs >= 0 && cutOff >= CUT_OFF_TOLD)
      watch.onTrouble(`${placeOf(url)} closes the connection on what is sent; is the device enrolled?`);
    watch.isGood = false;
    since = Number.POSITIVE_INFINITY;
  });
}

function publish(
  client: MqttClient,
  topic: string,
  payload: Uint8Array,
  underWay: Set<(error: Error) => void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setInterval(() => client.stream?.destroy(), ACKNOWLEDGEMENT_TIMEOUT_MS);
    const settle = (error?: Error) => {
      clearInterval(timer);
      underWay.delete(settle);
      if (error) reject(error);
      else resolve();
    };
    underWay.add(settle);
    client.publish(topic, Buffer.from(payload), { qos: 1 }, (error) => settle(error));
  });
}

/** How a broker answered a single message. */
export interface OneShotOutcome {
  /** `acknowledged`: PUBACK. `closed`: the socket was closed instead. `refused`: no connection came about. */
  readonly kind: 'acknowledged' | 'closed' | 'refused';
  /** What was heard on the acks topic meanwhile. */
  readonly answers: readonly Uint8Array[];
}

/**
 * Publishes one message on a connection of its own and never again: what a client does that does not conform.
 * Returns once the broker has answered, or after `timeoutMs` as `closed`.
 */
export async function publishOnce(
  options: LinkOptions,
  topic: string,
  payload: Uint8Array,
  timeoutMs = CONNECT_TIMEOUT_MS,
): Promise<OneShotOutcome> {
  const answers: Uint8Array[] = [];
  const password = await options.password?.(() => fetchChallenge(options)).catch(() => undefined);
  const client = mqttConnect(options.url, {
    ...connectOptions(options),
    ...(password !== undefined && { password: Buffer.from(password) }),
    reconnectPeriod: 0,
  });
  client.on('message', (_topic, message) => answers.push(Uint8Array.from(message)));
  client.on('error', () => undefined);
  const outcome = await new Promise<OneShotOutcome['kind']>((resolve) => {
    let isConnected = false;
    const timer = setTimeout(() => resolve('closed'), timeoutMs);
    client.once('close', () => {
      clearTimeout(timer);
      resolve(isConnected ? 'closed' : 'refused');
    });
    client.once('connect', () => {
      isConnected = true;
      client.subscribe([acksTopic(options.urn)], { qos: 0 }, () => {
        client.publish(topic, Buffer.from(payload), { qos: 1 }, (error) => {
          if (error) return;
          clearTimeout(timer);
          resolve('acknowledged');
        });
      });
    });
  });
  await client.endAsync(outcome !== 'acknowledged');
  return { kind: outcome, answers };
}

/** Asks the gateway for a challenge on a connection of its own, as a device does that has no clock. */
export async function fetchChallenge(options: LinkOptions): Promise<Uint8Array> {
  const client = mqttConnect(options.url, { ...connectOptions(options), reconnectPeriod: 0 });
  const topic = challengeTopic(options.urn);
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no challenge came')), CONNECT_TIMEOUT_MS);
      client.on('error', (error) => reject(new Error(describeTrouble(options.url, error))));
      client.once('close', () => reject(new Error('the gateway gave no challenge')));
      client.on('connect', () => client.subscribe([topic], { qos: 0 }));
      client.on('message', (_topic, payload) => {
        const challenge = decodeChallenge(Uint8Array.from(payload));
        if (challenge !== undefined) resolve(challenge);
      });
      client.once('close', () => clearTimeout(timer));
    });
  } finally {
    await client.endAsync(true);
  }
}

/** The password of a link's next connection, made anew after each. */
class Credentials {
  readonly #options: LinkOptions;
  readonly #client: MqttClient;
  readonly #backOff: BackOff;
  #isClosed = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: LinkOptions, client: MqttClient, backOff: BackOff) {
    this.#options = options;
    this.#client = client;
    this.#backOff = backOff;
  }

  /** Calls `then` once there is a password, or none is needed. Without one the gateway would take it for asking a challenge. */
  first(then: () => void, onTrouble: (reason: string) => void): void {
    this.#make().then(
      () => {
        if (!this.#isClosed) then();
      },
      (error: unknown) => {
        if (this.#isClosed) return;
        onTrouble(messageOf(error));
        this.#retry = setTimeout(() => this.first(then, onTrouble), this.#backOff.next());
      },
    );
  }

  renew(onTrouble: (reason: string) => void): void {
    if (this.#isClosed) return;
    this.#make().catch((error: unknown) => {
      if (!this.#isClosed) onTrouble(messageOf(error));
    });
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
  }

  async #make(): Promise<void> {
    const password = await this.#options.password?.(() => fetchChallenge(this.#options));
    if (password !== undefined) this.#client.options.password = Buffer.from(password);
  }
}

/** What the CONNACK codes of MQTT 3.1.1 mean to somebody who wonders why nothing is sent. */
const REFUSALS: Readonly<Record<number, string>> = {
  1: 'the broker does not speak MQTT 3.1.1',
  2: 'the broker refuses the client id',
  3: 'the gateway has no room, or has shut the device out for a while',
  4: 'the user name is no device URN, or the password no token',
  5: 'not authorised: the device is not enrolled or was revoked, or its token or certificate is not good',
};

/** Why there is no connection, for people. The URL is named without credentials. */
function describeTrouble(url: string, error: Error & { readonly code?: string | number }): string {
  const { code } = error;
  const where = placeOf(url);
  if (typeof code === 'number') return `${where} refused the connection: ${REFUSALS[code] ?? error.message}`;
  if (code === 'ECONNREFUSED') return `nothing listens at ${where}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `there is no host ${where}`;
  if (code === 'ECONNRESET' || code === 'EPIPE') return `${where} closed the connection`;
  if (code !== undefined && TLS_TROUBLE.test(code))
    return `TLS with ${where} failed (${code}): is its certificate trusted, and the device's own asked for?`;
  return `${where}: ${error.message === '' ? (code ?? 'no connection') : error.message}`;
}

const TLS_TROUBLE = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_|HOSTNAME)/;

function placeOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return 'the broker';
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function connectOptions({ urn, clientId, tls }: LinkOptions): IClientOptions {
  return {
    protocolVersion: 4,
    username: urn,
    clientId: clientId ?? urn,
    ...tls,
    clean: true,
    keepalive: KEEPALIVE_S,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectOnConnackError: true,
    resubscribe: false,
  };
}
