/** A device that behaves, beside whatever does not: it must neither wait nor be cut off. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type MqttClient } from 'mqtt';
import { createSigner } from '../../src/signature.ts';
import { Sender } from '../support/sender.ts';
import type { FuzzFigures } from './target.ts';

const PAUSE_MS = 20;
/** An acknowledgement that takes longer is a device starved by another. Far above a commit on the slowest disk. */
const ACK_WITHIN_MS = 10_000;

export class HonestDevice {
  readonly sender = new Sender(
    'urn:dev:os:32473-honest',
    createSigner('Ed25519', new Uint8Array(32).fill(0xee)),
  );
  readonly #waits: number[] = [];
  #client: MqttClient | undefined;
  #sentAt: number | undefined;
  #closes = 0;
  #isStopping = false;
  #work: Promise<void> = Promise.resolve();

  async connect(url: string): Promise<void> {
    const client = connect(url, { protocolVersion: 4, username: this.sender.urn, clientId: 'honest' });
    client.on('error', () => undefined);
    this.#client = client;
    await new Promise<void>((resolve) => client.once('connect', () => resolve()));
    client.on('close', () => {
      if (!this.#isStopping) this.#closes += 1;
    });
    this.#work = this.#publish(client);
  }

  /** What it has to complain of; undefined when nothing. */
  trouble(): string | undefined {
    if (this.#closes > 0) return `the honest device was cut off ${this.#closes} times`;
    const waiting = this.#sentAt === undefined ? 0 : performance.now() - this.#sentAt;
    return waiting > ACK_WITHIN_MS
      ? `the honest device has waited ${Math.round(waiting)} ms for a PUBACK`
      : undefined;
  }

  /** Resolves once everything sent has been acknowledged. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#work;
    await this.leave();
  }

  /** Goes without waiting for anything. */
  async leave(): Promise<void> {
    this.#isStopping = true;
    await this.#client?.endAsync(true);
  }

  figures(): FuzzFigures {
    const waits = this.#waits.toSorted((a, b) => a - b);
    const at = (part: number): number => Math.round((waits[Math.floor(waits.length * part)] ?? 0) * 10) / 10;
    return { 'honest acknowledged': waits.length, 'honest p50 ms': at(0.5), 'honest p99 ms': at(0.99) };
  }

  async #publish(client: MqttClient): Promise<void> {
    while (!this.#isStopping) {
      const statement = this.sender.statements[await this.sender.sign()] as Uint8Array;
      this.#sentAt = performance.now();
      const payload = Buffer.from(statement);
      const isTaken = await client.publishAsync(this.sender.topic, payload, { qos: 1 }).then(
        () => true,
        () => false, // whoever told it to leave, or the close, has been counted
      );
      if (!isTaken) return;
      this.#waits.push(performance.now() - this.#sentAt);
      this.#sentAt = undefined;
      await delay(PAUSE_MS);
    }
  }
}
