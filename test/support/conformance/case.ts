/** What a row of the conformance table is. */
import type { Policy } from './policies.ts';

/**
 * One thing that happens, in order:
 *
 *     > packet    the client sends it           >. packet   the same, in a segment for each byte
 *     < packet    the next packet from the broker is this one
 *     <*          whatever the broker says now is not looked at
 *     x           the client's connection breaks without DISCONNECT
 *     .           the broker closes the connection
 *
 * A number in front speaks of another connection of the same device; each opens with its first step.
 */
export type Step = string;

/** The topic that a device publishes to, in a step. */
export const TOPIC = '"wearables/{device}/statements"';

/**
 * How the first connection ends: `open` answers a PINGREQ; `closed` by the broker without another packet; `refused` closed,
 * with at most a CONNACK that says no in front; `either` is harmless both ways.
 */
export type End = 'open' | 'closed' | 'refused' | 'either';

export interface Way {
  readonly steps: readonly Step[];
  readonly end: End;
}

/** Published material that has this case: paho's interoperability suite, mosquitto's packet files, mqtt-packet's and aedes' tests. */
export type Source = 'paho' | 'mosquitto' | 'mqtt-packet' | 'aedes' | 'standard';

export interface MqttCase {
  readonly id: string;
  /** The normative statement of MQTT 3.1.1 that decides, without its "MQTT-". */
  readonly clause: string;
  readonly from: Source;
  /** Whether the first connection has said CONNECT and been welcomed before the steps begin. */
  readonly connected: boolean;
  /** Ways in which a broker conforms; one is enough. */
  readonly ways: readonly Way[];
  /** What the gateway does instead; `optional` where both are right. */
  readonly policy?: { readonly name: Policy; readonly instead: Way; readonly optional: boolean };
}

/** The CONNECT that a case begins with, and its answer. */
export const CONNECT = '10 ~ "MQTT" 04 82 003c "{case}" "{device}"';
export const WELCOME = '20 02 0000';

/** A case that begins with a connection without CONNECT. */
export function bare(clause: string, id: string, from: Source, steps: readonly Step[], end: End): MqttCase {
  return { clause, id, from, connected: false, ways: [{ steps, end }] };
}

/** A case that begins after the welcome. */
export function joined(clause: string, id: string, from: Source, steps: readonly Step[], end: End): MqttCase {
  return { ...bare(clause, id, from, steps, end), connected: true };
}

/** The case with another way of conforming. */
export function or(row: MqttCase, steps: readonly Step[], end: End): MqttCase {
  return { ...row, ways: [...row.ways, { steps, end }] };
}

/** The case, which the gateway answers otherwise on purpose. */
export function except(name: Policy, row: MqttCase, steps: readonly Step[], end: End): MqttCase {
  return { ...row, policy: { name, instead: { steps, end }, optional: false } };
}

/** The case, which the gateway may answer otherwise. */
export function mayExcept(name: Policy, row: MqttCase, steps: readonly Step[], end: End): MqttCase {
  return { ...row, policy: { name, instead: { steps, end }, optional: true } };
}
