/** mosquitto as Debian has it, in a directory of its own, to be stopped, killed and started again on what it has saved. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Running, startProgram } from './command.ts';
import { freePort } from './free-port.ts';
import { findProgram } from './installed.ts';
import { until } from './wait.ts';

export class Mosquitto {
  readonly directory: string;
  readonly port: number;
  readonly #isSecure: boolean;
  #running: Running | undefined;

  private constructor(directory: string, port: number, isSecure: boolean) {
    this.directory = directory;
    this.port = port;
    this.#isSecure = isSecure;
  }

  /**
   * Starts one with docs/operations.md's settings for queues.
   *
   * @param lines further lines of its configuration; with a certfile it speaks TLS
   */
  static async start(lines: readonly string[] = ['allow_anonymous true']): Promise<Mosquitto> {
    const directory = mkdtempSync(join(tmpdir(), 'vitalseal-mosquitto-'));
    chmodSync(directory, 0o755);
    const isSecure = lines.some((line) => line.startsWith('certfile '));
    const broker = new Mosquitto(directory, await freePort(), isSecure);
    const settings = [
      `listener ${broker.port} 127.0.0.1`,
      'persistence true',
      `persistence_location ${directory}/`,
      'autosave_interval 1',
      'max_queued_messages 0',
      `user ${userInfo().username}`,
      'log_type error',
      ...lines,
    ];
    writeFileSync(join(directory, 'mosquitto.conf'), `${settings.join('\n')}\n`);
    await broker.restart();
    return broker;
  }

  get url(): string {
    return `${this.#isSecure ? 'mqtts' : 'mqtt'}://127.0.0.1:${this.port}`;
  }

  /** Starts it again on the same port and what it had saved. */
  async restart(): Promise<void> {
    const program = findProgram('mosquitto') ?? '';
    const running = startProgram(program, ['-c', join(this.directory, 'mosquitto.conf')]);
    this.#running = running;
    await until('mosquitto', () => canConnect(this.port));
  }

  /** SIGKILL: everything since its last save is gone. */
  async kill(): Promise<void> {
    this.#running?.kill('SIGKILL');
    await this.#running?.exited;
  }

  /** SIGTERM: it saves first. */
  async stop(): Promise<void> {
    this.#running?.kill('SIGTERM');
    await this.#running?.exited;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
