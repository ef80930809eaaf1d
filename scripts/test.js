/**
 * `npm test`: everything. The checks and unit tests of `npm run check`, then the tests that need servers, a chain, a browser,
 * forge or minutes. Its last line is `N passed, N failed, N skipped`.
 *
 * With CI=true a skipped test is a failure: a machine that is to prove something must not leave parts of it out.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { CHECK_STEPS, UNIT_TESTS } from './check-steps.js';
import { runSteps } from './steps.js';
import { installTestPrograms } from './test-programs.js';

const inCi = process.env.CI === 'true';
const say = (line) => process.stdout.write(`${line}\n`);
const reports = mkdtempSync(join(tmpdir(), 'vitalseal-test-'));

/** The step with a report that a program can read. */
function reporting(step, file) {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${join(reports, file)}`];
  return { ...step, args: [...step.args, ...reporters] };
}

/** How many tests passed and failed, and the names of those that were skipped. */
function readReport(file) {
  const { testResults } = JSON.parse(readFileSync(join(reports, file), 'utf8'));
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const passed = tests.filter(({ status }) => status === 'passed').length;
  const failed = tests.filter(({ status }) => status === 'failed').length;
  const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
  // A file that cannot even be loaded has no test that failed.
  const broken = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  return { passed, failed: failed + broken.length, skipped: skipped.map(({ fullName }) => fullName) };
}

/** The sum of the reports. What failed without a report counts as one failure. */
function addUp(files, failedSteps) {
  const sum = { passed: 0, failed: failedSteps.filter((name) => !(name in files)).length, skipped: [] };
  for (const [name, file] of Object.entries(files)) {
    try {
      const { passed, failed, skipped } = readReport(file);
      sum.passed += passed;
      sum.failed += failed === 0 && failedSteps.includes(name) ? 1 : failed;
      sum.skipped.push(...skipped);
    } catch {
      sum.failed += 1;
    }
  }
  return sum;
}

installTestPrograms(say);
const waiting = {
  name: 'waiting tests',
  command: 'vitest',
  args: ['run', '--project', 'waiting'],
  live: true,
};
const whole = { name: 'whole tests', command: 'vitest', args: ['run', '--project', 'whole'], live: true };
const files = { [UNIT_TESTS.name]: 'unit.json', [waiting.name]: 'waiting.json', [whole.name]: 'whole.json' };
// The whole tests run real processes against deadlines, so nothing runs beside them.
const failedSteps = [
  ...(await runSteps([reporting(UNIT_TESTS, 'unit.json'), ...CHECK_STEPS])),
  ...(await runSteps([reporting(waiting, 'waiting.json')])),
  ...(await runSteps([reporting(whole, 'whole.json')])),
];
const { passed, failed, skipped } = addUp(files, failedSteps);
rmSync(reports, { recursive: true, force: true });
for (const name of skipped) say(`skipped: ${name}`);
if (inCi && skipped.length > 0) say('CI=true: a skipped test is a failure');
process.exitCode = failed > 0 || failedSteps.length > 0 || (inCi && skipped.length > 0) ? 1 : 0;
say(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
