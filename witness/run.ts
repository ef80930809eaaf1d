/** `vitalseal witness serve`: runs the server until it is told to stop, or its state fails. */
import { loadWitnessConfig, WitnessConfigError } from './config.ts';
import { openState } from './database.ts';
import { Heads } from './heads.ts';
import { witnessKey } from './keys.ts';
import { WitnessServer } from './server.ts';
import { Witness, type WitnessLogger } from './witness.ts';

/** What the command line hands over. */
export interface WitnessIo {
  readonly logger: WitnessLogger;
  readonly writeLine: (line: string) => void;
  readonly writeError: (line: string) => void;
  /** Aborted on SIGTERM or SIGINT. */
  readonly stopped: AbortSignal;
}

/**
 * Starts the witness of a configuration file, says in a line of JSON where it listens, and stops cleanly when `io.stopped` aborts.
 * @returns the exit code: 0 stopped as told, 1 could not start or go on, 2 the configuration is wrong
 */
export async function runWitness(configFile: string, io: WitnessIo): Promise<0 | 1 | 2> {
  try {
    return await serve(configFile, io);
  } catch (error) {
    io.writeError(`vitalseal witness serve: ${describe(error)}`);
    return error instanceof WitnessConfigError ? 2 : 1;
  }
}

async function serve(configFile: string, io: WitnessIo): Promise<0> {
  const config = loadWitnessConfig(configFile);
  const { name, signer, logs } = config;
  const heads = new Heads(openState(config.dataDir));
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined); // raced below; it may come while the server closes
  try {
    const witness = new Witness({
      name,
      signer,
      logs,
      heads,
      now: Date.now,
      logger: io.logger,
    });
    const server = new WitnessServer({
      ...config,
      addCheckpoint: (body) => witness.addCheckpoint(body),
      onFailure: failure.reject,
    });
    await server.listen();
    io.writeLine(
      JSON.stringify({ ready: true, http: server.port, url: server.url, key: witnessKey(name, signer) }),
    );
    try {
      await Promise.race([aborted(io.stopped), failure.promise]);
    } finally {
      await server.close();
    }
    io.logger.info({}, 'stopped');
    return 0;
  } finally {
    heads.close();
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, address, port } = error as NodeJS.ErrnoException & {
    readonly address?: string;
    readonly port?: number;
  };
  return code === 'EADDRINUSE'
    ? `port ${address}:${port} is in use; stop what holds it or set listen.port`
    : error.message;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
