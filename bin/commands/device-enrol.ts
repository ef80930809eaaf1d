import { readFileSync } from 'node:fs';
import process from 'node:process';
import { buffer } from 'node:stream/consumers';
import type { GatewayConfig } from '../../gateway/config-schema.ts';
import type { GatewayStore } from '../../gateway/open-store.ts';
import { bytesToBase64, bytesToHex, equalBytes } from '../../src/bytes.ts';
import { encodeCoseKey, keyId } from '../../src/cose/key.ts';
import { parseCadence } from '../cadence.ts';
import {
  type Command,
  EXIT,
  type ExitCode,
  type Io,
  optionalText,
  text,
  UsageError,
  type Values,
} from '../cli.ts';
import {
  decodeText,
  type Enrolment,
  type FileFormat,
  formatOf,
  type LineProblem,
  problemOfDevice,
  problemOfPatient,
  problemOfProvider,
  readEnrolments,
} from '../enrolment-file.ts';
import { EnrolmentRun } from '../enrolment-run.ts';
import { readPublicKeyFile } from '../key-files.ts';
import { ProgressLine } from '../progress-line.ts';
import { CONFIG_OPTION, configOf, settleRequests } from '../store-access.ts';
import { DEVICE, PATIENT, reportOutcomes } from './device-options.ts';

/** More than the most enrolments take with the longest keys. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** Problems told one by one. */
const PROBLEMS_SHOWN = 100;

export const deviceEnrol: Command = {
  name: 'device enrol',
  summary: 'Enrol one device, or a file of them',
  options: {
    config: CONFIG_OPTION,
    device: DEVICE,
    patient: PATIENT,
    provider: {
      type: 'string',
      value: 'ID',
      description: 'provider that receives its readings; with --from, for lines that name none',
    },
    key: { type: 'string', value: 'FILE', description: 'its public key: PEM, JWK or COSE_Key' },
    cadence: {
      type: 'string',
      value: 'SECONDS',
      description: 'how long it may be silent before that is an alarm; off; by default as configured',
    },
    from: {
      type: 'string',
      value: 'FILE',
      description: 'file of enrolments, CSV or JSON lines; - reads standard input',
    },
    format: { type: 'string', value: 'csv|jsonl', description: 'of that file; by default as its name says' },
    'skip-enrolled': {
      type: 'boolean',
      description: 'pass over lines whose device is enrolled just so already',
    },
    json: { type: 'boolean', description: 'print a summary as JSON' },
  },
  help: `
The enrolment becomes a statement in the log; the device may send from then on. Works beside a running gateway and without one.

A file names device, patient, provider, key and perhaps cadence: CSV (RFC 4180) in a header, JSON lines as fields. The key is a COSE_Key in
base64 or hex, a PEM or a JWK. All lines are checked before anything is done, against each other and against what is enrolled;
with one wrong line nothing is enrolled, and each mistake is told by its line. What is decided is carried out to its end by
whoever writes the log, after a kill too. Ctrl-C before that takes everything back. To repeat a file: --skip-enrolled.`,
  async run(values, _positionals, io) {
    const from = optionalText(values, 'from');
    return from === undefined ? enrolOne(values, io) : enrolFile(from, values, io);
  },
};

async function enrolOne(values: Values, io: Io): Promise<ExitCode> {
  for (const name of ['format', 'skip-enrolled'])
    if (values[name] !== undefined) throw new UsageError(`--${name} belongs to --from`);
  const missing = ['device', 'patient', 'provider', 'key'].filter((name) => values[name] === undefined);
  if (missing.length > 0)
    throw new UsageError(
      `${missing.map((name) => `--${name}`).join(', ')} missing: ${missing.map(meaning).join('; ')}; --from FILE enrols many`,
    );
  const config = configOf(values, io);
  const [device, patient, provider] = [
    text(values, 'device'),
    text(values, 'patient'),
    text(values, 'provider'),
  ];
  const key = bytesToBase64(encodeCoseKey(readPublicKeyFile(text(values, 'key'))));
  const problem =
    problemOfDevice(device) ?? problemOfPatient(patient) ?? problemOfProvider(provider, providersOf(config));
  if (problem !== undefined) throw new UsageError(problem);
  const cadence = parseCadence(optionalText(values, 'cadence') ?? 'default');
  if (typeof cadence === 'string') throw new UsageError(`--cadence: ${cadence}`);
  const request = { action: 'enrol', device, patient, provider, key, cadence };
  return reportOutcomes([request], await settleRequests(config, [request]), values['json'] === true, io);
}

function meaning(name: string): string {
  return `${name} is ${deviceEnrol.options[name]?.description.replace(/;.*/, '')}`;
}

function providersOf(config: GatewayConfig): string[] {
  return config.providers.map(({ id }) => id);
}

async function enrolFile(name: string, values: Values, io: Io): Promise<ExitCode> {
  for (const other of ['device', 'patient', 'key', 'cadence'])
    if (values[other] !== undefined) throw new UsageError(`--${other} stands in the lines of --from`);
  const config = configOf(values, io);
  const began = performance.now();
  const report = new FileReport(name, values['json'] === true, io, began);
  const { enrolments, problems } = await readFile(name, values, providersOf(config));
  if (problems.length > 0) return report.problems(problems);
  const progress = new ProgressLine(io);
  const listener = {
    onProgress: (what: string, done: number, total: number) => progress.show(`${what} ${done} of ${total}`),
    onTooLate: () => {
      progress.clear();
      io.err('too late to stop: all of them are being enrolled');
    },
  };
  return EnrolmentRun.open(config, io.stopped, listener, async (run) => {
    const compared = compare(enrolments, run.store, values['skip-enrolled'] === true);
    if (compared.problems.length > 0) return report.problems(compared.problems);
    const skipped = enrolments.length - compared.fresh.length;
    if (compared.fresh.length === 0) return report.done(0, skipped, []);
    const outcome = await run.carryOut(compared.fresh).finally(() => progress.clear());
    if (outcome.kind === 'cancelled') return report.cancelled();
    const refusals = outcome.refusals.map(({ line, refusal }) => ({ line, problem: refusal }));
    if (outcome.kind === 'refused') return report.problems(refusals);
    return report.done(compared.fresh.length - refusals.length, skipped, refusals);
  });
}

async function readFile(
  name: string,
  values: Values,
  providers: readonly string[],
): Promise<{ enrolments: readonly Enrolment[]; problems: readonly LineProblem[] }> {
  const decoded = decodeText(await readBytes(name));
  if (typeof decoded !== 'string') return { enrolments: [], problems: decoded };
  const format = optionalText(values, 'format') ?? formatOf(name, decoded);
  if (format !== 'csv' && format !== 'jsonl')
    throw new UsageError(`--format must be csv or jsonl, not ${JSON.stringify(format)}`);
  const provider = optionalText(values, 'provider');
  return readEnrolments(decoded, { format: format satisfies FileFormat, providers, provider });
}

async function readBytes(name: string): Promise<Uint8Array> {
  let bytes: Buffer;
  try {
    bytes = name === '-' ? await buffer(process.stdin) : readFileSync(name);
  } catch (error) {
    throw new UsageError(`cannot read ${name}: ${(error as Error).message}`);
  }
  if (bytes.length > MAX_FILE_BYTES)
    throw new UsageError(`${name} has ${bytes.length} bytes; at most ${MAX_FILE_BYTES}; split it`);
  return bytes;
}

/** What is to be enrolled, and what speaks against it, by what is enrolled. */
function compare(
  enrolments: readonly Enrolment[],
  { log: { registry } }: GatewayStore,
  skip: boolean,
): { fresh: readonly Enrolment[]; problems: readonly LineProblem[] } {
  const holders = registry.lists.devicesByKey();
  const fresh: Enrolment[] = [];
  const problems: LineProblem[] = [];
  for (const enrolment of enrolments) {
    const { line, device, kid } = enrolment;
    const difference = compareOne(enrolment, registry);
    const holder = holders.get(kid);
    if (difference === undefined) {
      if (registry.enrolments.isReserved(device))
        problems.push({ line, problem: `device: ${device} is being enrolled from another file` });
      else if (holder === undefined) fresh.push(enrolment);
      else problems.push({ line, problem: `key: is that of ${holder}; each device has its own` });
    } else if (difference === '') {
      if (!skip)
        problems.push({
          line,
          problem: `device: ${device} is enrolled already; --skip-enrolled passes over it`,
        });
    } else problems.push({ line, problem: `device: ${device} is enrolled already, ${difference}` });
  }
  return { fresh, problems };
}

/** How an enrolled device differs from the line: undefined when it is not enrolled, '' when it does not differ. */
function compareOne(
  { device: urn, patient, provider, kid, coseKey }: Enrolment,
  registry: GatewayStore['log']['registry'],
): string | undefined {
  const device = registry.device(urn);
  if (device === undefined) return undefined;
  if (device.status === 'revoked') return 'and revoked, for good';
  const row = registry.keys.of(device.id).find((key) => bytesToHex(keyId(key.key)) === kid);
  if (row === undefined || !equalBytes(encodeCoseKey(row.key), coseKey))
    return 'with another key; vitalseal device rotate gives it a new one';
  if (row.retiredAt !== undefined) return 'and this key is retired';
  if (registry.ownerById(device.owner)?.name !== patient) return 'for another patient';
  return device.provider === provider ? '' : 'for another provider';
}

/** What the command says in the end. */
class FileReport {
  readonly #name: string;
  readonly #isJson: boolean;
  readonly #io: Io;
  readonly #began: number;

  constructor(name: string, isJson: boolean, io: Io, began: number) {
    this.#name = name === '-' ? 'standard input' : name;
    this.#isJson = isJson;
    this.#io = io;
    this.#began = began;
  }

  problems(problems: readonly LineProblem[]): ExitCode {
    const sorted = problems.toSorted((a, b) => a.line - b.line);
    this.#summarise('refused', 0, 0, sorted);
    if (!this.#isJson)
      this.#io.err(`${this.#name}: nothing was enrolled; ${problems.length} line(s) are wrong`);
    this.#list(sorted);
    return EXIT.usage;
  }

  cancelled(): ExitCode {
    this.#summarise('cancelled', 0, 0, []);
    if (!this.#isJson) this.#io.err(`${this.#name}: stopped; nothing was enrolled`);
    return EXIT.no;
  }

  /** `refusals`: patients that were erased while their devices were being enrolled. */
  done(enrolled: number, skipped: number, refusals: readonly LineProblem[]): ExitCode {
    this.#summarise('done', enrolled, skipped, refusals);
    if (!this.#isJson)
      this.#io.out(
        `${this.#name}: ${enrolled} device(s) enrolled in ${this.#seconds().toFixed(1)} s${skipped === 0 ? '' : `; ${skipped} were enrolled already`}`,
      );
    this.#list(refusals);
    return refusals.length === 0 ? EXIT.ok : EXIT.no;
  }

  #summarise(outcome: string, enrolled: number, skipped: number, problems: readonly LineProblem[]): void {
    if (!this.#isJson) return;
    const summary = { outcome, enrolled, skipped, seconds: Number(this.#seconds().toFixed(3)) };
    this.#io.out(
      JSON.stringify({ ...summary, wrong: problems.length, problems: problems.slice(0, PROBLEMS_SHOWN) }),
    );
  }

  #list(problems: readonly LineProblem[]): void {
    if (this.#isJson) return;
    for (const { line, problem } of problems.slice(0, PROBLEMS_SHOWN))
      this.#io.err(`line ${line}: ${problem}`);
    const more = problems.length - PROBLEMS_SHOWN;
    if (more > 0) this.#io.err(`and ${more} more`);
  }

  #seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }
}
