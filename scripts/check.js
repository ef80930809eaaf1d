/** `npm run check`: everything that needs no server, in under a minute. */
import { CHECK_STEPS, UNIT_TESTS } from './check-steps.js';
import { runSteps } from './steps.js';

await runSteps([UNIT_TESTS, ...CHECK_STEPS]);
