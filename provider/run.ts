/** `vitalseal provider`: runs the server until it is told to stop. */
import { loadProviderConfig, ProviderConfigError } from './config.ts';
import { type ProviderParts, startProvider } from './provider.ts';

/** Takes log lines: fields and a sentence. */
export interface ProviderLogger {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the command line hands over. */
export interface ProviderIo extends Omit<ProviderParts, 'onError'> {
  readonly logger: ProviderLogger;
  readonly writeLine: (line: string) => void;
  readonly writeError: (line: string) => void;
  /** Aborted on SIGTERM or SIGINT. */
  readonly stopped: AbortSignal;
}

/** Only anchors that are not settled yet are asked about, so a look mostly costs nothing. */
const ANCHOR_CHECK_MS = 5_000;

/**
 * Starts the provider of a configuration file, says in a line of JSON where it listens, and stops cleanly when `io.stopped` aborts.
 * @returns the exit code: 0 stopped as told, 1 could not start, 2 the configuration is wrong
 */
export async function runProvider(configFile: string, io: ProviderIo): Promise<0 | 1 | 2> {
  try {
    const config = loadProviderConfig(configFile);
    const onError = (error: unknown) => io.logger.error({}, describe(error));
    const provider = await startProvider(config, { ...io, onError });
    io.writeLine(JSON.stringify({ ready: true, http: provider.port, url: provider.url }));
    const checks = setInterval(() => void provider.checkAnchors().catch(onError), ANCHOR_CHECK_MS);
    await aborted(io.stopped);
    clearInterval(checks);
    await provider.close();
    io.logger.info({}, 'stopped');
    return 0;
  } catch (error) {
    io.writeError(`vitalseal provider serve: ${describe(error)}`);
    return error instanceof ProviderConfigError ? 2 : 1;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    const { address, port } = error as Error & { readonly address?: string; readonly port?: number };
    return `port ${address}:${port} is in use; stop what holds it or set listen.port`;
  }
  if (code === 'SQLITE_FULL')
    return 'the disk is full; deliveries are refused until there is room, none is lost';
  return error.message;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
