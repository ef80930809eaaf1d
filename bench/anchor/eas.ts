/**
 * The Ethereum Attestation Service on a node of its own, from the compiled contracts in its npm package. The package is fetched for
 * the measurement, and its digest checked, rather than kept among the dependencies: it would bring a whole development kit with it.
 */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContractFactory, type Interface, type Signer, type TransactionReceipt } from 'ethers';
import { anvilAccount, startAnvil } from '../../contracts/anvil.ts';
import { connectChain } from '../../contracts/connect.ts';

const PACKAGE = '@ethereum-attestation-service/eas-contracts@1.9.0';
const INTEGRITY =
  'sha512-L60y1fgKlY3a45xxnPlgRbiGQY8RF/lF+AzF1iVoR7/aEzitS0Nuyyjq8+IXs1sSSU0dl2+yGSmELxVeB6FelA==';
/** Time stamps in one transaction: as many as a block of 30 million gas takes, in round numbers. */
export const EAS_BATCH = 1_000;

interface Artifact {
  readonly abi: Interface;
  readonly bytecode: string;
}

export interface EasGas {
  readonly timestamp: number;
  /** Of {@link EAS_BATCH} at once. */
  readonly multiTimestamp: number;
}

export async function measureEas(): Promise<EasGas> {
  const artifacts = fetchArtifacts();
  const anvil = await startAnvil();
  const provider = await connectChain(anvil.url);
  try {
    const signer = anvilAccount(0).connect(provider);
    const registry = await deploy(artifacts.registry, signer);
    const eas = await deploy(artifacts.eas, signer, await registry.getAddress());
    const gasOf = async (method: string, data: unknown): Promise<number> => {
      const sent = (await eas.getFunction(method)(data)) as { wait(): Promise<TransactionReceipt> };
      return Number((await sent.wait()).gasUsed);
    };
    const hashes = Array.from({ length: EAS_BATCH }, () => randomBytes(32));
    return {
      timestamp: await gasOf('timestamp', randomBytes(32)),
      multiTimestamp: await gasOf('multiTimestamp', hashes),
    };
  } finally {
    provider.destroy();
    await anvil.stop();
  }
}

async function deploy({ abi, bytecode }: Artifact, signer: Signer, ...args: readonly string[]) {
  const contract = await new ContractFactory(abi, bytecode, signer).deploy(...args);
  await contract.waitForDeployment();
  return contract;
}

function fetchArtifacts(): { registry: Artifact; eas: Artifact } {
  const folder = mkdtempSync(join(tmpdir(), 'vitalseal-eas-'));
  try {
    const run = (program: string, args: readonly string[]): string =>
      execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const file = run('npm', ['pack', PACKAGE, '--silent']).trim();
    const digest = createHash('sha512')
      .update(readFileSync(join(folder, file)))
      .digest('base64');
    if (`sha512-${digest}` !== INTEGRITY)
      throw new Error(`${PACKAGE} is not the package it was: sha512-${digest}`);
    run('tar', ['xzf', file]);
    const read = (name: string): Artifact => {
      const path = join(folder, 'package', 'artifacts', 'contracts', `${name}.sol`, `${name}.json`);
      return JSON.parse(readFileSync(path, 'utf8')) as Artifact;
    };
    return { registry: read('SchemaRegistry'), eas: read('EAS') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
