import { bytesToBase64 } from '../../src/bytes.ts';
import { encodeCoseKey } from '../../src/cose/key.ts';
import { END_REASONS } from '../../src/log-statement.ts';
import { parseCadence } from '../cadence.ts';
import {
  type Command,
  EXIT,
  type Io,
  type Option,
  optionalText,
  text,
  UsageError,
  type Values,
} from '../cli.ts';
import { parseEffectiveTime } from '../effective-time.ts';
import { readPublicKeyFile } from '../key-files.ts';
import { CONFIG_OPTION, configOf, settleRequests, withStore } from '../store-access.ts';
import { DEVICE, deviceUrn, reportOutcomes } from './device-options.ts';

const KEY: Option = {
  type: 'string',
  value: 'FILE',
  description: 'the new public key: PEM, JWK or COSE_Key',
  required: true,
};
const EFFECTIVE: Option = {
  type: 'string',
  value: 'TIME',
  description: 'from when: 2026-07-01T12:00:00Z, 24h-ago or +7d; by default now',
};
const REASON: Option = { type: 'string', value: 'WHY', description: END_REASONS.join(', ') };

/** Everything that changes an enrolled device: one request each. */
export const deviceChanges: readonly Command[] = [
  change({
    name: 'rotate',
    summary: 'Give a device a new key and retire its old one in one step',
    action: 'rotate',
    options: {
      key: KEY,
      kid: { type: 'string', value: 'HEX', description: 'the key to retire; by default all but the new one' },
      effective: EFFECTIVE,
      reason: REASON,
    },
    help: `
The new key counts at once. The old one is retired at once too, or at the time given: until then both are taken, and it needs
no further step, also over restarts. A time in the past, with a reason, says since when the old key was not good any more:
what was logged since then stays in the log, and receipts say so.`,
  }),
  change({
    name: 'add-key',
    summary: 'Give a device a further key, before retiring the old one',
    action: 'add-key',
    options: { key: KEY },
  }),
  change({
    name: 'retire',
    summary: 'Retire a device’s key, or all of them; now, from an earlier time, or at a time to come',
    action: 'retire-key',
    options: {
      kid: {
        type: 'string',
        value: 'HEX',
        description: 'key id (device show lists them); without it every key is retired',
      },
      effective: EFFECTIVE,
      reason: REASON,
      cancel: { type: 'boolean', description: 'take back a retirement that was planned for a time to come' },
    },
    help: `
A retired key signs nothing more. What it signed before stays good, unless the reason says otherwise: lost, stolen and
compromised mean that it may have been in other hands, and then only what provably existed by that time stays good.`,
  }),
  change({
    name: 'suspend',
    summary: 'Refuse a device’s statements for now',
    action: 'suspend',
    options: {},
  }),
  change({
    name: 'resume',
    summary: 'Take a suspended device’s statements again',
    action: 'resume',
    options: {},
  }),
  change({
    name: 'revoke',
    summary: 'Trust a device no more, for good',
    action: 'revoke',
    options: {
      effective: { ...EFFECTIVE, description: 'since when: 2026-07-01T12:00:00Z or 24h-ago; by default now' },
      reason: REASON,
    },
    help: `
The running gateway refuses everything of the device at once, also what is on its way. Without a reason, and with lost, stolen
or compromised, only what provably existed by the effective time stays good; with superseded or decommissioned all that was
signed before. What was logged after an effective time in the past stays in the log, and receipts say so. A device can be
revoked once more from an earlier time, or for a graver reason.`,
  }),
];

/** Changes nothing that anybody proves, so it takes another way through the options than the others. */
export const deviceCadence: Command = {
  name: 'device cadence',
  summary: 'Say how long a device may be silent before that is an alarm',
  options: {
    config: CONFIG_OPTION,
    device: { ...DEVICE, required: true },
    every: {
      type: 'string',
      value: 'SECONDS',
      description:
        'the longest silence that is in order; off: any; default: as policy.silenceAfterSeconds says',
      required: true,
    },
    json: { type: 'boolean', description: 'print JSON instead of text' },
  },
  help: `
A device of which nothing is accepted for longer is silent: a warning in the gateway's log, vitalseal_devices_silent, and
"device list --silent". Give it what the device promises and some slack: a wearable that sends every minute and may be out
of reach for an hour has a cadence of 3660. It holds from that moment on, in the running gateway too.`,
  async run(values, _positionals, io) {
    const every = parseCadence(text(values, 'every'));
    if (typeof every === 'string') throw new UsageError(`--every: ${every}`);
    const request = { action: 'cadence', device: deviceUrn(text(values, 'device')), seconds: every };
    const outcomes = await settleRequests(configOf(values, io), [request]);
    return reportOutcomes([request], outcomes, values['json'] === true, io);
  },
};

interface ChangeParts {
  readonly name: string;
  readonly summary: string;
  readonly action: string;
  readonly options: Command['options'];
  readonly help?: string;
}

function change({ name, summary, action, options, help }: ChangeParts): Command {
  return {
    name: `device ${name}`,
    summary,
    options: {
      config: CONFIG_OPTION,
      device: { ...DEVICE, required: true },
      ...options,
      json: { type: 'boolean', description: 'print JSON instead of text' },
    },
    ...(help === undefined ? {} : { help }),
    async run(values, _positionals, io) {
      const config = configOf(values, io);
      const request = requestOf(values['cancel'] === true ? 'keep-key' : action, values);
      const code = reportOutcomes(
        [request],
        await settleRequests(config, [request]),
        values['json'] === true,
        io,
      );
      if (code === EXIT.ok && values['json'] !== true && request.effective !== undefined)
        await withStore(config, async ({ log }) => sayWhatStays(request, log.registry, io));
      return code;
    },
  };
}

interface ChangeRequest {
  readonly action: string;
  readonly device: string;
  readonly kid?: string;
  readonly key?: string;
  readonly effective?: number;
  readonly reason?: string;
}

function requestOf(action: string, values: Values): ChangeRequest {
  const given = (name: string): string | undefined => optionalText(values, name);
  const [kid, key, effective, reason] = [given('kid'), given('key'), given('effective'), given('reason')];
  if (action === 'keep-key' && (effective !== undefined || reason !== undefined))
    throw new UsageError(
      '--cancel takes back a time that was given; it needs no --effective and no --reason',
    );
  if (kid !== undefined && !/^[0-9a-f]{16}$/.test(kid))
    throw new UsageError(
      `--kid: ${JSON.stringify(kid)} is no key id of 16 hex digits; device show lists them`,
    );
  if (reason !== undefined && !END_REASONS.some((name) => name === reason))
    throw new UsageError(`--reason must be one of ${END_REASONS.join(', ')}, not ${JSON.stringify(reason)}`);
  return {
    action,
    device: deviceUrn(text(values, 'device')),
    ...(kid === undefined ? {} : { kid }),
    ...(key === undefined ? {} : { key: bytesToBase64(encodeCoseKey(readPublicKeyFile(key))) }),
    ...(effective === undefined ? {} : { effective: parseEffectiveTime(effective, Date.now(), 'effective') }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** What an effective time means for what there is already: whoever gave one wants to know. */
function sayWhatStays(
  { device: urn, effective = 0 }: ChangeRequest,
  registry: Parameters<Parameters<typeof withStore>[1]>[0]['log']['registry'],
  io: Io,
): void {
  const device = registry.device(urn);
  if (device === undefined) return;
  const when = new Date(effective * 1000).toISOString();
  if (effective * 1000 > Date.now()) {
    io.out(`  at ${when}; until then the key is taken`);
    return;
  }
  const count = registry.lists.countSince(device.id, effective * 1000);
  if (count > 0)
    io.out(
      `  ${count} statement(s) of the device came after ${when} and stay in the log; their receipts say so`,
    );
}
