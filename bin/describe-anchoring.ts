/** How far the log has come on its way onto the chain, and what stands in the way, in words. */
import { showEther } from '../gateway/anchor/ether.ts';
import { isoTime } from './iso-time.ts';

const WEI_PER_GWEI = 1e9;
const STATES = ['recorded', 'submitted', 'anchored', 'final'] as const;
/** Of the newest; `--json` has more. */
const ANCHORS_TOLD = 5;
const INDENT = ' '.repeat(13);

/** Of `GET /v1/status`. Quantities of the chain are decimal text, times are ms. */
export interface AnchoringStatus extends Readonly<Record<(typeof STATES)[number], number>> {
  readonly reachedAt: Readonly<Partial<Record<(typeof STATES)[number], number>>>;
  /** 40 hex digits. */
  readonly sender: string;
  readonly lookedAt?: number;
  readonly newestBlock?: string;
  readonly newestBlockTime?: number;
  readonly newestBlockSeenAt?: number;
  readonly finalBlock?: string;
  readonly unreachableSince?: number;
  /** Wei. */
  readonly balance?: string;
  readonly anchorsLeft?: number;
  /** Wei. */
  readonly anchorCost?: string;
  readonly daysLeft?: number;
  readonly waitingFor?: {
    readonly for: 'fee' | 'stuck-at-ceiling' | 'cheaper-gas' | 'next-checkpoint' | 'block';
    readonly neededWei?: string;
    readonly until?: number;
    readonly since?: number;
  };
  readonly gasUsed: string;
  readonly lastError?: { readonly code: string; readonly message: string; readonly at: number };
  readonly quorum: number;
  readonly nodes: readonly NodeView[];
}

export interface AnchorView {
  readonly state: 'submitted' | 'anchored' | 'final' | 'lost';
  readonly setback?: 'replaced' | 'reorganised' | 'reverted' | 'other-target';
  readonly size: number;
  readonly newEntries: number;
  readonly newStatements: number;
  readonly sealedAt?: number;
  readonly submittedAt: number;
  readonly anchoredAt?: number;
  readonly finalAt?: number;
  readonly transaction: string;
  readonly block?: { readonly number: string };
  readonly gasUsed?: string;
  readonly gasPrice?: string;
  readonly cost?: string;
}

interface NodeView {
  readonly name: string;
  readonly state: string;
  readonly newestBlock?: string;
  readonly finalBlock?: string;
  readonly blocksBehind?: number;
  readonly lastError?: { readonly message: string; readonly at: number };
  readonly disagreements: number;
  readonly lastDisagreement?: { readonly about: string; readonly at: number };
}

const SETBACKS: Readonly<Record<NonNullable<AnchorView['setback']>, string>> = {
  reorganised: 'a reorganisation took its block: it is sent again, or a newer anchor covers it',
  reverted: 'the contract refused it: the next checkpoint covers it',
  replaced: 'another transaction took its place',
  'other-target': 'meant for another chain, contract or log: the next checkpoint covers it',
};

/** @param now ms, by the gateway's clock. */
export function describeAnchoring(status: AnchoringStatus, now: number): string[] {
  const { waitingFor, lastError, nodes, quorum } = status;
  return [
    ...STATES.map((state, i) => describeState(i === 0 ? 'anchors' : '', state, status)),
    ...describeChain(status, now),
    ...describeAccount(status),
    ...(waitingFor === undefined ? [] : [`waiting      ${describeWait(waitingFor)}`]),
    ...(lastError === undefined
      ? []
      : [`error        ${lastError.code} at ${isoTime(lastError.at)}: ${lastError.message}`]),
    ...nodes.map((node) => `node         ${describeNode(node)}`),
    ...(nodes.length > 1 ? [`${INDENT}${quorum} of ${nodes.length} must agree`] : []),
  ];
}

/** The newest attempts, each with what it covers, when, and at what cost. */
export function describeAnchors(anchors: readonly AnchorView[]): string[] {
  return anchors.slice(0, ANCHORS_TOLD).flatMap((anchor) => {
    const { state, setback, size, newEntries, newStatements, transaction, block, gasUsed } = anchor;
    const times = [
      ['sealed', anchor.sealedAt],
      ['submitted', anchor.submittedAt],
      ['anchored', anchor.anchoredAt],
      ['final', anchor.finalAt],
    ] as const;
    const told = times.flatMap(([name, at]) => (at === undefined ? [] : [`${name} ${isoTime(at)}`]));
    const paid = [
      ...(gasUsed === undefined ? [] : [`${gasUsed} gas`]),
      ...(anchor.gasPrice === undefined ? [] : [`at ${gwei(anchor.gasPrice)}`]),
      ...(anchor.cost === undefined ? [] : [`= ${showEther(BigInt(anchor.cost))} ether`]),
    ].join(' ');
    return [
      `anchor       ${state}, size ${size}: ${newEntries} new entries, ${newStatements} of them statements`,
      ...(setback === undefined ? [] : [`${INDENT}${SETBACKS[setback]}`]),
      `${INDENT}${told.join(', ')}`,
      `${INDENT}transaction ${transaction}${block === undefined ? '' : `, block ${block.number}`}${paid && `, ${paid}`}`,
    ];
  });
}

function describeState(title: string, state: (typeof STATES)[number], status: AnchoringStatus): string {
  const at = status.reachedAt[state];
  const gas = state === 'final' ? `; ${status.gasUsed} gas so far` : '';
  const when = at === undefined ? '' : `, since ${isoTime(at)}`;
  return `${title.padEnd(13)}${state.padEnd(9)} ${status[state]} entries${when}${gas}`;
}

function describeChain(status: AnchoringStatus, now: number): string[] {
  const { newestBlock, newestBlockTime = 0, newestBlockSeenAt = 0, finalBlock = '-' } = status;
  const { lookedAt, unreachableSince } = status;
  const silence = unreachableSince === undefined ? '' : `does not answer since ${isoTime(unreachableSince)}`;
  if (newestBlock === undefined || lookedAt === undefined)
    return [`chain        ${silence || 'not looked at yet'}`];
  const same = lookedAt - newestBlockSeenAt;
  return [
    `chain        ${silence && `${silence}; `}block ${newestBlock}, ${seconds(lookedAt - newestBlockTime)} old at the last look ${seconds(now - lookedAt)} ago${same > 0 ? ` (no newer one for ${seconds(same)})` : ''}; final ${finalBlock}`,
  ];
}

function describeAccount(status: AnchoringStatus): string[] {
  const { sender, balance, anchorsLeft, anchorCost = '0', daysLeft } = status;
  if (balance === undefined) return [];
  const left =
    anchorsLeft === undefined || daysLeft === undefined
      ? 'gas is free'
      : `about ${anchorsLeft} anchors at today’s ${showEther(BigInt(anchorCost))} each, ${describeDays(daysLeft)}`;
  return [`account      0x${sender} holds ${showEther(BigInt(balance))} ether: ${left}${asOf(status)}`];
}

/** What was seen before the chain went away is told with its time. */
function asOf({ unreachableSince, lastError, lookedAt }: AnchoringStatus): string {
  const isStale = unreachableSince !== undefined || lastError?.code === 'chain-mismatch';
  return isStale && lookedAt !== undefined ? ` (as of ${isoTime(lookedAt)})` : '';
}

function describeDays(days: number): string {
  return days < 2 ? `${(days * 24).toFixed(1)} hours` : `${Math.floor(days)} days`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

function gwei(wei: string): string {
  return `${Number(wei) / WEI_PER_GWEI} gwei`;
}

function describeWait({
  for: what,
  neededWei = '0',
  until = 0,
  since = 0,
}: NonNullable<AnchoringStatus['waitingFor']>) {
  const price = gwei(neededWei);
  switch (what) {
    case 'fee':
      return `gas costs ${price}, above chain.maxFeeGwei`;
    case 'cheaper-gas':
      return `gas costs ${price}, above chain.preferredFeeGwei; waits until ${isoTime(until)} at the latest`;
    case 'stuck-at-ceiling':
      return `the pending anchor is stuck; to replace it takes ${price}, above chain.maxFeeGwei`;
    case 'next-checkpoint':
      return 'the last attempt was reverted by the contract, or its nonce was taken; the next checkpoint is tried';
    case 'block':
      return `the chain stands still: no block since ${isoTime(since)} that the pending anchor could go into`;
  }
}

function describeNode(node: NodeView): string {
  const { name, state, newestBlock, finalBlock, blocksBehind, disagreements, lastError, lastDisagreement } =
    node;
  const behind = blocksBehind ? `, ${blocksBehind} behind` : '';
  return [
    `${name}: ${state}`,
    newestBlock === undefined ? 'no block seen' : `block ${newestBlock}${behind}, final ${finalBlock ?? '-'}`,
    ...(lastDisagreement === undefined
      ? []
      : [
          `disagreed ${disagreements} times, last on ${lastDisagreement.about} at ${isoTime(lastDisagreement.at)}`,
        ]),
    ...(lastError === undefined ? [] : [`last error at ${isoTime(lastError.at)}: ${lastError.message}`]),
  ].join('; ');
}
