/** `npm run check`: everything that needs no server, in under a minute. */
import process from 'node:process';
import { CHECK_STEPS, UNIT_TESTS } from './check-steps.js';
import { runSteps } from './steps.js';

const failed = await runSteps([UNIT_TESTS, ...CHECK_STEPS]);
process.exitCode = failed.length === 0 ? 0 : 1;
