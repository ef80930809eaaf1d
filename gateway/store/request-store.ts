/** Requests to change the registry: left by anyone who has the store open, carried out by the log's writer. */
import { type Db, storeError } from './database.ts';

/** All SQL over the table of requests. */
export class RequestStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Asks for a change; the log's writer carries it out. Several requests enter together or not at all. */
  add(requests: readonly string[]): number[] {
    const insert = this.#db.prepare('INSERT INTO registry_requests (request) VALUES (?)');
    try {
      return this.#db.transaction(() =>
        requests.map((request) => Number(insert.run(request).lastInsertRowid)),
      )();
    } catch (cause) {
      throw storeError(cause, 'cannot record the request');
    }
  }

  /** Those without an outcome, the oldest first. */
  waiting(limit: number): { id: number; request: string }[] {
    const query = this.#db.prepare<[number], { id: number; request: string }>(
      'SELECT id, request FROM registry_requests WHERE outcome IS NULL ORDER BY id LIMIT ?',
    );
    return query.all(limit);
  }

  /** @param outcome '' when done; otherwise why it was refused */
  settle(id: number, outcome: string): void {
    this.#db.prepare('UPDATE registry_requests SET outcome = ? WHERE id = ?').run(outcome, id);
  }

  /** undefined while the request waits. */
  outcome(id: number): string | undefined {
    const outcome = this.#db
      .prepare<[number], string | null>('SELECT outcome FROM registry_requests WHERE id = ?')
      .pluck()
      .get(id);
    return outcome ?? undefined;
  }

  /** Grows when another connection has written: a cheap way to notice requests of the command line. */
  dataVersion(): number {
    return Number(this.#db.pragma('data_version', { simple: true }));
  }
}
