import type { GatewayConfig } from '../../gateway/config-schema.ts';
import { RegistryDirectory } from '../../gateway/log/directory.ts';
import type { GatewayStore } from '../../gateway/open-store.ts';
import type { DeviceDetails, DeviceStatus, DeviceSummary } from '../../gateway/ports.ts';
import { argument, type Command, EXIT, type Io, optionalText, UsageError, whole } from '../cli.ts';
import { CONFIG_OPTION, configOf, withStore } from '../store-access.ts';

const JSON_OPTION = { type: 'boolean', description: 'print JSON instead of text' } as const;
const PAGE = 1000;
const MOST = 1_000_000_000;
const STATUSES: readonly DeviceStatus[] = ['active', 'suspended', 'revoked'];

export const deviceList: Command = {
  name: 'device list',
  summary: 'List the enrolled devices',
  options: {
    config: CONFIG_OPTION,
    limit: { type: 'string', value: 'N', description: 'so many at most; by default all' },
    after: {
      type: 'string',
      value: 'URN',
      description: 'go on behind this device, where the page before ended',
    },
    status: { type: 'string', value: 'STATUS', description: STATUSES.join(', ') },
    silent: { type: 'boolean', description: 'only those that are silent past their cadence' },
    json: JSON_OPTION,
  },
  help: `
In the order of their URNs. Where a limit cuts the list off, the last line says how to go on.`,
  async run(values, _positionals, io) {
    const limit = values['limit'] === undefined ? MOST : whole(values, 'limit', 1, MOST);
    const after = optionalText(values, 'after') ?? '';
    const named = optionalText(values, 'status');
    const status = STATUSES.find((name) => name === named);
    if (named !== undefined && status === undefined)
      throw new UsageError(`--status must be one of ${STATUSES.join(', ')}, not ${JSON.stringify(named)}`);
    const isSilent = values['silent'] === true;
    const print = values['json'] === true ? new JsonList(io) : new TextList(io, status, isSilent);
    const config = configOf(values, io);
    const last = await withStore(config, async (store) => {
      const directory = directoryOf(config, store);
      let [left, behind] = [limit, after];
      while (left > 0) {
        const page = directory.page(Math.min(PAGE, left), behind, { status, isSilent });
        for (const device of page) print.add(device);
        left -= page.length;
        behind = page.at(-1)?.device ?? behind;
        if (page.length === 0) return undefined;
      }
      return directory.page(1, behind, { status, isSilent }).length > 0 ? behind : undefined;
    });
    print.end();
    if (last !== undefined) io.err(`there are more; go on with --after ${last}`);
    return EXIT.ok;
  },
};

export const deviceShow: Command = {
  name: 'device show',
  summary: 'Show one device: its keys, what it sent, what is missing',
  positionals: 'URN',
  options: { config: CONFIG_OPTION, json: JSON_OPTION },
  async run(values, positionals, io) {
    const urn = argument(positionals);
    const config = configOf(values, io);
    const device = await withStore(config, (store) => directoryOf(config, store).show(urn));
    if (device === undefined) {
      io.err(`${urn} is not enrolled`);
      return EXIT.no;
    }
    io.out(values['json'] === true ? JSON.stringify(device, null, 2) : describe(device));
    return EXIT.ok;
  },
};

function directoryOf(config: GatewayConfig, { log }: GatewayStore): RegistryDirectory {
  return new RegistryDirectory({ ...log, cadence: config.policy.silenceAfterSeconds, now: Date.now });
}

/** A JSON array, written as its elements come: ten thousand devices need not be held together. */
class JsonList {
  readonly #io: Io;
  #before: string | undefined;

  constructor(io: Io) {
    this.#io = io;
  }

  add(device: DeviceSummary): void {
    this.#io.out(this.#before === undefined ? '[' : `${this.#before},`);
    this.#before = `  ${JSON.stringify(device)}`;
  }

  end(): void {
    if (this.#before === undefined) this.#io.out('[]');
    else this.#io.out(`${this.#before}\n]`);
  }
}

class TextList {
  readonly #io: Io;
  readonly #status: DeviceStatus | undefined;
  readonly #isSilent: boolean;
  #count = 0;

  constructor(io: Io, status: DeviceStatus | undefined, isSilent: boolean) {
    this.#io = io;
    this.#status = status;
    this.#isSilent = isSilent;
  }

  add(device: DeviceSummary): void {
    this.#count += 1;
    this.#io.out(summaryLine(device));
  }

  end(): void {
    if (this.#count > 0) return;
    if (this.#isSilent) this.#io.out('no such device is silent past its cadence');
    else if (this.#status !== undefined) this.#io.out(`no device is ${this.#status}`);
    else this.#io.out('no device is enrolled; vitalseal device enrol enrols one');
  }
}

function summaryLine({
  device,
  status,
  patient,
  provider,
  statements,
  missing,
  lastSeen,
  silentSeconds,
}: DeviceSummary): string {
  const seen = lastSeen === null ? 'never seen' : `last seen ${iso(lastSeen)}`;
  const silent = silentSeconds === null ? '' : `  SILENT for ${duration(silentSeconds)}`;
  return `${device}  ${status}  patient ${patient}  provider ${provider}  ${statements} statements, ${missing} missing  ${seen}${silent}`;
}

/** The two greatest units: 3 d 4 h. */
function duration(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const parts: string[] = [];
  let rest = seconds;
  for (const [size, name] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${name}`);
  }
  return parts.slice(0, 2).join(' ') || '0 s';
}

function describe(device: DeviceDetails): string {
  const gaps = device.gaps.map(({ boot, from, to }) => `  missing boot ${boot} seq ${from} to ${to}`);
  return [
    summaryLine(device),
    `  enrolled ${iso(device.enrolledAt)}`,
    `  received ${device.received} messages; of ${device.expected} statements that it numbered so far, ${device.statements} are verified and in the log`,
    device.cadenceSeconds === null
      ? '  any silence is in order'
      : `  silent when nothing is accepted for ${duration(device.cadenceSeconds)}`,
    ...(device.revocation === null ? [] : [describeRevocation(device.revocation)]),
    ...device.keys.map(describeKey),
    ...gaps,
  ].join('\n');
}

function describeKey({
  kid,
  algorithm,
  addedAt,
  retiredAt,
  effectiveAt,
  reason,
}: DeviceDetails['keys'][number]): string {
  const why = reason === null ? '' : ` (${reason})`;
  const end =
    retiredAt !== null
      ? `, retired ${iso(retiredAt)}${since(effectiveAt, retiredAt)}${why}`
      : effectiveAt !== null
        ? `, to be retired ${iso(effectiveAt)}${why}`
        : '';
  return `  key ${kid} ${algorithm}, added ${iso(addedAt)}${end}`;
}

function describeRevocation({
  recordedAt,
  effectiveAt,
  reason,
  statementsSince,
}: NonNullable<DeviceDetails['revocation']>): string {
  const why = reason === null ? '' : ` (${reason})`;
  const held = statementsSince === 0 ? '' : `; ${statementsSince} statements came after that`;
  return `  revoked ${iso(recordedAt)}${since(effectiveAt, recordedAt)}${why}${held}`;
}

/** A time that took effect before it was recorded. */
function since(effectiveAt: number | null, recordedAt: number): string {
  return effectiveAt === null || effectiveAt === recordedAt ? '' : `, effective ${iso(effectiveAt)}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
