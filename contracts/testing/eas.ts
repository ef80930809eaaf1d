/** What time-stamping readings in the Ethereum Attestation Service costs, on a node, with the code that its npm package has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AbiCoder, Contract, ContractFactory, concat, type Signer, sha256, toBeHex } from 'ethers';
import type { GasRow } from '../gas.ts';

/** Time stamps in one transaction. A thousand take more than the 2^24 gas that a transaction may use since EIP-7825. */
const BATCH = 500;
const ABI = [
  'function timestamp(bytes32) returns (uint64)',
  'function multiTimestamp(bytes32[]) returns (uint64)',
];

interface EasCode {
  readonly schemaRegistry: string;
  readonly eas: string;
}

/** Measures one reading alone and {@link BATCH} at once. */
export async function measureEas(signer: Signer): Promise<GasRow[]> {
  const code: EasCode = JSON.parse(readFileSync(join(import.meta.dirname, 'eas-code.json'), 'utf8'));
  const registry = await deploy(signer, code.schemaRegistry);
  const eas = new Contract(await deploy(signer, concat([code.eas, encodeAddress(registry)])), ABI, signer);
  const gasOf = async (method: string, data: unknown): Promise<number> => {
    const transaction = await eas.getFunction(method).send(data);
    return Number((await transaction.wait())?.gasUsed);
  };
  // What a reading's statement would be stamped by: its hash.
  const [first, ...others] = Array.from({ length: BATCH + 1 }, (_, number) => sha256(toBeHex(number, 32)));
  return [
    { name: 'EAS 1.9.0: timestamp', readings: 1, gas: await gasOf('timestamp', first) },
    { name: 'EAS 1.9.0: multiTimestamp', readings: BATCH, gas: await gasOf('multiTimestamp', others) },
  ];
}

async function deploy(signer: Signer, code: string): Promise<string> {
  const contract = await new ContractFactory([], code, signer).deploy();
  await contract.waitForDeployment();
  return contract.getAddress();
}

function encodeAddress(address: string): string {
  return AbiCoder.defaultAbiCoder().encode(['address'], [address]);
}
