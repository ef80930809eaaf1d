import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Command, EXIT, type Io, optionalText, text, UsageError, type Values } from '../cli.ts';
import { CONFIG_OPTION, configOf } from '../store-access.ts';

const TIMEOUT_MS = 10_000;
const WEI_PER_ETHER = 1e18;
const WEI_PER_GWEI = 1e9;

interface Status {
  readonly origin: string;
  readonly log: {
    readonly size: number;
    readonly checkpoint?: { readonly size: number; readonly sealedAt: number };
  };
  readonly devices: number;
  readonly silence: { readonly watched: number; readonly silent: number };
  readonly quarantine: { readonly kept: number; readonly held: number; readonly dropped: number };
  readonly witnesses: readonly WitnessStatus[];
  readonly timestamps?: TimestampStatus;
  readonly anchoring?: AnchoringStatus;
  readonly deliveries: readonly {
    provider: string;
    lagMs: number;
    deadLetters: number;
    lastError?: string;
    statements: { cursor: number };
  }[];
}

interface WitnessStatus {
  readonly name: string;
  readonly size: number;
  readonly lag: number;
  readonly isInConflict: boolean;
  readonly lastError?: { readonly message: string };
}

interface TimestampStatus {
  readonly size: number;
  readonly time?: number;
  readonly lastError?: { readonly message: string };
}

interface AnchoringStatus {
  /** 40 hex digits. */
  readonly sender: string;
  /** Wei, decimal. */
  readonly balance?: string;
  readonly anchorsLeft?: number;
  /** Wei, decimal. */
  readonly anchorCost?: string;
  readonly daysLeft?: number;
  readonly waitingFor?: {
    readonly for: 'fee' | 'stuck-at-ceiling' | 'cheaper-gas' | 'next-checkpoint';
    readonly neededWei?: string;
    readonly until?: number;
  };
  readonly recorded: number;
  readonly submitted?: number;
  readonly anchored?: number;
  readonly final: number;
  readonly gasUsed: string;
  readonly lastError?: { readonly code: string; readonly message: string };
  readonly quorum: number;
  readonly nodes: readonly NodeView[];
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

export const status: Command = {
  name: 'status',
  summary: 'Show what a running gateway is doing',
  options: {
    config: CONFIG_OPTION,
    url: {
      type: 'string',
      value: 'URL',
      description: 'HTTP interface of the gateway; by default as configured',
    },
    token: {
      type: 'string',
      value: 'FILE',
      description: 'file with a bearer token; by default admin-token beside the configuration',
    },
    json: { type: 'boolean', description: 'print JSON instead of text' },
  },
  async run(values, _positionals, io) {
    const url = optionalText(values, 'url') ?? configuredUrl(values, io);
    const tokenFile =
      optionalText(values, 'token') ?? join(dirname(resolve(text(values, 'config'))), 'admin-token');
    const answer = await ask(`${url}/v1/status`, readToken(tokenFile));
    io.out(values['json'] === true ? JSON.stringify(answer, null, 2) : describe(answer));
    return EXIT.ok;
  },
};

function configuredUrl(values: Values, io: Io): string {
  const { host, port } = configOf(values, io).http;
  return `http://${host}:${port}`;
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`--token: cannot read ${file}: ${(error as Error).message}`);
  }
}

async function ask(url: string, token: string): Promise<Status> {
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Error(
      `no gateway answers at ${url}; is vitalseal serve running, and is http.port the one it was given?`,
    );
  }
  if (!response.ok)
    throw new Error(
      `the gateway at ${url} answered ${response.status}; does the token belong to it, with the role admin or auditor?`,
    );
  return (await response.json()) as Status;
}

function describe(status: Status): string {
  const { origin, log, devices, silence, quarantine, witnesses, timestamps, anchoring, deliveries } = status;
  const sealed =
    log.checkpoint === undefined
      ? 'none sealed yet'
      : `${log.checkpoint.size}, sealed ${new Date(log.checkpoint.sealedAt).toISOString()}`;
  return [
    `log          ${origin}`,
    `entries      ${log.size}`,
    `checkpoint   ${sealed}`,
    `devices      ${devices}; ${describeSilence(silence)}`,
    `quarantine   ${quarantine.kept} kept, ${quarantine.held} of them held back until a device is resumed; ${quarantine.dropped} fell out`,
    ...(anchoring === undefined ? ['anchors      no chain is configured'] : describeAnchoring(anchoring)),
    ...witnesses.map(describeWitness),
    ...(timestamps === undefined ? [] : [describeTimestamps(timestamps)]),
    ...deliveries.map(({ provider, lagMs, deadLetters, lastError, statements }) => {
      const trouble = lastError === undefined ? '' : `; last error: ${lastError}`;
      return `provider     ${provider}: delivered up to ${statements.cursor}, ${lagMs} ms behind, ${deadLetters} dead letters${trouble}`;
    }),
  ].join('\n');
}

function describeWitness({ name, size, lag, isInConflict, lastError }: WitnessStatus): string {
  const alarm = isInConflict ? ' FORK?' : '';
  const trouble = lastError === undefined ? '' : `;${alarm} last error: ${lastError.message}`;
  return `witness      ${name}: cosigned up to ${size}, ${lag} entries behind${trouble}`;
}

function describeTimestamps({ size, time, lastError }: TimestampStatus): string {
  const newest = time === undefined ? 'none yet' : `up to ${size}, at ${new Date(time * 1000).toISOString()}`;
  return `timestamp    ${newest}${lastError === undefined ? '' : `; last error: ${lastError.message}`}`;
}

function describeSilence({ watched, silent }: Status['silence']): string {
  if (watched === 0)
    return 'nobody watches for silent ones (policy.silenceAfterSeconds, vitalseal device cadence)';
  const where = silent === 0 ? '' : ': vitalseal device list --silent';
  return `${silent} of ${watched} with a cadence are silent${where}`;
}

function describeAnchoring(status: AnchoringStatus): string[] {
  const covered = (['recorded', 'submitted', 'anchored', 'final'] as const)
    .map((state) => `${state} ${status[state] ?? '-'}`)
    .join(', ');
  const wait = status.waitingFor === undefined ? [] : [`waiting      ${describeWait(status.waitingFor)}`];
  const trouble =
    status.lastError === undefined
      ? []
      : [`chain        ${status.lastError.code}: ${status.lastError.message}`];
  return [
    `anchors      ${covered} (entries); ${status.gasUsed} gas so far`,
    ...describeAccount(status),
    ...wait,
    ...trouble,
    ...status.nodes.map((node) => `node         ${describeNode(node)}`),
    ...(status.nodes.length > 1
      ? [`             ${status.quorum} of ${status.nodes.length} must agree`]
      : []),
  ];
}

function describeAccount(status: AnchoringStatus): string[] {
  const { sender, balance, anchorsLeft, anchorCost = '0', daysLeft } = status;
  if (balance === undefined) return [];
  const left =
    anchorsLeft === undefined || daysLeft === undefined
      ? 'gas is free'
      : `about ${anchorsLeft} anchors at today’s ${Number(anchorCost) / WEI_PER_ETHER} each, ${describeDays(daysLeft)}`;
  return [`account      0x${sender} holds ${Number(balance) / WEI_PER_ETHER} ether: ${left}`];
}

function describeDays(days: number): string {
  return days < 2 ? `${(days * 24).toFixed(1)} hours` : `${Math.floor(days)} days`;
}

function describeWait({ for: what, neededWei = '0', until = 0 }: NonNullable<AnchoringStatus['waitingFor']>) {
  const price = `${Number(neededWei) / WEI_PER_GWEI} gwei`;
  switch (what) {
    case 'fee':
      return `gas costs ${price}, above chain.maxFeeGwei`;
    case 'cheaper-gas':
      return `gas costs ${price}, above chain.preferredFeeGwei; waits until ${new Date(until).toISOString()} at the latest`;
    case 'stuck-at-ceiling':
      return `the pending anchor is stuck; to replace it takes ${price}, above chain.maxFeeGwei`;
    case 'next-checkpoint':
      return 'the last attempt was reverted by the contract, or its nonce was taken; the next checkpoint is tried';
  }
}

function describeNode(node: NodeView): string {
  const { name, state, newestBlock, finalBlock, blocksBehind, disagreements, lastError, lastDisagreement } =
    node;
  const at = (ms: number): string => new Date(ms).toISOString();
  const behind = blocksBehind ? `, ${blocksBehind} behind` : '';
  return [
    `${name}: ${state}`,
    newestBlock === undefined ? 'no block seen' : `block ${newestBlock}${behind}, final ${finalBlock ?? '-'}`,
    ...(lastDisagreement === undefined
      ? []
      : [
          `disagreed ${disagreements} times, last on ${lastDisagreement.about} at ${at(lastDisagreement.at)}`,
        ]),
    ...(lastError === undefined ? [] : [`last error at ${at(lastError.at)}: ${lastError.message}`]),
  ].join('; ');
}
