/** Every metric of the gateway, by name; those of anchoring are in metrics-anchoring.ts. No other file knows prom-client. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { IGNORE_CODES, REJECT_CODES } from '../../src/verdict.ts';
import type { Verdict, WitnessView } from '../ports.ts';
import { AnchoringMetrics } from './metrics-anchoring.ts';

/** Commit times worth telling apart: from an NVMe disk to an SD card that stalls. */
const COMMIT_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** What there is to count at one existing broker. */
export interface BrokerFigures {
  readonly name: string;
  readonly connected: number;
  readonly inFlight: number;
  readonly reconnects: number;
  readonly received: number;
  readonly redelivered: number;
  readonly retained: number;
  readonly badTopics: number;
  readonly failures: number;
  readonly withheld: number;
  readonly answersDropped: number;
}

export class Metrics {
  readonly registry = new Registry();
  #anchoring: AnchoringMetrics | undefined;
  readonly #verdicts = this.#counter('vitalseal_statements_total', 'Statements judged, by verdict and code', [
    'verdict',
    'code',
  ]);
  readonly #flags = this.#counter('vitalseal_statement_flags_total', 'Flags on accepted statements', [
    'flag',
  ]);
  readonly #closed = this.#counter(
    'vitalseal_connections_refused_total',
    'Connections refused or closed, by reason',
    ['reason'],
  );
  readonly #paused = this.#counter(
    'vitalseal_reads_paused_total',
    'Times that reading from connections was put off, by reason: one sends too fast, or nobody finds room',
    ['reason'],
  );
  readonly #deliveries = this.#counter('vitalseal_deliveries_total', 'Delivery attempts, by outcome', [
    'provider',
    'kind',
    'outcome',
  ]);
  readonly #commits = new Histogram({
    name: 'vitalseal_commit_seconds',
    help: 'Duration of group commits',
    buckets: COMMIT_BUCKETS_S,
    registers: [this.registry],
  });
  readonly #committed = this.#counter(
    'vitalseal_committed_pieces_total',
    'Pieces of work in group commits',
    [],
  );
  readonly #connections = this.#gauge('vitalseal_connections', 'MQTT connections', []);

  readonly #delivered = this.#counter(
    'vitalseal_delivered_entries_total',
    'Entries and proofs a provider has acknowledged',
    ['provider', 'kind'],
  );
  readonly #witnessFailures = this.#counter(
    'vitalseal_witness_failures_total',
    'Failed tries to have a checkpoint cosigned, by code',
    ['witness', 'code'],
  );
  readonly #timestampFailures = this.#counter(
    'vitalseal_timestamp_failures_total',
    'Failed tries to have a checkpoint stamped',
    [],
  );
  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'vitalseal_' });
    // Every code is a series from the start, so that an alarm on it needs no first occurrence.
    for (const code of REJECT_CODES) this.#verdicts.inc({ verdict: 'reject', code }, 0);
    for (const code of IGNORE_CODES) this.#verdicts.inc({ verdict: 'ignore', code }, 0);
    this.#verdicts.inc({ verdict: 'accept', code: '' }, 0);
  }

  /** Made when it is first asked for: without a chain there is nothing to show of one. */
  get anchoring(): AnchoringMetrics {
    this.#anchoring ??= new AnchoringMetrics(this.registry);
    return this.#anchoring;
  }

  verdict(verdict: Verdict): void {
    this.#verdicts.inc({ verdict: verdict.kind, code: verdict.kind === 'accept' ? '' : verdict.code });
    if (verdict.kind === 'accept') for (const flag of verdict.flags) this.#flags.inc({ flag });
  }

  connectionClosed(reason: string): void {
    this.#closed.inc({ reason });
  }

  readingPaused(reason: string): void {
    this.#paused.inc({ reason });
  }

  connections(count: number): void {
    this.#connections.set(count);
  }

  commit(pieces: number, seconds: number): void {
    this.#commits.observe(seconds);
    this.#committed.inc(pieces);
  }

  delivery(provider: string, kind: string, outcome: string): void {
    this.#deliveries.inc({ provider, kind, outcome });
  }

  delivered(provider: string, kind: string, entries: number): void {
    this.#delivered.inc({ provider, kind }, entries);
  }

  witnessFailure(witness: string, code: string): void {
    this.#witnessFailures.inc({ witness, code });
  }

  timestampFailure(): void {
    this.#timestampFailures.inc();
  }

  /** How far witnesses have come, read whenever metrics are asked for. */
  watchWitnesses(read: () => Promise<readonly WitnessView[]>): void {
    const watch = (name: string, help: string, value: (view: WitnessView) => number): void => {
      const gauge = this.#gauge(name, help, ['witness'], async () => {
        for (const view of await read()) gauge.set({ witness: view.name }, value(view));
      });
    };
    watch(
      'vitalseal_witness_cosigned_entries',
      'Size of the largest checkpoint that a witness has cosigned',
      ({ size }) => size,
    );
    watch(
      'vitalseal_witness_lag_entries',
      'Entries of the newest checkpoint that a witness has not cosigned',
      ({ lag }) => lag,
    );
    watch(
      'vitalseal_witness_conflict',
      '1 while a witness holds another history of this log: a fork, or a witness that fails',
      ({ isInConflict }) => (isInConflict ? 1 : 0),
    );
  }

  /** A gauge read from its source whenever metrics are asked for. */
  watch(name: string, help: string, read: () => number | Promise<number>): void {
    const gauge = this.#gauge(name, help, [], async () => gauge.set(await read()));
  }

  /** What existing brokers count, read from them whenever metrics are asked for. */
  watchBrokers(read: () => readonly BrokerFigures[]): void {
    // Registered first, so that it is asked first; it fills in the others.
    const connections = this.#gauge(
      'vitalseal_broker_connections',
      'Connections to existing brokers',
      ['broker'],
      async () => {
        reconnects.reset();
        events.reset();
        for (const broker of read()) {
          const { name } = broker;
          connections.set({ broker: name }, broker.connected);
          inFlight.set({ broker: name }, broker.inFlight);
          reconnects.inc({ broker: name }, broker.reconnects);
          events.inc({ broker: name, event: 'received' }, broker.received);
          events.inc({ broker: name, event: 'redelivered' }, broker.redelivered);
          events.inc({ broker: name, event: 'retained' }, broker.retained);
          events.inc({ broker: name, event: 'bad-topic' }, broker.badTopics);
          events.inc({ broker: name, event: 'failure' }, broker.failures);
          events.inc({ broker: name, event: 'withheld' }, broker.withheld);
          events.inc({ broker: name, event: 'answer-dropped' }, broker.answersDropped);
        }
      },
    );
    const inFlight = this.#gauge(
      'vitalseal_broker_in_flight_statements',
      'Statements of existing brokers not acknowledged to them yet',
      ['broker'],
    );
    const reconnects = this.#counter(
      'vitalseal_broker_reconnects_total',
      'Connections to existing brokers that had to be made again',
      ['broker'],
    );
    const events = this.#counter(
      'vitalseal_broker_messages_total',
      'Messages of existing brokers, by what is to be said of them; one may count under several',
      ['broker', 'event'],
    );
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #gauge(name: string, help: string, labelNames: string[], collect?: () => Promise<void>): Gauge {
    return new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      ...(collect === undefined ? {} : { collect }),
    });
  }
}
