/** What a check came to, as data and as text. */
import type { Checked } from './context.ts';
import type { Finding, FindingId } from './findings.ts';

/** JSON-serialisable as it stands. */
export interface FsckReport {
  readonly checked: Readonly<Checked>;
  /** Empty when everything agrees. At most twenty of each id. */
  readonly findings: readonly Finding[];
  /** How many more there are of an id than `findings` shows. */
  readonly omitted: Readonly<Partial<Record<FindingId, number>>>;
  /** Signatures were not verified. */
  readonly fast: boolean;
  /** `unreachable`: what concerns the chain is not known, or only in part. */
  readonly chain: 'checked' | 'unreachable' | 'not-configured' | 'skipped';
  /** Why the chain could not be asked. */
  readonly chainDetail?: string;
}

const CHAIN_WORDS: Readonly<Record<FsckReport['chain'], string>> = {
  checked: 'chain: compared',
  unreachable: 'chain: NOT compared',
  'not-configured': 'chain: none configured, nothing to compare with',
  skipped: 'chain: not compared, as asked',
};

/** In the order people read them; the words stand before the number, so that one is no special case. */
const COUNTED: readonly (readonly [keyof Checked, string])[] = [
  ['entries', 'entries'],
  ['signatures', 'signatures'],
  ['tiles', 'full tiles'],
  ['checkpoints', 'checkpoints'],
  ['owners', 'owner keys'],
  ['devices', 'devices'],
  ['deviceKeys', 'device keys'],
  ['sequences', 'sequences'],
  ['gaps', 'gaps'],
  ['anchors', 'anchors'],
  ['anchorsOnChain', 'anchors on the chain'],
  ['cursors', 'delivery cursors'],
  ['batches', 'delivery batches'],
  ['quarantined', 'refusals'],
];

/** The report as lines for a person, ending in a newline. Remedies stand once, with the first finding of their kind. */
export function formatReport(report: FsckReport): string {
  const lines = [`checked: ${counts(report.checked)}`];
  if (report.checked.erased > 0) lines.push(`erased: ${report.checked.erased}, checked by hash only`);
  if (report.fast) lines.push('signatures: NOT verified (fast)');
  lines.push(CHAIN_WORDS[report.chain] + (report.chainDetail === undefined ? '' : `: ${report.chainDetail}`));
  lines.push('', ...findingLines(report));
  return `${lines.join('\n')}\n`;
}

function counts(checked: Readonly<Checked>): string {
  const words = COUNTED.filter(([name]) => checked[name] > 0).map(
    ([name, word]) => `${word} ${checked[name]}`,
  );
  return words.length === 0 ? 'nothing' : words.join(', ');
}

function findingLines({ findings, omitted }: FsckReport): string[] {
  if (findings.length === 0) return ['everything agrees'];
  const groups = Map.groupBy(findings, ({ id }) => id);
  const lines: string[] = [];
  for (const [id, group] of groups) {
    lines.push(id, ...group.map(({ detail }) => `  - ${detail}`));
    const more = omitted[id];
    if (more !== undefined) lines.push(`  - and ${more} more`);
    lines.push(`  what to do: ${group[0]?.remedy ?? ''}`, '');
  }
  const total = findings.length + Object.values(omitted).reduce((sum, more) => sum + more, 0);
  lines.push(`${total} ${total === 1 ? 'finding' : 'findings'}`);
  return lines;
}
