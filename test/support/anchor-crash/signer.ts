/** A signer in a process of its own, as far as the gateway can tell: real HTTP, real signatures, and a memory of what it signed. */
import { Interface } from 'ethers';
import { READING_LOG_ABI } from '../../../contracts/index.ts';
import { NodeProxy, type RpcCall } from '../../../contracts/testing/node-proxy.ts';
import { OPERATOR } from './template.ts';

const ABI = new Interface(READING_LOG_ABI);

export class TestSigner {
  /** Sizes that it signed, in order. */
  readonly sizes: number[] = [];
  /** Answers with what was signed, or not. */
  answer: (raw: string) => unknown = (raw) => raw;
  #server: NodeProxy | undefined;

  static async start(): Promise<TestSigner> {
    const signer = new TestSigner();
    signer.#server = await NodeProxy.start(
      () => '',
      (call) => signer.#sign(call),
    );
    return signer;
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  async #sign({ params: [asked] }: RpcCall): Promise<unknown> {
    const { from: _, gas, ...fields } = asked as Record<string, string>;
    const raw = await OPERATOR.signTransaction({ type: 2, ...fields, gasLimit: gas ?? '0x0' });
    this.sizes.push(Number(ABI.decodeFunctionData('anchor', fields['data'] ?? '')[1]));
    return this.answer(raw);
  }
}
