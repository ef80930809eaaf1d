/**
 * The MQTT target: a real gateway process under generated clients, with an honest device beside them. What must not be: the
 * process ends or writes of an error, a verdict without a documented code, a PUBACK nobody asked for, a connection that stays
 * after its client has gone, memory or descriptors that grow, an honest device that waits or is cut off, a store that fsck refuses.
 */
import { readdirSync } from 'node:fs';
import { IGNORE_CODES, REJECT_CODES } from '../../src/verdict.ts';
import { endPrograms, mustRun, vitalseal } from '../support/command.ts';
import { MqttFuzzer } from '../support/mqtt-fuzz.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { Site } from '../support/site.ts';
import { FuzzDevice } from '../support/statement-fuzz.ts';
import { until } from '../support/wait.ts';
import { HonestDevice } from './honest-device.ts';
import { ENDING_LINE, INSPECTOR_ENV, INSPECTOR_LINE, Inspector } from './inspector.ts';
import { MemoryWatch } from './memory-watch.ts';
import { playStream } from './play-stream.ts';
import { type FuzzFigures, FuzzFinding, type FuzzOptions, type FuzzTarget } from './target.ts';

const DEVICES = 32;
/** Streams under way at once. */
const SIDE_BY_SIDE = 24;
const LOOK_EVERY_MS = 500;
/** Connections of this very program to the metrics endpoint, which it keeps alive. A leak has one for each of hundreds. */
const SPARE_DESCRIPTORS = 16;
const SAY_EVERY_MS = 10_000;
const DOCUMENTED = new Set<string>([...REJECT_CODES, ...IGNORE_CODES, '']);
const VERDICT = /^vitalseal_statements_total\{verdict="([^"]*)",code="([^"]*)"\} (\d+)$/gm;

export const mqttFuzz: FuzzTarget = {
  summary: 'packets and statements against a running gateway',
  async run(options) {
    const site = await Site.create();
    const honest = new HonestDevice();
    try {
      return await new MqttRun(site, honest, options).run();
    } finally {
      await honest.leave();
      await endPrograms();
      site.remove();
    }
  },
};

class MqttRun {
  readonly #site: Site;
  readonly #options: FuzzOptions;
  readonly #memory = new MemoryWatch();
  readonly #honest: HonestDevice;
  readonly #verdicts = new Map<string, number>();
  #packets = 0;
  #streams = 0;
  #answered = 0;
  #finding: FuzzFinding | undefined;
  #inspector: Inspector | undefined;
  #memoryLook: Promise<void> | undefined;
  #ended: number | string | undefined;

  constructor(site: Site, honest: HonestDevice, options: FuzzOptions) {
    this.#site = site;
    this.#honest = honest;
    this.#options = options;
  }

  async run(): Promise<FuzzFigures> {
    const devices: FuzzDevice[] = [];
    for (let number = 0; number < DEVICES; number++) {
      const random = new SeededRandom(this.#options.seed, -1 - number);
      const secret = new Uint8Array(32).fill(number + 1);
      devices.push(await FuzzDevice.create(`urn:dev:os:32473-f${number}`, secret, random));
    }
    this.#site.amend(() => ({ logLevel: 'warn' }));
    await this.#site.enrol(this.#honest.sender, ...devices);
    const gateway = await this.#site.startGateway({ env: INSPECTOR_ENV });
    void gateway.exited.then((code) => {
      this.#ended = code;
    });
    this.#inspector = await Inspector.connect(gateway.err());
    await this.#honest.connect(gateway.mqttUrl);
    const descriptors = this.#descriptors();
    await mustRun(['device', 'revoke', '--config', this.#site.config, '--device', devices[0]?.urn ?? '']);
    const started = Date.now();
    const fuzzer = new MqttFuzzer(this.#options.seed, devices);
    const port = Number(new URL(gateway.mqttUrl).port);
    const workers = Array.from({ length: SIDE_BY_SIDE }, () => this.#work(fuzzer, port));
    const watching = this.#watch(Promise.all(workers).then(() => undefined));
    await watching;
    if (this.#finding !== undefined) throw this.#finding;
    await this.#honest.stop();
    await this.#checkLeftovers(descriptors);
    await this.#stopAndCheck();
    return this.#figures((Date.now() - started) / 1000);
  }

  async #work(fuzzer: MqttFuzzer, port: number): Promise<void> {
    while (this.#finding === undefined && this.#packets < this.#options.runs) {
      const stream = fuzzer.stream(this.#streams);
      this.#streams += 1;
      this.#packets += stream.packets;
      try {
        const played = await playStream(port, stream);
        this.#answered += played.pubacks;
        if (played.wrong !== undefined)
          this.#found(`stream ${stream.number} (${stream.kind}): ${played.wrong}`);
        if (this.#memory.isDue(this.#packets, this.#options.runs)) await this.#lookAtMemory();
      } catch (error) {
        this.#found(`stream ${stream.number} (${stream.kind}): ${(error as Error).message}`);
      }
    }
  }

  /** One at a time; whoever comes meanwhile waits for the same. */
  #lookAtMemory(): Promise<void> {
    this.#memoryLook ??= (async () => {
      await this.#inspector?.collectGarbage();
      this.#memory.look(await (await this.#site.get('/metrics')).text());
    })().finally(() => {
      this.#memoryLook = undefined;
    });
    return this.#memoryLook;
  }

  /** Looks at the gateway again and again until the streams are through, and once more then. */
  async #watch(streams: Promise<void>): Promise<void> {
    let saidAt = Date.now();
    for (let isThrough = false; !isThrough && this.#finding === undefined; ) {
      const look = new Promise<false>((resolve) => setTimeout(() => resolve(false), LOOK_EVERY_MS));
      isThrough = await Promise.race([streams.then(() => true), look]);
      try {
        await this.#look();
      } catch (error) {
        this.#found(`the gateway does not answer its metrics: ${(error as Error).message}`);
      }
      if (Date.now() - saidAt < SAY_EVERY_MS) continue;
      saidAt = Date.now();
      this.#options.say(`${this.#packets} packets in ${this.#streams} streams, ${this.#memory.describe()}`);
    }
    await streams;
  }

  async #look(): Promise<void> {
    const said = this.#site.gateway.err();
    if (said.includes(ENDING_LINE)) this.#inspector?.close();
    if (this.#ended !== undefined)
      return this.#found(`the gateway ended with ${this.#ended}: ${said.slice(-2_000)}`);
    const complaint = firstComplaint(said);
    if (complaint !== undefined) this.#found(`the gateway wrote: ${complaint}`);
    const metrics = await (await this.#site.get('/metrics')).text();
    for (const [, verdict = '', code = '', count] of metrics.matchAll(VERDICT)) {
      if (!DOCUMENTED.has(code)) this.#found(`a verdict with the code ${code}, which no document has`);
      this.#verdicts.set(code === '' ? verdict : code, Number(count));
    }
    const trouble = this.#memory.trouble() ?? this.#honest.trouble();
    if (trouble !== undefined) this.#found(trouble);
  }

  #found(what: string): void {
    this.#finding ??= new FuzzFinding('mqtt', this.#options, what);
  }

  /** Open descriptors of the gateway; 0 where the system does not tell. */
  #descriptors(): number {
    try {
      return readdirSync(`/proc/${this.#site.gateway.pid}/fd`).length;
    } catch {
      return 0;
    }
  }

  /** Everybody has gone: so must what they held be. */
  async #checkLeftovers(before: number): Promise<void> {
    const gone = async (): Promise<boolean> =>
      (await this.#site.metric('vitalseal_connections')) === 0 &&
      this.#descriptors() <= before + SPARE_DESCRIPTORS;
    await until('end of every connection in the gateway', gone, 15_000).catch((error: Error) => {
      this.#found(`${error.message}: ${this.#descriptors()} descriptors, ${before} before`);
    });
    if (this.#finding !== undefined) throw this.#finding;
  }

  async #stopAndCheck(): Promise<void> {
    const { gateway, config } = this.#site;
    this.#inspector?.close(); // an open one keeps the process from ending
    gateway.kill('SIGTERM');
    const code = await gateway.exited;
    if (code !== 0) this.#found(`the gateway stopped with ${code}: ${gateway.err()}`);
    const fsck = await vitalseal(['fsck', '--config', config]);
    if (fsck.code !== 0) this.#found(`fsck ended with ${fsck.code}: ${fsck.out}${fsck.err}`);
    if (this.#finding !== undefined) throw this.#finding;
  }

  #figures(seconds: number): FuzzFigures {
    return {
      packets: this.#packets,
      streams: this.#streams,
      'PUBACKs heard': this.#answered,
      ...Object.fromEntries([...this.#verdicts].map(([code, count]) => [`verdict ${code}`, count])),
      ...this.#honest.figures(),
      ...this.#memory.figures(),
      'packets a second': Math.round(this.#packets / seconds),
      seconds: Math.round(seconds),
    };
  }
}

/** The first line that is neither about the provider, who does not run here, nor the inspector's. */
function firstComplaint(lines: string): string | undefined {
  const isExpected = (line: string): boolean =>
    line === '' || line.includes('"msg":"delivery postponed') || INSPECTOR_LINE.test(line);
  return lines.split('\n').find((line) => !isExpected(line));
}
