/** The topics of docs/protocol.md, "Topics". */
import { isDeviceUrn } from '../../src/statement.ts';

export const BEACON_TOPIC = 'wearables/beacon';

/** The device whose statements topic this is; undefined for every other topic. */
export function deviceOfStatementsTopic(topic: string): string | undefined {
  const [root, device, leaf, ...rest] = topic.split('/');
  if (root !== 'wearables' || leaf !== 'statements' || rest.length > 0) return undefined;
  return device !== undefined && isDeviceUrn(device) ? device : undefined;
}

export function statementsTopic(device: string): string {
  return `wearables/${device}/statements`;
}

export function acksTopic(device: string): string {
  return `wearables/${device}/acks`;
}

export function requestsTopic(device: string): string {
  return `wearables/${device}/requests`;
}

/** Where a device that has no clock hears what to put into its token. */
export function challengeTopic(device: string): string {
  return `wearables/${device}/challenge`;
}

/** Whether a device may subscribe to a filter: its own two topics and the beacon, and no wildcard. */
export function maySubscribe(device: string, filter: string): boolean {
  return filter === acksTopic(device) || filter === requestsTopic(device) || filter === BEACON_TOPIC;
}
