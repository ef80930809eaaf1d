/** The main thread's side of the store: calls to its thread for whatever writes, a connection of its own for whatever reads. */
import { Worker } from 'node:worker_threads';
import type { CheckedData, VerdictData } from '../checked-batch.ts';
import type { GatewayConfig } from '../config-schema.ts';
import { GatewayError } from '../errors.ts';
import { openLogReader, type ReadableLog } from '../log/open-reader.ts';
import { databaseFile, type StoreEvents } from '../open-store.ts';
import type {
  AnchorStore,
  Clock,
  CosignatureStore,
  DeliveryStore,
  HeldBack,
  Logger,
  LogWriter,
  Sealer,
  SilentMarks,
  TimestampStore,
} from '../ports.ts';
import type { DeviceWork } from '../request-watch.ts';
import { readSecret } from '../secrets.ts';
import { openReader } from '../store/database.ts';
import { Caller, toError } from './rpc.ts';
import { splitAnchors, splitCosignatures, splitDeliveries, splitTimestamps } from './split-stores.ts';
import type { StoreEvent, StoreThreadData, ThreadMessage } from './thread.ts';

/** The store as the rest of the gateway sees it. */
export interface ConnectedStore {
  readonly log: ReadableLog & {
    readonly writer: LogWriter;
    readonly sealer: Sealer;
    readonly deviceWork: DeviceWork;
    readonly heldBack: HeldBack;
    readonly silentMarks: SilentMarks;
  };
  readonly anchors: AnchorStore;
  readonly cosignatures: CosignatureStore;
  readonly timestamps: TimestampStore;
  readonly deliveries: DeliveryStore;
  /** Commits what waits, closes the database and ends the thread. */
  close(): Promise<void>;
}

/** Starts the thread. Throws what opening the store threw. */
export async function connectStore(
  config: GatewayConfig,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  events: StoreEvents,
): Promise<ConnectedStore> {
  const data: StoreThreadData = { config, now: clock.now() };
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: data, name: 'store' });
  const caller = new Caller(worker, clock);
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  let announce: () => void = () => undefined;
  let isClosing = false;
  const opened = Promise.withResolvers<void>();
  const fail = (error: GatewayError): void => {
    caller.break(error);
    opened.reject(error);
    if (!isClosing) events.onFatal(error);
  };
  worker.on('error', (cause) => fail(threadEnded(cause)));
  worker.on('exit', () => fail(threadEnded()));
  worker.on('message', (message: ThreadMessage) => {
    if ('reply' in message) caller.onReply(message);
    else if (message.event === 'ready') opened.resolve();
    else if (message.event === 'failed') opened.reject(toError(message.error));
    else hear(message);
  });
  const hear = (message: Exclude<StoreEvent, { event: 'ready' | 'failed' }>): void => {
    switch (message.event) {
      case 'fatal':
        events.onFatal(toError(message.error) as GatewayError);
        break;
      case 'gap':
        events.onGap(message.device, message);
        break;
      case 'device-changed':
        events.onDeviceChanged(message.urn);
        break;
      case 'fleet-changed':
        events.onFleetChanged();
        break;
      case 'commit':
        events.onCommit(message.messages, message.seconds);
        announce();
        break;
      case 'log':
        logger[message.level](message.fields, message.message);
    }
  };
  const end = async (): Promise<void> => {
    isClosing = true;
    await worker.terminate();
    await exited;
  };
  try {
    await opened.promise;
    const db = openReader(databaseFile(config));
    const readable = openLogReader(db, readSecret(config.keys.masterKeyFile, 'keys.masterKeyFile'));
    announce = () => readable.reader.announce();
    return {
      log: {
        ...readable,
        writer: { commit: (batch) => commit(caller, batch) },
        sealer: caller.remote<Sealer>('sealer'),
        deviceWork: caller.remote<DeviceWork>('deviceWork'),
        heldBack: caller.remote<HeldBack>('heldBack'),
        silentMarks: caller.remote<SilentMarks>('silentMarks'),
      },
      anchors: splitAnchors(db, caller.remote<AnchorStore>('anchors')),
      cosignatures: splitCosignatures(db, caller.remote<CosignatureStore>('cosignatures')),
      timestamps: splitTimestamps(db, caller.remote<TimestampStore>('timestamps')),
      deliveries: splitDeliveries(db, caller.remote<DeliveryStore>('deliveries')),
      close: async () => {
        isClosing = true;
        db.close();
        await caller.call('store', 'close', []);
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The statements move over; the numbers are copied, because who waits for the verdicts reads them again. */
function commit(caller: Caller, batch: CheckedData): Promise<VerdictData> {
  return caller.call('writer', 'commit', [batch], [batch.bytes.buffer, batch.hashes.buffer]);
}

function threadEnded(cause?: unknown): GatewayError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new GatewayError(
    'store-unavailable',
    `the thread of the store has ended${why}; restart the gateway`,
    {
      cause,
      fatal: true,
    },
  );
}
