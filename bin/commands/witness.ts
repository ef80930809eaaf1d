import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pino from 'pino';
import { base64ToBytes, bytesToHex } from '../../src/bytes.ts';
import { ED25519_TYPE, isKeyName } from '../../src/signed-note.ts';
import { formatVerifierKey } from '../../src/verifier-key.ts';
import { Heads, initWitness, loadWitnessConfig, readState, runWitness } from '../../witness/index.ts';
import { argument, type Command, EXIT, optionalText, text, UsageError, whole } from '../cli.ts';

const REQUESTS_PER_MINUTE = 600;
const CONFIG = {
  type: 'string',
  value: 'FILE',
  description: 'the witness’s configuration',
  default: 'witness.json',
} as const;

const witnessInit: Command = {
  name: 'witness init',
  summary: 'Make a directory with a key, a state and a configuration for a witness of logs',
  positionals: 'DIR',
  options: {
    name: {
      type: 'string',
      value: 'NAME',
      description: 'name of the witness, such as witness.example/w1',
      required: true,
    },
    gateway: {
      type: 'string',
      value: 'FILE',
      description: 'gateway-public.json of the log to watch over; others are added in witness.json',
    },
    port: { type: 'string', value: 'N', description: 'port to listen on, on this machine', default: '8491' },
  },
  help: `
Prints, as a line of JSON, the key of the witness and where it listens: what the operator of the log puts into witnesses in
vitalseal.json. Give the key to whoever verifies checkpoints, too. Nothing that exists is overwritten.

Then: put TLS in front if the log is on another machine; run vitalseal witness serve. Never run a copy of the directory, and never
put an old copy back: a witness that forgets what it has cosigned can be made to cosign a fork.`,
  async run(values, positionals, io) {
    const directory = resolve(argument(positionals));
    const name = text(values, 'name');
    if (!isKeyName(name)) throw new UsageError('--name must be without spaces and plus signs');
    if (existsSync(join(directory, 'witness.json')))
      throw new UsageError(`${directory} holds a witness already; nothing was changed`);
    const gateway = optionalText(values, 'gateway');
    const port = whole(values, 'port', 0, 65_535);
    const key = initWitness(directory, {
      name,
      host: '127.0.0.1',
      port,
      requestsPerMinute: REQUESTS_PER_MINUTE,
      logs: gateway === undefined ? [] : [readLog(gateway)],
    });
    io.out(JSON.stringify({ key, url: `http://127.0.0.1:${port}` }));
    return EXIT.ok;
  },
};

/** The log of a gateway-public.json. */
function readLog(file: string): { origin: string; keys: string[] } {
  let known: { readonly origin?: unknown; readonly logKey?: unknown };
  try {
    known = JSON.parse(readFileSync(file, 'utf8')) as typeof known;
  } catch (error) {
    throw new UsageError(`--gateway: cannot read ${file}: ${(error as Error).message}`);
  }
  const { origin, logKey } = known;
  const publicKey = typeof logKey === 'string' ? base64ToBytes(logKey) : undefined;
  if (typeof origin !== 'string' || !isKeyName(origin) || publicKey?.length !== 32)
    throw new UsageError(`--gateway: ${file} lacks origin or logKey; vitalseal init makes such a file`);
  return { origin, keys: [formatVerifierKey({ name: origin, publicKey }, ED25519_TYPE)] };
}

const witnessServe: Command = {
  name: 'witness serve',
  summary: 'Run a witness: cosign what extends a log’s history, refuse a fork',
  options: { config: CONFIG },
  help: `
Speaks C2SP tlog-witness (add-checkpoint) with the logs it is configured for. Writes one JSON line to standard output when it is
ready ({"ready":true,"http":PORT,"url":URL,"key":KEY}), and its log to standard error: what a log signed and was refused, of each kind
once a minute. Killed at any moment, it goes on where it was: it answers only when what it has cosigned is on the disk.`,
  async run(values, _positionals, io) {
    const code = await runWitness(text(values, 'config'), {
      logger: pino({ base: null }, pino.destination(2)),
      writeLine: (line) => io.out(line),
      writeError: (line) => io.err(line),
      stopped: io.stopped,
    });
    return code === 1 ? EXIT.unavailable : code;
  },
};

const witnessList: Command = {
  name: 'witness list',
  summary: 'List the logs a witness has cosigned, and what they signed that does not go with it',
  options: { config: CONFIG },
  help: `
Prints one JSON object a line, for each log the newest checkpoint cosigned, and where there is something:

  fork      two checkpoints of one size with different roots, both signed by the log: proof for anybody who has its key
  unproven  checkpoints the log signed that were offered with a proof that does not hold, each with the one cosigned at that time, at most
            16: a fork, or a genuine checkpoint whose proof was broken on the way, by the log or by a stranger. No proof by itself.
            It is withdrawn when the witness cosigns the same root for that size, or is shown a proof from it to a checkpoint it has
            cosigned; it becomes a fork when the witness cosigns another root for that size. Else it stays.
  stale     how many checkpoints were offered that are smaller than the one cosigned: the log was put back to an old copy, or
            somebody shows an old checkpoint again. No alarm

Exit code 1 when there is a fork or something unproven.`,
  async run(values, _positionals, io) {
    const heads = new Heads(readState(loadWitnessConfig(text(values, 'config')).dataDir));
    try {
      const logs = heads.list().map((head) => ({ ...head, ...heads.evidence.of(head.origin) }));
      for (const { root, unproven, ...log } of logs)
        io.out(
          JSON.stringify({
            ...log,
            root: bytesToHex(root),
            ...(unproven && { unproven: unproven.map((one) => ({ ...one, root: bytesToHex(one.root) })) }),
          }),
        );
      return logs.some(({ fork, unproven }) => fork ?? unproven) ? EXIT.no : EXIT.ok;
    } finally {
      heads.close();
    }
  },
};

export const witnessCommands: readonly Command[] = [witnessInit, witnessServe, witnessList];
