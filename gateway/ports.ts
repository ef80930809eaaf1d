/**
 * What the stages of the gateway may know of each other, a file for each concern. A stage imports this one, never a neighbour.
 *
 * Every method that touches the store is asynchronous, so that another engine can stand behind it.
 * Times are milliseconds since the Unix epoch by the gateway's clock unless a name says seconds.
 */

export type * from './ports/anchor.ts';
export type * from './ports/common.ts';
export type * from './ports/deliver.ts';
export type * from './ports/devices.ts';
export type * from './ports/intake.ts';
export type * from './ports/log.ts';
export type * from './ports/queries.ts';
export type * from './ports/timestamp.ts';
export type * from './ports/witness.ts';
