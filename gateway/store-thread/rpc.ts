/**
 * Calls between the main thread and the thread of the store: a method of a named object, its arguments, its result. The thread
 * has no clock of its own: every call brings the time.
 */
import type { MessagePort, Transferable } from 'node:worker_threads';
import { GatewayError, type GatewayErrorCode } from '../errors.ts';
import type { Clock } from '../ports.ts';

export interface CallMessage {
  readonly call: number;
  readonly object: string;
  readonly method: string;
  readonly args: readonly unknown[];
  /** The caller's clock, milliseconds. */
  readonly now: number;
}

export interface ReplyMessage {
  readonly reply: number;
  readonly value?: unknown;
  readonly error?: PlainError;
}

/** An error as it crosses: classes do not. */
interface PlainError {
  readonly message: string;
  readonly code?: GatewayErrorCode;
  readonly fatal?: boolean;
  readonly details?: GatewayError['details'];
}

type Method = (...args: readonly unknown[]) => unknown;

/** Where messages go: a worker or a port. */
export interface Channel {
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
}

/** The calling side. */
export class Caller {
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 0;
  #broken: GatewayError | undefined;

  constructor(channel: Channel, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
  }

  /** Calls a method; rejects with what it threw. */
  call<T>(
    object: string,
    method: string,
    args: readonly unknown[],
    transfer: readonly Transferable[] = [],
  ): Promise<T> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    const answer = Promise.withResolvers<unknown>();
    const call = this.#next++;
    this.#open.set(call, answer);
    const message: CallMessage = { call, object, method, args, now: this.#clock.now() };
    try {
      this.#channel.postMessage(message, transfer);
    } catch (error) {
      this.#open.delete(call);
      answer.reject(error); // an argument that cannot cross fails its own call
    }
    return answer.promise as Promise<T>;
  }

  /** The object of this name, of which every method is a call. Only for objects whose methods all are asynchronous. */
  remote<T extends object>(object: string): T {
    return new Proxy({} as T, {
      get: (_, method) =>
        // Not a promise, whoever asks.
        method === 'then' ? undefined : (...args: unknown[]) => this.call(object, String(method), args),
    });
  }

  onReply({ reply, value, error }: ReplyMessage): void {
    const answer = this.#open.get(reply);
    this.#open.delete(reply);
    if (error === undefined) answer?.resolve(value);
    else answer?.reject(toError(error));
  }

  /** Fails every open and later call. */
  break(error: GatewayError): void {
    this.#broken = error;
    for (const { reject } of this.#open.values()) reject(error);
    this.#open.clear();
  }
}

/** Carries a call out on one of `objects` and posts what came of it. */
export async function answerCall(
  port: Pick<MessagePort, 'postMessage'>,
  objects: Readonly<Record<string, object>>,
  { call, object, method, args }: CallMessage,
): Promise<void> {
  try {
    const target = objects[object] as Record<string, Method | undefined> | undefined;
    if (target === undefined) throw new TypeError(`there is no object ${object}`);
    if (typeof target[method] !== 'function') throw new TypeError(`${object} has no method ${method}`);
    const value = await target[method](...args);
    port.postMessage({ reply: call, value } satisfies ReplyMessage);
  } catch (error) {
    port.postMessage({ reply: call, error: toPlain(error) } satisfies ReplyMessage);
  }
}

export function toPlain(error: unknown): PlainError {
  if (error instanceof GatewayError)
    return { message: error.message, code: error.code, fatal: error.fatal, details: error.details };
  return { message: error instanceof Error ? error.message : String(error) };
}

export function toError({ message, code, fatal = false, details = {} }: PlainError): Error {
  return code === undefined ? new Error(message) : new GatewayError(code, message, { fatal, details });
}
