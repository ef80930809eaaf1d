/**
 * Looks again at statements that were acknowledged and held back, once what held them back has passed: a suspended device was
 * resumed, a missing key was added. The device has forgotten them, so nobody else would bring them.
 */
import { decodeStatement } from '../../src/statement.ts';
import type { HeldBack, Intake, Logger, Registry } from '../ports.ts';

export interface SecondLookParts {
  readonly heldBack: HeldBack;
  readonly registry: Registry;
  readonly intake: Intake;
  readonly logger: Logger;
}

export class SecondLook {
  readonly #parts: SecondLookParts;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: SecondLookParts) {
    this.#parts = parts;
  }

  /** At start: whatever passed while the gateway was away, or just before it was killed. */
  async all(): Promise<void> {
    for (const device of await this.#parts.heldBack.devices()) this.at(device);
    await this.#running;
  }

  /** Called when what a device may do has changed. One device after another; failures are said and wait for the next look. */
  at(device: string): void {
    this.#running = this.#running
      .then(() => this.#look(device))
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#parts.logger.warn({ device, reason }, 'statements held back could not be looked at again');
      });
  }

  /** Waits for the look under way. */
  close(): Promise<void> {
    return this.#running;
  }

  async #look(device: string): Promise<void> {
    const { heldBack, registry, intake, logger } = this.#parts;
    const enrolled = registry.find(device);
    if (enrolled?.status !== 'active') return;
    let taken = 0;
    for (const { id, bytes, receivedAt } of await heldBack.ofDevice(device)) {
      const statement = decodeStatement(bytes);
      // Its key is still missing: nothing has passed, and to refuse it again would only count it twice.
      if (statement.kind === 'ok' && enrolled.key(statement.value.kid) === undefined) continue;
      const verdict = await intake.submit({ device, bytes, receivedAt });
      if (verdict.kind === 'reject') await heldBack.refused(id, verdict.code, verdict.detail);
      else {
        await heldBack.release(id);
        taken += 1;
      }
    }
    if (taken > 0) logger.info({ device, taken }, 'statements held back were taken in');
  }
}
