import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, EXIT, optionalText, UsageError } from '../cli.ts';
import { type DemoSummary, runDemo } from '../demo/run-demo.ts';

export const demo: Command = {
  name: 'demo',
  summary: 'Show the main job end to end, on a real chain, broker and database',
  options: {
    exit: {
      type: 'boolean',
      description: 'end when everything was shown; status 0 only if every claim held',
    },
    json: {
      type: 'boolean',
      description:
        'print the summary as one line of JSON at the end of standard output, the story to standard error',
    },
    dir: {
      type: 'string',
      value: 'DIR',
      description: 'an empty directory for the files; by default a new one for temporary files',
    },
  },
  help: 'Without --exit everything stays up, to be looked at, until Ctrl-C.',
  async run(values, _positionals, io) {
    const say = values['json'] === true ? io.err : io.out;
    const directory = chooseDirectory(optionalText(values, 'dir'));
    say(
      'Vitalseal demonstration: wearables sign, the gateway checks, logs and anchors, the clinic receives, anyone verifies.\n' +
        'What is claimed on the way is looked at from outside, and then either held or BROKEN.',
    );
    const { stage, summary } = await runDemo(directory, { say, signal: io.stopped });
    try {
      for (const line of describe(summary)) say(line);
      if (values['json'] === true) io.out(JSON.stringify(summary));
      if (values['exit'] !== true && !io.stopped.aborted) {
        say('');
        say(
          `Still up: broker ${stage.brokerUrl}, HTTP http://127.0.0.1:${stage.addresses.http}/health. Ctrl-C ends it.`,
        );
        await new Promise<void>((resolve) =>
          io.stopped.addEventListener('abort', () => resolve(), { once: true }),
        );
      }
    } finally {
      await stage.close();
    }
    return summary.held ? EXIT.ok : EXIT.no;
  },
};

function chooseDirectory(given: string | undefined): string {
  if (given === undefined) return mkdtempSync(join(tmpdir(), 'vitalseal-demo-'));
  const directory = resolve(given);
  mkdirSync(directory, { recursive: true });
  if (readdirSync(directory).length > 0)
    throw new UsageError(`--dir: ${directory} is not empty; nothing was changed`);
  return directory;
}

function describe({ held, claims, counts, statements, gas, data, seconds, files }: DemoSummary): string[] {
  const holding = claims.filter((claim) => claim.held).length;
  return [
    '',
    `7. What was shown, in ${seconds} s`,
    `  ${holding} of ${claims.length} claims held${held ? '' : ': NOT everything that is promised'}`,
    ...claims.filter((claim) => !claim.held).map(({ name, seen }) => `  BROKEN  ${name}: ${seen}`),
    `  ${statements} statements (${data === 'recordings' ? 'real recordings' : 'synthetic vitals'}) accepted, ${counts.delivered} entries delivered sealed`,
    `  ${gas.anchors} gas for all anchors, ${gas.perStatement} a statement here; it falls as more readings share an anchor`,
    `  files: ${files.directory}`,
    `  the receipt: ${files.receipt}`,
    `  read it yourself: node bin/vitalseal.js receipt inspect ${files.receipt}`,
  ];
}
