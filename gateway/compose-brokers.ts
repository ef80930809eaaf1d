/** The existing brokers of the configuration, put together. */
import { readFileSync } from 'node:fs';
import { type BrokerConfig, CONNECTIONS_MAX } from './config-schema/brokers.ts';
import type { GatewayConfig } from './config-schema.ts';
import { GatewayError } from './errors.ts';
import type { Credentials } from './ingest/external/broker-connection.ts';
import { ExternalBroker } from './ingest/external/external-broker.ts';
import type { Clock, Intake, Logger } from './ports.ts';

/** Made, not started. Throws GatewayError key-unreadable naming a file that cannot be read, and its setting. */
export function composeBrokers(
  config: GatewayConfig,
  parts: { readonly intake: Intake; readonly clock: Clock; readonly logger: Logger },
  maxPacketBytes: number,
): ExternalBroker[] {
  return config.brokers.map((broker) => {
    readCredentials(broker); // a file that is missing shows now, not at the first connection
    const { name, url, group, connections, receiveMaximum, sessionExpirySeconds, answers } = broker;
    return new ExternalBroker({
      ...{ name, url, group, connections, receiveMaximum, sessionExpirySeconds, answers, maxPacketBytes },
      ...parts,
      connectionsMax: CONNECTIONS_MAX,
      credentials: () => readCredentials(broker),
    });
  });
}

function readCredentials(broker: BrokerConfig): Credentials {
  const { username, passwordFile, caFile, certFile, keyFile } = broker;
  const file = (path: string, setting: string) => readCredential(path, `brokers ${broker.name} ${setting}`);
  return {
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined ? {} : { password: line(file(passwordFile, 'passwordFile')) }),
    ...(caFile === undefined ? {} : { ca: file(caFile, 'caFile') }),
    ...(certFile === undefined ? {} : { cert: file(certFile, 'certFile') }),
    ...(keyFile === undefined ? {} : { key: file(keyFile, 'keyFile') }),
  };
}

function readCredential(path: string, setting: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new GatewayError('key-unreadable', `${setting}: cannot read ${path}`, { cause, fatal: true });
  }
}

/** Without the end of line that an editor leaves. */
function line(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString().replace(/\r?\n$/, ''));
}
