/** Makes a chain of the OP Stack of an anvil with its rules: the two contracts that such a chain begins with, and prices. */
import { Interface } from 'ethers';
import { type CompiledContract, compile, readSource } from '../../../contracts/solc.ts';
import type { Scene } from './scene.ts';

const SOURCE = 'testing/OpStack.sol';
const L1_BLOCK = '0x4200000000000000000000000000000000000015';
export const GAS_PRICE_ORACLE = '0x420000000000000000000000000000000000000F';

/** What Base is charged by: each byte of data as this many millionths of a byte's gas on the chain below. */
const BASE_FEE_SCALAR = 2_269;

export class OpStack {
  readonly #scene: Scene;
  readonly #abi: Interface;

  private constructor(scene: Scene, abi: Interface) {
    this.#scene = scene;
    this.#abi = abi;
  }

  /** `scene` has been started with the network `optimism`. Data costs nothing until it has a price. */
  static async install(scene: Scene): Promise<OpStack> {
    const compiled = compile({ [SOURCE]: readSource(SOURCE) });
    const l1Block = compiled['L1Block'] as CompiledContract;
    await scene.rpc('anvil_setCode', L1_BLOCK, l1Block.deployedBytecode);
    await scene.rpc('anvil_setCode', GAS_PRICE_ORACLE, compiled['GasPriceOracle']?.deployedBytecode);
    return new OpStack(scene, new Interface(l1Block.abi));
  }

  /** Wei for each unit of gas on the chain below; anything else is as it was. */
  async setPrice(baseFee: bigint): Promise<void> {
    const data = this.#abi.encodeFunctionData('setPrices', [baseFee, BASE_FEE_SCALAR]);
    const from = this.#scene.owner.address;
    await this.#scene.rpc('eth_sendTransaction', { from, to: L1_BLOCK, data });
    await this.#scene.mine();
  }
}
