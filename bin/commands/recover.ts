import { Closers } from '../../gateway/closers.ts';
import { composeIntake } from '../../gateway/compose-intake.ts';
import { loadConfig } from '../../gateway/config.ts';
import type { GatewayConfig } from '../../gateway/config-schema.ts';
import { GatewayError } from '../../gateway/errors.ts';
import { Metrics } from '../../gateway/http/metrics.ts';
import type { GatewayStore } from '../../gateway/open-store.ts';
import type { Intake } from '../../gateway/ports.ts';
import { takeWriterLock } from '../../gateway/store/writer-lock.ts';
import { type Command, EXIT, type Io, text } from '../cli.ts';
import { CONFIG_OPTION, configOf, SILENT_LOGGER, withStore } from '../store-access.ts';

/** Statements that are under way together: enough to fill a commit. */
const AT_ONCE = 256;
/** Refusals told one by one. */
const REFUSALS_SHOWN = 100;

interface Kept {
  readonly what: string;
  readonly device: string;
  /** Absent once the patient's key has been erased. */
  readonly bytes: Uint8Array | undefined;
}

export const recover: Command = {
  name: 'recover',
  summary: 'Take the statements that lie in another store into this one: after a fork, or for a new log',
  options: {
    config: CONFIG_OPTION,
    from: {
      type: 'string',
      value: 'FILE',
      description: 'configuration of the gateway whose store they lie in, with its keys',
      required: true,
    },
  },
  help: `
Neither gateway may be running. Each statement is checked as if its device sent it now, so the devices must be enrolled here; what
is held already is passed over, and to repeat the command does no harm. What the other store held back of suspended devices is
taken as well; what it had refused, and what was erased, is not. Exit code 1 when a statement was not taken; each is named, up to
the hundredth.`,
  async run(values, _positionals, io) {
    const config = configOf(values, io);
    const other = loadConfig(text(values, 'from'), {});
    if (other.dataDir === config.dataDir)
      throw new GatewayError('config-invalid', `--from names the same data directory, ${config.dataDir}`);
    const tally = new Tally(io);
    await withLock(config, () =>
      withLock(other, () =>
        withStore(other, (store) =>
          withIntake(config, async (intake) => {
            for await (const batch of batches(store)) await take(batch, intake, tally);
          }),
        ),
      ),
    );
    io.out(tally.summary());
    return tally.refused === 0 ? EXIT.ok : EXIT.no;
  },
};

async function take(batch: readonly Kept[], intake: Intake, tally: Tally): Promise<void> {
  const receivedAt = Date.now();
  await Promise.all(
    batch.map(async ({ what, device, bytes }) => {
      if (bytes === undefined) return tally.refuse(what, 'erased');
      const verdict = await intake.submit({ device, bytes, receivedAt });
      if (verdict.kind === 'accept') tally.taken += 1;
      else if (verdict.kind === 'ignore') tally.held += 1;
      else tally.refuse(what, `${verdict.code}: ${verdict.detail}`);
    }),
  );
}

class Tally {
  taken = 0;
  held = 0;
  refused = 0;
  readonly #io: Io;

  constructor(io: Io) {
    this.#io = io;
  }

  refuse(what: string, why: string): void {
    this.refused += 1;
    if (this.refused <= REFUSALS_SHOWN) this.#io.err(`not taken: ${what}: ${why}`);
    if (this.refused === REFUSALS_SHOWN + 1) this.#io.err('not taken: more');
  }

  summary(): string {
    return `${this.taken} statements taken, ${this.held} held already, ${this.refused} not taken`;
  }
}

/** The statements of the log, then what was held back, in the order they came. */
async function* batches({ log }: GatewayStore): AsyncGenerator<readonly Kept[]> {
  const size = await log.reader.size();
  for (let from = 0; from < size; from += AT_ONCE) {
    const batch: Kept[] = [];
    for (let index = from; index < Math.min(from + AT_ONCE, size); index++) {
      const { kind, device, bytes } = (await log.reader.entry(index)) ?? {};
      if (kind === 'statement' && device !== undefined)
        batch.push({ what: `entry ${index} of ${device}`, device, bytes });
    }
    yield batch;
  }
  for (const device of await log.heldBack.devices()) {
    const held = await log.heldBack.ofDevice(device);
    yield held.map(({ bytes }) => ({ what: `one held back of ${device}`, device, bytes }));
  }
}

/** The gateway's own way from a message to its verdict, without anything that a message could come through. */
async function withIntake(config: GatewayConfig, use: (intake: Intake) => Promise<void>): Promise<void> {
  const closers = new Closers(SILENT_LOGGER);
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined); // raced below
  const parts = { clock: { now: Date.now }, logger: SILENT_LOGGER, metrics: new Metrics(), closers };
  try {
    const { intake } = await composeIntake(config, { ...parts, onFatal: failure.reject });
    await Promise.race([use(intake), failure.promise]);
  } finally {
    await closers.close();
  }
}

async function withLock<T>({ dataDir }: GatewayConfig, use: () => Promise<T>): Promise<T> {
  const lock = takeWriterLock(dataDir);
  if (lock === undefined)
    throw new GatewayError('data-directory-in-use', `a gateway writes to ${dataDir}; stop it first`);
  try {
    return await use();
  } finally {
    lock.release();
  }
}
