/** The gateway under measurement: `vitalseal serve` as a process of its own, on a configuration and a disk as a user has them. */
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { encodeCoseKey } from '../../src/cose/key.ts';
import { mustRun, type Running, startProgram, VITALSEAL } from '../../test/support/command.ts';
import { freePort } from '../../test/support/free-port.ts';
import { until } from '../../test/support/wait.ts';
import { fleetKeys } from '../load/load.ts';
import type { Fleet } from '../load/messages.ts';
import { type CpuTime, cpuTime, residentMegabytes } from './proc.ts';

const PROVIDER = 'clinic';
const ACCEPTED = 'vitalseal_statements_total{verdict="accept",code=""}';
/** Magic numbers of statfs(2): file systems on which fsync does nothing. */
const MEMORY_FILE_SYSTEMS = [0x01021994, 0x858458f6];

/** Enrolments in one file. */
const ENROLLED_AT_ONCE = 50_000;

export interface BenchGatewayOptions {
  /** Fields put over the configuration that `vitalseal init` wrote. */
  readonly config?: object;
  /** Where Node puts a CPU profile of each of the gateway's threads when it ends. */
  readonly cpuProf?: string | undefined;
}

interface Serving extends Running {
  readonly mqtt: number;
  readonly http: number;
}

export class BenchGateway {
  readonly #directory: string;
  readonly #options: BenchGatewayOptions;
  readonly #remove = (): void => rmSync(this.#directory, { recursive: true, force: true });
  #program: Serving | undefined;

  private constructor(directory: string, options: BenchGatewayOptions) {
    this.#directory = directory;
    this.#options = options;
    process.once('exit', this.#remove);
  }

  /** Sets a gateway up in a new directory, by the commands people use. Its provider is away: deliveries wait. */
  static async create(options: BenchGatewayOptions = {}): Promise<BenchGateway> {
    const directory = mkdtempSync(join(tmpdir(), 'vitalseal-bench-'));
    const gateway = new BenchGateway(directory, options);
    if (MEMORY_FILE_SYSTEMS.includes(statfsSync(directory).type))
      throw new Error(
        `${directory} lies in memory, where nothing is ever synced; set TMPDIR to a place on a disk`,
      );
    await mustRun(['init', join(directory, 'gateway'), '--origin', 'bench.example/log']);
    const provider = await mustRun([
      ...['provider', 'init', join(directory, 'provider'), '--id', PROVIDER],
      ...['--gateway', join(directory, 'gateway', 'gateway-public.json'), '--port', String(await freePort())],
    ]);
    const written = JSON.parse(readFileSync(gateway.#config, 'utf8')) as object;
    const [mqtt, http] = [{ port: 0, maxConnections: 20_000 }, { port: 0 }];
    const config = { ...written, mqtt, http, providers: [JSON.parse(provider) as object], ...options.config };
    writeFileSync(gateway.#config, JSON.stringify(config, null, 2));
    return gateway;
  }

  get #config(): string {
    return join(this.#directory, 'gateway', 'vitalseal.json');
  }

  /** Enrols a fleet from files of JSON lines, as a clinic does. */
  async enrol(fleet: Fleet): Promise<void> {
    for (let first = fleet.first; first < fleet.first + fleet.count; first += ENROLLED_AT_ONCE) {
      const count = Math.min(ENROLLED_AT_ONCE, fleet.first + fleet.count - first);
      await this.#enrolFile({ ...fleet, first, count });
    }
  }

  async #enrolFile(fleet: Fleet): Promise<void> {
    const lines = fleetKeys(fleet).map(({ urn, key }, at) =>
      JSON.stringify({
        device: urn,
        patient: `patient-${fleet.algorithm}-${fleet.first + at}`,
        provider: PROVIDER,
        key: Buffer.from(encodeCoseKey(key)).toString('base64'),
      }),
    );
    const file = join(this.#directory, 'fleet.jsonl');
    writeFileSync(file, lines.join('\n'));
    await mustRun(['device', 'enrol', '--config', this.#config, '--from', file]);
  }

  async start(): Promise<void> {
    const { cpuProf } = this.#options;
    const flags = cpuProf === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', cpuProf];
    const program = startProgram(process.execPath, [...flags, VITALSEAL, 'serve', '--config', this.#config]);
    let ended: number | string | undefined;
    void program.exited.then((code) => {
      ended = code;
    });
    const line = await until('line from the gateway', () => {
      if (ended !== undefined) throw new Error(`the gateway ended with ${ended}: ${program.err()}`);
      const [first, more] = program.out().split('\n', 2);
      return more === undefined ? undefined : first;
    });
    this.#program = { ...program, ...(JSON.parse(line) as { mqtt: number; http: number }) };
  }

  get #running(): Serving {
    if (this.#program === undefined) throw new Error('the gateway was never started');
    return this.#program;
  }

  get mqttPort(): number {
    return this.#running.mqtt;
  }

  get pid(): number {
    return this.#running.pid;
  }

  cpu(): CpuTime {
    return cpuTime(this.#running.pid);
  }

  residentMegabytes(): number {
    return residentMegabytes(this.#running.pid);
  }

  /** Statements accepted since the start, by the gateway's own metrics. */
  async accepted(): Promise<number> {
    const token = readFileSync(join(this.#directory, 'gateway', 'admin-token'), 'utf8').trim();
    const response = await fetch(`http://127.0.0.1:${this.#running.http}/metrics`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const line = (await response.text()).split('\n').find((line) => line.startsWith(ACCEPTED));
    if (line === undefined) throw new Error(`/metrics has no ${ACCEPTED}`);
    return Number(line.slice(ACCEPTED.length));
  }

  /** Stops it as an operator does, and removes what it kept. */
  async end(): Promise<void> {
    try {
      if (this.#program === undefined) return;
      this.#program.kill('SIGTERM');
      const code = await this.#program.exited;
      if (code !== 0) throw new Error(`the gateway ended with ${code}: ${this.#program.err()}`);
    } finally {
      process.off('exit', this.#remove);
      this.#remove();
    }
  }
}
