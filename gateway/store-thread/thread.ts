/**
 * The thread of the store: the one writer of the database. A slow disk stalls this thread and nothing else: sockets, keep-alives
 * and the HTTP interface live on the main thread, which reads over a connection of its own.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { GatewayConfig } from '../config-schema.ts';
import { openStore } from '../open-store.ts';
import type { Logger } from '../ports.ts';
import { deviceWorkOf } from '../request-watch.ts';
import { foldWal } from '../store/database.ts';
import { answerCall, type CallMessage, type ReplyMessage, toPlain } from './rpc.ts';

/** What the thread tells unasked. */
export type StoreEvent =
  | { readonly event: 'ready' }
  | { readonly event: 'failed'; readonly error: ReturnType<typeof toPlain> }
  | { readonly event: 'fatal'; readonly error: ReturnType<typeof toPlain> }
  | {
      readonly event: 'gap';
      readonly device: string;
      readonly boot: number;
      readonly from: number;
      readonly to: number;
    }
  | { readonly event: 'device-changed'; readonly urn: string }
  | { readonly event: 'fleet-changed' }
  | { readonly event: 'commit'; readonly messages: number; readonly seconds: number }
  | {
      readonly event: 'log';
      readonly level: keyof Logger;
      readonly fields: object;
      readonly message: string;
    };

export type ThreadMessage = StoreEvent | ReplyMessage;

export interface StoreThreadData {
  readonly config: GatewayConfig;
  readonly now: number;
}

if (parentPort !== null) serve(parentPort, workerData as StoreThreadData);

function serve(port: NonNullable<typeof parentPort>, { config, now }: StoreThreadData): void {
  let time = now;
  const tell = (event: StoreEvent): void => port.postMessage(event);
  try {
    const store = openStore(config, { now: () => time }, remoteLogger(tell), {
      onGap: (device, gap) => tell({ event: 'gap', device, ...gap }),
      onDeviceChanged: (urn) => tell({ event: 'device-changed', urn }),
      onFleetChanged: () => tell({ event: 'fleet-changed' }),
      onCommit: (messages, seconds) => tell({ event: 'commit', messages, seconds }),
      onFatal: (error) => tell({ event: 'fatal', error: toPlain(error) }),
    });
    foldWal(store.db);
    const { writer, sealer, deviceEvents, heldBack, silentMarks } = store.log;
    const deviceWork = deviceWorkOf(deviceEvents);
    const { anchors, cosignatures, timestamps, deliveries } = store;
    const objects = {
      writer,
      sealer,
      deviceWork,
      heldBack,
      silentMarks,
      anchors,
      cosignatures,
      timestamps,
      deliveries,
      store,
    };
    port.on('message', (message: CallMessage) => {
      time = message.now;
      void answerCall(port, objects, message);
    });
    tell({ event: 'ready' });
  } catch (error) {
    tell({ event: 'failed', error: toPlain(error) });
  }
}

function remoteLogger(tell: (event: StoreEvent) => void): Logger {
  const at =
    (level: keyof Logger) =>
    (fields: object, message: string): void =>
      tell({ event: 'log', level, fields, message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
