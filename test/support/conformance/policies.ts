/**
 * Where the gateway refuses or leaves out on purpose what MQTT 3.1.1 lets a general broker do. docs/mqtt.md gives the reason of
 * each under the same name, and a test holds the two lists equal.
 */
export const POLICIES = [
  'device-name',
  'own-topics',
  'no-sessions',
  'will-statement',
  'password-token',
  'unasked-acknowledgements',
] as const;
export type Policy = (typeof POLICIES)[number];
