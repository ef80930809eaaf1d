/** The simulated wearable as a library: devices, fleets of them, what they wear and how they misbehave. */
export { Device, type DeviceOptions, type Reading } from './device.ts';
export type { DeviceEvent } from './device-event.ts';
export {
  Fleet,
  type FleetEvent,
  type FleetOptions,
  type Member,
  type MisbehaviourResult,
  type Source,
} from './fleet.ts';
export { encodeFrame, type Frame } from './frame.ts';
export type {
  Link,
  LinkListener,
  LinkOptions,
  LinkSecurity,
  LinkTls,
  OpenLink,
  TokenOptions,
} from './link.ts';
export { type Actor, type HostileMessage, MISBEHAVIOURS, type Misbehaviour } from './misbehaviour.ts';
export { type OneShotOutcome, publishOnce } from './mqtt-link.ts';
export { loadRecordings, type Recording, RecordingError } from './recordings.ts';
export { runSim, type SimIo, type SimOptions, type SimSummary } from './run-sim.ts';
export type { StatementNumber } from './state/acknowledgements.ts';
export { acknowledgedBy, type DeviceIdentity } from './state/device-store.ts';
export { syntheticFrames } from './vitals.ts';
