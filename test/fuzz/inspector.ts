/**
 * Asks a running Node process to collect its garbage, through the inspector it was started with. Without that, memory in use says
 * when the collector last ran, not what is held.
 */

/** For the environment of the process: an inspector on a free port of the loopback interface. */
export const INSPECTOR_ENV = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** Lines that the inspector writes to standard error. */
export const INSPECTOR_LINE = /^(Debugger |For help, see: |Waiting for the debugger )/;

/** Written by a process that is about to end, and does so only when its inspector is left. */
export const ENDING_LINE = 'Waiting for the debugger to disconnect';

const LISTENING = /^Debugger listening on (ws:\S+)$/m;
const ANSWER_WITHIN_MS = 30_000;

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, () => void>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id } = JSON.parse(String(data)) as { id?: number };
      this.#waiting.get(id ?? 0)?.();
    });
  }

  /** @param stderr what the process has written so far: its inspector says there where it listens */
  static async connect(stderr: string): Promise<Inspector> {
    const [, url] = LISTENING.exec(stderr) ?? [];
    if (url === undefined) throw new Error('the process has no inspector');
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true });
      socket.addEventListener('error', () => reject(new Error(`no inspector at ${url}`)), { once: true });
    });
    return new Inspector(socket);
  }

  /** Resolves once the main thread of the process has collected its garbage. */
  async collectGarbage(): Promise<void> {
    const id = ++this.#last;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the inspector does not answer')), ANSWER_WITHIN_MS);
      this.#waiting.set(id, () => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve();
      });
      this.#socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
    });
  }

  close(): void {
    this.#socket.close();
  }
}
