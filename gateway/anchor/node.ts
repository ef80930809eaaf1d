/** One node, asked in typed questions: what it refuses or garbles counts as no answer. */
import { AnswerError } from './answers.ts';
import { RpcClient, RpcError, type RpcOptions } from './rpc.ts';

/** Reads an unchecked answer; throws when it cannot. */
export type Reader<T> = (answer: unknown) => T;

export class ChainNode {
  readonly #rpc: RpcClient;

  constructor(options: RpcOptions | RpcClient) {
    this.#rpc = options instanceof RpcClient ? options : new RpcClient(options);
  }

  /** The same node for several questions, which have `ms` all together, from now on. Closed with this one. */
  within(ms: number): ChainNode {
    return new ChainNode(this.#rpc.within(ms));
  }

  /** The node's address without credentials. */
  get name(): string {
    return this.#rpc.name;
  }

  /** One question whose refusal means nothing but that the node is of no use now: then `chain-unreachable`. */
  async ask<T>(method: string, params: readonly unknown[], read: Reader<T>): Promise<T> {
    try {
      return await this.askOrRefuse(method, params, read);
    } catch (error) {
      throw error instanceof RpcError ? this.refused(method, error) : error;
    }
  }

  /** One question whose refusal says something: rejects with RpcError then. */
  async askOrRefuse<T>(method: string, params: readonly unknown[], read: Reader<T>): Promise<T> {
    const answer = await this.#rpc.call(method, params);
    try {
      return read(answer);
    } catch (error) {
      const reason = error instanceof AnswerError ? error.message : 'it cannot be decoded';
      throw this.unreachable(`gave an unusable answer to ${method}: ${reason}`);
    }
  }

  refused(method: string, error: RpcError): Error {
    return this.unreachable(`refused ${method}: ${error.message}`);
  }

  unreachable(what: string): Error {
    return this.#rpc.unreachable(what);
  }

  /** Rejects the questions under way and those to come. */
  close(): void {
    this.#rpc.close();
  }
}
