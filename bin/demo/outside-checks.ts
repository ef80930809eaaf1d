/** Looks from outside whether what was promised is so: the devices' own records against the log, the clinic's inbox, fsck. */
import type { Member } from '../../device-sim/index.ts';
import { loadConfig } from '../../gateway/config.ts';
import type { FsckReport } from '../../gateway/fsck/report.ts';
import {
  Inbox,
  type InboxItem,
  loadProviderConfig,
  openInboxDatabase,
  readInbox,
} from '../../provider/index.ts';
import { withStore } from '../store-access.ts';
import type { Claims } from './claims.ts';
import { acknowledgedNumbers } from './fleet.ts';
import { run } from './processes.ts';
import type { Stage } from './stage.ts';

const PAGE = 1000;

/** Every statement a device was told is safe must be in the log, once; more than once is impossible by the log's own key. */
export async function checkNothingLost(
  stage: Stage,
  members: readonly Member[],
  claims: Claims,
): Promise<void> {
  const missing: string[] = [];
  let acknowledged = 0;
  await withStore(loadConfig(stage.config, {}), async ({ log }) => {
    for (const member of members) {
      for (const { boot, seq } of await acknowledgedNumbers(member)) {
        acknowledged += 1;
        if ((await log.reader.findStatement(member.urn, boot, seq)) === undefined)
          missing.push(`${member.urn} ${boot}/${seq}`);
      }
    }
  });
  const seen =
    missing.length === 0
      ? `${acknowledged} acknowledgements in the devices' own records, all in the log`
      : `missing: ${missing.slice(0, 5).join(', ')}`;
  claims.claim('nothing acknowledged is missing', missing.length === 0 && acknowledged > 0, seen);
}

/** The clinic's reader goes through the inbox as it would: with a cursor of its own. */
export function readWholeInbox(stage: Stage): InboxItem[] {
  const db = openInboxDatabase(loadProviderConfig(stage.providerConfig).dataDir);
  try {
    const inbox = new Inbox(db);
    const items: InboxItem[] = [];
    for (let page = readInbox(inbox, { limit: PAGE }); page.length > 0; ) {
      items.push(...page);
      page = readInbox(inbox, { after: page.at(-1)?.position ?? 0, limit: PAGE });
    }
    return items;
  } finally {
    db.close();
  }
}

/** Nothing twice, nothing left out, every proof checked by the clinic itself. */
export function checkInbox(items: readonly InboxItem[], accepted: number, claims: Claims): void {
  const numbers = new Set(items.map(({ device, boot, seq }) => `${device} ${boot} ${seq}`));
  claims.claim(
    'nothing reaches the clinic twice',
    numbers.size === items.length,
    `${items.length} statements read, ${numbers.size} of them different`,
  );
  claims.claim(
    'everything accepted reached the clinic',
    items.length === accepted,
    `${accepted} in the log, ${items.length} in the inbox`,
  );
  const proven = items.filter(({ proof }) => proof === 'anchored').length;
  claims.claim(
    'the clinic verified each proof itself, down to the chain',
    proven === items.length,
    `${proven} of ${items.length} with a verified proof whose anchor it found there`,
  );
}

/** How many statements of devices the log holds. */
export async function countStatements(stage: Stage): Promise<number> {
  return withStore(loadConfig(stage.config, {}), async ({ log }) => {
    let statements = 0;
    for (
      let page = log.registry.lists.summaries(PAGE, '');
      page.length > 0;
      page = log.registry.lists.summaries(PAGE, page.at(-1)?.device ?? '')
    ) {
      statements += page.reduce((sum, { statements }) => sum + statements, 0);
    }
    return statements;
  });
}

/** The outside checker over store and chain. */
export async function checkStore(stage: Stage, when: string, claims: Claims): Promise<void> {
  const { out, err } = await run(['fsck', '--config', stage.config, '--json']);
  if (out === '') throw new Error(`vitalseal fsck said nothing: ${err}`);
  const { findings, checked, chain } = JSON.parse(out) as FsckReport;
  const seen =
    findings.length === 0
      ? `${checked.entries} entries, ${checked.signatures} signatures, ${checked.checkpoints} checkpoints, ${checked.anchorsOnChain} anchors on the chain agree`
      : findings.map(({ id, detail }) => `${id}: ${detail}`).join('; ');
  claims.claim(`fsck finds nothing wrong ${when}`, findings.length === 0 && chain === 'checked', seen);
}
