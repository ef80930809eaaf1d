/** Why connections are closed, and reading is put off: the labels of the broker's metrics. */
import type { Refused } from './admission.ts';
import type { GuardFault } from './packet-guard.ts';

/** Why a connection was refused or closed; a metric label. */
export type CloseReason =
  | Refused
  | GuardFault['kind']
  | 'too-many-connections'
  | 'tls-failed'
  | 'broken-off'
  | 'slow-connect'
  | 'slow-packet'
  | 'idle'
  | 'not-authorised'
  | 'reconnect-rate'
  | 'device-connections'
  | 'taken-over'
  | 'device-changed'
  | 'unknown-device'
  | 'foreign-topic'
  | 'flood'
  | 'withheld'
  | 'gateway-failure';

/** Why reading was put off; a metric label. */
export type PauseReason = 'rate' | 'no-room';
