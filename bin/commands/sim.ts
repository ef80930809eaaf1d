import { readFileSync, writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import {
  type LinkSecurity,
  type Member,
  MISBEHAVIOURS,
  runSim,
  type SimOptions,
} from '../../device-sim/index.ts';
import { bytesToBase64 } from '../../src/bytes.ts';
import { ALGORITHM_IDS, type Algorithm } from '../../src/cose/algorithm.ts';
import { encodeCoseKey } from '../../src/cose/key.ts';
import { type Command, EXIT, optionalText, text, UsageError, type Values, whole } from '../cli.ts';
import { csvRecord } from '../csv.ts';

const ENROL_COLUMNS = ['device', 'patient', 'provider', 'key'] as const;

export const sim: Command = {
  name: 'sim',
  summary: 'Simulate wearables against a broker: honest ones, and hostile ones by name',
  options: {
    broker: {
      type: 'string',
      value: 'URL',
      description: 'MQTT broker, such as mqtt://127.0.0.1:1883 or mqtts://gateway.example:8883',
      required: true,
    },
    ca: {
      type: 'string',
      value: 'FILE',
      description: 'authorities that the certificate of an mqtts:// broker may come from (PEM)',
    },
    cert: {
      type: 'string',
      value: 'FILE',
      description: 'certificate of the devices (PEM); with --key. It may name several',
    },
    key: { type: 'string', value: 'FILE', description: 'private key of --cert (PEM)' },
    token: {
      type: 'string',
      value: 'HOW',
      description: 'show a token signed with each device’s key: clock, or challenge for devices without one',
    },
    audience: {
      type: 'string',
      value: 'ORIGIN',
      description: 'origin of the gateway’s log, to which --token is made out',
    },
    state: {
      type: 'string',
      value: 'DIR',
      description: 'where the devices keep keys, counters and outboxes',
      required: true,
    },
    devices: { type: 'string', value: 'N', description: 'how many honest devices', default: '3' },
    algorithm: {
      type: 'string',
      value: 'NAME',
      description: 'Ed25519, ESP256 or ES256K; without it all three in turn',
    },
    recordings: {
      type: 'string',
      value: 'DIR',
      description: 'replay these recordings; without it a synthetic body, marked as test data',
    },
    speed: {
      type: 'string',
      value: 'N',
      description: 'seconds of stored readings sent in one',
      default: '60',
    },
    limit: { type: 'string', value: 'N', description: 'most statements a device sends' },
    duration: { type: 'string', value: 'SECONDS', description: 'stop after so long' },
    misbehave: {
      type: 'string',
      value: 'NAMES',
      description: 'comma-separated, each by a device of its own; see below',
    },
    'keep-until': {
      type: 'string',
      value: 'WHO',
      description: 'who must acknowledge: broker, or gateway where a broker stands between',
      default: 'broker',
    },
    seed: {
      type: 'string',
      value: 'TEXT',
      description: 'make names, keys and behaviour repeat; such keys are for tests only',
    },
    'enrol-file': {
      type: 'string',
      value: 'FILE',
      description:
        'only make the devices, and write what vitalseal device enrol --from needs: CSV for .csv, else JSON lines',
    },
    provider: {
      type: 'string',
      value: 'ID',
      description: 'provider to name in the enrol file',
      default: 'clinic',
    },
    json: { type: 'boolean', description: 'print the summary as JSON' },
  },
  help: `
Devices keep their state: the same directory goes on where it ended, with the outbox first. To test with a gateway: run with
--enrol-file, enrol the devices from it, run again without. Standard error says once why nothing is sent, and when that is over.

Misbehaviours and the verdict each should get:
${[...MISBEHAVIOURS.values()].map(({ name, code, description }) => `  ${name.padEnd(18)} ${code.padEnd(18)} ${description}`).join('\n')}

Exit code 1 when a misbehaviour was not taken as it should be, or acknowledgements are outstanding at the end.`,
  async run(values, _positionals, io) {
    const enrolFile = optionalText(values, 'enrol-file');
    const stop = new AbortController();
    const summary = await runSim(optionsOf(values), {
      write: values['json'] === true ? io.err : io.out,
      warn: io.err,
      signal: AbortSignal.any([io.stopped, stop.signal]),
      onMembers: (members) => {
        if (enrolFile === undefined) return;
        writeFileSync(enrolFile, enrolText(enrolFile, members, text(values, 'provider')));
        io.err(`wrote ${enrolFile}; next: vitalseal device enrol --from ${enrolFile}`);
        stop.abort();
      },
    }).catch((error: unknown) => {
      throw error instanceof RangeError ? new UsageError(error.message) : error;
    });
    if (values['json'] === true)
      io.out(
        JSON.stringify(
          summary,
          (_key, value: unknown) => (value instanceof Uint8Array ? bytesToBase64(value) : value),
          2,
        ),
      );
    if (enrolFile !== undefined) return EXIT.ok;
    return summary.pending === 0 && summary.misbehaviours.every(({ asExpected }) => asExpected)
      ? EXIT.ok
      : EXIT.no;
  },
};

function optionsOf(values: Values): SimOptions {
  const recordingsFolder = optionalText(values, 'recordings');
  const seed = optionalText(values, 'seed');
  const misbehave = optionalText(values, 'misbehave')?.split(',') ?? [];
  return {
    url: text(values, 'broker'),
    stateFolder: text(values, 'state'),
    devices: whole(values, 'devices', 0, 100_000),
    speed: whole(values, 'speed', 1, 1_000_000_000),
    misbehave,
    security: securityOf(values),
    ...algorithmOf(values),
    keepUntil: keepUntilOf(values),
    ...(recordingsFolder === undefined
      ? { source: 'synthetic' as const }
      : { source: 'recordings' as const, recordingsFolder }),
    ...(seed === undefined ? {} : { seed }),
    ...(values['limit'] === undefined ? {} : { limit: whole(values, 'limit', 1, 1_000_000_000) }),
    ...(values['duration'] === undefined
      ? {}
      : { durationSeconds: whole(values, 'duration', 1, 31_536_000) }),
  };
}

/** Certificates are read here, so that a missing file is said before anything is sent. */
function securityOf(values: Values): LinkSecurity {
  const tls: { ca?: string; cert?: string; key?: string } = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const file = optionalText(values, name);
    if (file !== undefined) tls[name] = readPem(file, name);
  }
  if ((tls.cert === undefined) !== (tls.key === undefined))
    throw new UsageError('--cert and --key go together');
  const freshness = optionalText(values, 'token');
  const audience = optionalText(values, 'audience');
  if (freshness === undefined) return { tls };
  if (freshness !== 'clock' && freshness !== 'challenge')
    throw new UsageError('--token must be clock or challenge');
  if (audience === undefined)
    throw new UsageError('--token needs --audience, the origin of the gateway’s log');
  return { tls, token: { audience, freshness } };
}

function readPem(file: string, option: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`--${option}: cannot read ${file}`);
  }
}

function algorithmOf(values: Values): { algorithms?: readonly Algorithm[] } {
  const name = optionalText(values, 'algorithm');
  if (name === undefined) return {};
  if (!(name in ALGORITHM_IDS))
    throw new UsageError(`--algorithm must be one of ${Object.keys(ALGORITHM_IDS).join(', ')}`);
  return { algorithms: [name as Algorithm] };
}

function keepUntilOf(values: Values): 'broker' | 'gateway' {
  const who = text(values, 'keep-until');
  if (who !== 'broker' && who !== 'gateway')
    throw new UsageError('--keep-until must be one of broker, gateway');
  return who;
}

function enrolText(file: string, members: readonly Member[], provider: string): string {
  const enrolments = members
    .filter(({ mustBeEnrolled }) => mustBeEnrolled)
    .map(({ urn, publicKey }, at) => ({
      device: urn,
      patient: `sim-${at + 1}`,
      provider,
      key: bytesToBase64(encodeCoseKey(publicKey)),
    }));
  const lines =
    extname(file).toLowerCase() === '.csv'
      ? [ENROL_COLUMNS, ...enrolments.map((one) => ENROL_COLUMNS.map((name) => one[name]))].map(csvRecord)
      : enrolments.map((one) => JSON.stringify(one));
  return `${lines.join('\n')}\n`;
}
