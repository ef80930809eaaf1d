import { checkStore } from '../../gateway/fsck/check-store.ts';
import { formatReport } from '../../gateway/fsck/report.ts';
import { type Command, EXIT } from '../cli.ts';
import { CONFIG_OPTION, configOf } from '../store-access.ts';

export const fsck: Command = {
  name: 'fsck',
  summary: 'Check from outside that every leaf, tile, root, anchor and cursor agrees',
  options: {
    config: CONFIG_OPTION,
    fast: { type: 'boolean', description: 'skip the signatures, which are nearly all of the work' },
    offline: { type: 'boolean', description: 'do not ask the chain' },
    json: { type: 'boolean', description: 'print JSON instead of text' },
  },
  help: `
Reads the store of the configuration, beside a running gateway or a copy of it elsewhere; changes nothing and shares no code
with the log it checks. Exit code 0 when everything agrees, 1 with a list of what does not, 3 when the chain is configured
and could not be asked.`,
  async run(values, _positionals, io) {
    const config = configOf(values, io);
    const report = await checkStore({
      config,
      fast: values['fast'] === true,
      signal: io.stopped,
      ...(values['offline'] === true ? { chain: false as const } : {}),
    });
    io.out(values['json'] === true ? JSON.stringify(report, null, 2) : formatReport(report).trimEnd());
    if (report.findings.length > 0) return EXIT.no;
    return report.chain === 'unreachable' ? EXIT.unavailable : EXIT.ok;
  },
};
