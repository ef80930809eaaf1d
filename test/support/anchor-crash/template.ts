/** An installation with its log opened on a chain and its devices enrolled, made once and copied. */
import { anvilAccount, startAnvil } from '../../../contracts/index.ts';
import { CrashDevice } from '../crash/device.ts';
import { callChain, Site } from '../site.ts';
import type { LogOnChain } from './ledger.ts';

/** The account that the external signer holds. Every anvil funds it. */
export const OPERATOR = anvilAccount(3);
/** Where no signer is: each copy names its own. */
const NO_SIGNER = 'http://127.0.0.1:9';

export interface Template {
  readonly site: Site;
  readonly log: LogOnChain;
  /** The chain just after the log was opened. */
  readonly state: unknown;
}

/** The devices of every copy. Their record of what was acknowledged is kept in the copy. */
export function devicesOf(site: Site): CrashDevice[] {
  return (['Ed25519', 'ESP256'] as const).map(
    (algorithm, at) => new CrashDevice(at + 1, algorithm, site.file(`device-${at + 1}.acknowledged`)),
  );
}

export async function makeTemplate(): Promise<Template> {
  const site = await Site.create();
  const node = await startAnvil();
  try {
    await site.openLogOn(node, ['--signer', NO_SIGNER, '--operator', OPERATOR.address]);
    await site.enrol(...devicesOf(site).map(({ sender }) => sender));
    const { chain } = site.settings;
    if (chain === undefined) throw new Error('no log was opened');
    const { contract, logId } = chain;
    return {
      site,
      log: { contract, logId, operator: OPERATOR.address },
      state: await callChain(node, 'anvil_dumpState', []),
    };
  } finally {
    await node.stop();
  }
}
