/** Links over MQTT 3.1.1 to any broker. The one file of the simulator that knows the mqtt package. */
import { type IClientOptions, type MqttClient, connect as mqttConnect } from 'mqtt';
import {
  acksTopic,
  BEACON_TOPIC,
  type Link,
  type LinkListener,
  type LinkOptions,
  requestsTopic,
} from './link.ts';

const RECONNECT_MS = 500;
const CONNECT_TIMEOUT_MS = 10_000;
const KEEPALIVE_S = 30;

// A gateway may withhold an acknowledgement for a failure of its own. A new connection makes it look again.
const ACKNOWLEDGEMENT_TIMEOUT_MS = 30_000;

/** Opens a link that reconnects until it is closed. */
export function openMqttLink(options: LinkOptions, listener: LinkListener): Link {
  const client = mqttConnect(options.url, { ...connectOptions(options), reconnectPeriod: RECONNECT_MS });
  client.on('connect', () => {
    // Whatever the broker grants: the device then hears as much as it may of what becomes of its statements.
    const topics = [acksTopic(options.urn), requestsTopic(options.urn), BEACON_TOPIC];
    client.subscribe(topics, { qos: 1 }, () => {
      if (client.connected) listener.onConnect();
    });
  });
  client.on('close', () => listener.onDisconnect());
  client.on('message', (topic, payload) => listener.onMessage(topic, Uint8Array.from(payload)));
  // Refused connections and broken sockets are followed by another attempt; without a listener they would throw.
  client.on('error', () => undefined);
  // The package forgets about publications under way when it is ended by force; their callers must not wait for ever.
  const underWay = new Set<(error: Error) => void>();
  return {
    publish: (topic, payload) => publish(client, topic, payload, underWay),
    close: async () => {
      for (const giveUp of underWay) giveUp(new Error('the link was closed'));
      await client.endAsync(true);
    },
  };
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
  const client = mqttConnect(options.url, { ...connectOptions(options), reconnectPeriod: 0 });
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

function connectOptions({ urn, clientId, password }: LinkOptions): IClientOptions {
  return {
    protocolVersion: 4,
    username: urn,
    clientId: clientId ?? urn,
    ...(password !== undefined && { password }),
    clean: true,
    keepalive: KEEPALIVE_S,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectOnConnackError: true,
    resubscribe: false,
  };
}
