/** Every command of `vitalseal`, in the order people meet them. */
import type { Command } from './cli.ts';
import { contractDeploy } from './commands/contract.ts';
import { demo } from './commands/demo.ts';
import { deviceCadence, deviceChanges } from './commands/device-changes.ts';
import { deviceEnrol } from './commands/device-enrol.ts';
import { deviceList, deviceShow } from './commands/device-views.ts';
import { fsck } from './commands/fsck.ts';
import { init } from './commands/init.ts';
import { providerCommands } from './commands/provider.ts';
import { receiptExport, receiptTrust } from './commands/receipt-export.ts';
import { receiptInspect } from './commands/receipt-inspect.ts';
import { receiptVerify } from './commands/receipt-verify.ts';
import { serve } from './commands/serve.ts';
import { sim } from './commands/sim.ts';
import { status } from './commands/status.ts';
import { witnessCommands } from './commands/witness.ts';

export const COMMANDS: readonly Command[] = [
  demo,
  init,
  contractDeploy,
  serve,
  deviceEnrol,
  deviceList,
  deviceShow,
  ...deviceChanges,
  deviceCadence,
  sim,
  ...providerCommands,
  ...witnessCommands,
  receiptExport,
  receiptTrust,
  receiptInspect,
  receiptVerify,
  status,
  fsck,
];
