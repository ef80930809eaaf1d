/**
 * Measures what the contract costs on a real node, and beside it what time-stamping readings in the Ethereum Attestation Service does. `node contracts/gas.ts` prints the table, `--write` also keeps it in
 * contracts/gas-snapshot.json, which gas.slow.test.ts holds equal to a new measurement.
 *
 * Figures are a transaction's `gasUsed`: base fee and calldata included, as a payer sees them on Ethereum and, apart
 * from their surcharge for publishing calldata, on layer 2. The trees have equal leaves, so that sizes of any length
 * cost nothing to build: an anchor's gas depends on sizes and on the number of zero bytes in hashes, not on what is hashed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Contract, type HDNodeWallet, keccak256, toUtf8Bytes } from 'ethers';
import { hashLeaf, hashNode } from '../src/merkle/hash.ts';
import { proveConsistency } from '../src/merkle/proof.ts';
import { rangeRoot } from '../src/merkle/shape.ts';
import { uniformNodes } from '../src/merkle/testing/tree.ts';
import { anvilAccount, startAnvil } from './anvil.ts';
import { connectChain } from './connect.ts';
import { deployReadingLog, openLog } from './deploy.ts';
import { READING_LOG_ABI } from './generated/reading-log.ts';
import { measureEas } from './testing/eas.ts';
import { worstFrom } from './testing/worst-case.ts';

/** Where the committed figures lie. */
export const SNAPSHOT_FILE = join(import.meta.dirname, 'gas-snapshot.json');

/** One measured transaction. */
export interface GasRow {
  readonly name: string;
  /** Hashes in the consistency proof; absent for what has none. */
  readonly proofHashes?: number;
  /** How many readings it is for; absent for what is for none. */
  readonly readings?: number;
  readonly gas: number;
}

interface Growth {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

const MILLION = 1_000_000;

/** What an operator pays for, from the smallest to the worst that a log of a size can ask for. */
function growths(): Growth[] {
  return [
    { name: 'a thousand leaves, grown by 100', from: 900, to: 1_000 },
    { name: 'a million leaves, grown by 1', from: MILLION - 1, to: MILLION },
    { name: 'a million leaves, grown by 10,000', from: MILLION - 10_000, to: MILLION },
    { name: 'a million leaves, worst case', from: worstFrom(MILLION), to: MILLION },
    { name: 'ten million leaves, grown by 10,000', from: 10 * MILLION - 10_000, to: 10 * MILLION },
    { name: 'ten million leaves, worst case', from: worstFrom(10 * MILLION), to: 10 * MILLION },
  ];
}

const ONE_DIGIT = { maximumFractionDigits: 1 } as const;
const LEAF = hashLeaf(new Uint8Array(32));
const read = uniformNodes(LEAF);
const rootOf = (size: number): Uint8Array => rangeRoot(read, 0, size, hashNode);

/** Measures every row on an anvil of its own. Same code, same compiler, same figures. */
export async function measureGas(): Promise<GasRow[]> {
  const anvil = await startAnvil();
  const provider = await connectChain(anvil.url);
  try {
    const signer = anvilAccount(0).connect(provider);
    const deployed = await deployReadingLog(signer);
    const rows: GasRow[] = [{ name: 'deploying the contract', gas: Number(deployed.gasUsed) }];
    for (const growth of growths()) rows.push(...(await measureGrowth(signer, deployed.address, growth)));
    rows.push(...(await measureEas(signer)));
    // Opening and the first anchor cost the same for every growth but for zero bytes: kept once.
    return rows.filter((row, index) => rows.findIndex((other) => other.name === row.name) === index);
  } finally {
    provider.destroy();
    await anvil.stop();
  }
}

async function measureGrowth(signer: HDNodeWallet, address: string, growth: Growth): Promise<GasRow[]> {
  const terms = { operator: signer.address, logKeyHash: keccak256(toUtf8Bytes(growth.name)) };
  const opened = await openLog(signer, address, terms);
  const anchor = new Contract(address, READING_LOG_ABI, signer).getFunction('anchor');
  const send = async (size: number, proof: readonly Uint8Array[]): Promise<number> => {
    const transaction = await anchor.send(opened.logId, size, rootOf(size), proof);
    return Number((await transaction.wait())?.gasUsed);
  };
  const proof = proveConsistency(read, growth.from, growth.to);
  return [
    { name: 'opening a log', gas: Number(opened.gasUsed) },
    { name: 'first anchor', proofHashes: 0, gas: await send(growth.from, []) },
    {
      name: growth.name,
      proofHashes: proof.length,
      readings: growth.to - growth.from,
      gas: await send(growth.to, proof),
    },
  ];
}

/** The committed figures. */
export function readSnapshot(): readonly GasRow[] {
  return JSON.parse(readFileSync(SNAPSHOT_FILE, 'utf8')) as readonly GasRow[];
}

/** The figures as the Markdown table that README.md shows. */
export function renderTable(rows: readonly GasRow[]): string {
  const lines = rows.map(({ name, proofHashes, readings, gas }) => {
    const each = readings === undefined ? '' : (gas / readings).toLocaleString('en-US', ONE_DIGIT);
    return `| ${name} | ${proofHashes ?? ''} | ${gas.toLocaleString('en-US')} | ${each} |`;
  });
  return [
    '| transaction | proof hashes | gas | gas a reading |',
    '| --- | ---: | ---: | ---: |',
    ...lines,
  ].join('\n');
}

if (import.meta.main) {
  const rows = await measureGas();
  if (process.argv.includes('--write'))
    writeFileSync(SNAPSHOT_FILE, `${JSON.stringify(rows, undefined, 2)}\n`);
  process.stdout.write(`${renderTable(rows)}\n`);
}
