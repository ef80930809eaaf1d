/** Puts the ingest stage together: the embedded broker, existing brokers, and one outlet to devices through all of them. */
import { composeBrokers } from './compose-brokers.ts';
import type { GatewayConfig } from './config-schema.ts';
import type { Metrics } from './http/metrics.ts';
import { combineOutlets } from './ingest/combine-outlets.ts';
import type { ExternalBroker } from './ingest/external/external-broker.ts';
import type { Endpoint } from './ingest/listeners.ts';
import { MqttBroker } from './ingest/mqtt-broker.ts';
import type { Clock, DeviceOutlet, Intake, Logger, Registry } from './ports.ts';

/** MQTT framing and topic beside the statement. */
const PACKET_OVERHEAD_BYTES = 4096;
const LOOPBACK = /^(127\.|::1$|localhost$)/;

export interface IngestParts {
  readonly intake: Intake;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Called when a device has come to hear its requests. */
  readonly onListening: (device: string) => void;
}

export interface Ingest {
  readonly outlet: DeviceOutlet;
  readonly brokers: readonly ExternalBroker[];
  /** Listens, where there is an embedded broker. Ports are 0 where it does not. */
  listen(): Promise<{ readonly port: number; readonly tlsPort: number }>;
  /** Turns to existing brokers. */
  start(): void;
  /** Called when what a device may do has changed. */
  deviceChanged(urn: string): void;
  /** Takes no more, and finishes what was taken. */
  close(): Promise<void>;
}

export function composeIngest(config: GatewayConfig, parts: IngestParts): Ingest {
  const { metrics } = parts;
  // An oversize statement is refused by its code; only what is far beyond that is cut off unread.
  const maxPacketBytes = 2 * config.mqtt.maxStatementBytes + PACKET_OVERHEAD_BYTES;
  const embedded = config.mqtt.enabled ? composeEmbedded(config, parts, maxPacketBytes) : undefined;
  const brokers = composeBrokers(config, parts, maxPacketBytes);
  metrics.watchBrokers(() => brokers.map((broker) => broker.view()));
  return {
    outlet: combineOutlets(embedded === undefined ? brokers : [embedded, ...brokers]),
    brokers,
    listen: async () => {
      if (embedded === undefined) return { port: 0, tlsPort: 0 };
      const ports = await embedded.listen();
      watchCertificate(embedded, metrics);
      return ports;
    },
    start: () => {
      for (const broker of brokers) broker.start();
    },
    deviceChanged: (urn) => embedded?.deviceChanged(urn),
    close: async () => {
      await Promise.all([embedded?.close(), ...brokers.map((broker) => broker.close())]);
    },
  };
}

function composeEmbedded(config: GatewayConfig, parts: IngestParts, maxPacketBytes: number): MqttBroker {
  const { metrics, logger } = parts;
  const { mqtt, origin } = config;
  const broker = new MqttBroker({
    ...parts,
    endpoints: mqttEndpoints(config, logger),
    limits: mqtt.limits,
    authentication: {
      policy: mqtt.authentication,
      audience: origin,
      tokenMaxSeconds: mqtt.token.maxSeconds,
      tokenLeewaySeconds: mqtt.token.leewaySeconds,
    },
    maxConnections: mqtt.maxConnections,
    maxPacketBytes,
    onClose: (reason) => metrics.connectionClosed(reason),
    onPause: (reason) => metrics.readingPaused(reason),
    onConnections: (count) => metrics.connections(count),
  });
  metrics.watch(
    'vitalseal_connections_waiting',
    'Connections that are not read from because there is no room',
    () => broker.waiting,
  );
  return broker;
}

function watchCertificate(broker: MqttBroker, metrics: Metrics): void {
  const { certificateExpiresAt } = broker;
  if (certificateExpiresAt === undefined) return;
  metrics.watch(
    'vitalseal_tls_certificate_expiry_seconds',
    'When the certificate of the MQTT port ends, seconds since the Unix epoch',
    () => (broker.certificateExpiresAt ?? certificateExpiresAt) / 1000,
  );
}

/** Where the broker listens. Without TLS beyond this machine is allowed, and said. */
function mqttEndpoints({ mqtt }: GatewayConfig, logger: Logger): Endpoint[] {
  const { host, port, plain, tls } = mqtt;
  if (plain && !LOOPBACK.test(host)) {
    logger.warn(
      { host, port },
      'MQTT is open without TLS: whoever can read this network can read the readings; see mqtt.tls and mqtt.plain',
    );
  }
  return [
    ...(plain ? [{ host, port, setting: 'mqtt.port' }] : []),
    ...(tls === undefined ? [] : [{ host: tls.host, port: tls.port, setting: 'mqtt.tls.port', tls }]),
  ];
}
