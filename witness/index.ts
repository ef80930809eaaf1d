/** A witness of logs: cosigns checkpoints that extend what it has cosigned before, and refuses a fork. */
export { loadWitnessConfig, type TrustedLogs, type WitnessConfig, WitnessConfigError } from './config.ts';
export { createState, openState, readState } from './database.ts';
export { Evidence, type Found, type Head } from './evidence.ts';
export { type Advance, Heads, type KeptHead } from './heads.ts';
export { type InitOptions, initWitness } from './init.ts';
export { runWitness, type WitnessIo } from './run.ts';
export { WitnessServer, type WitnessServerOptions } from './server.ts';
export { type Reply, Witness, type WitnessLogger, type WitnessParts } from './witness.ts';
