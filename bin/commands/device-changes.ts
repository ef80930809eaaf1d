import { readFileSync } from 'node:fs';
import { bytesToBase64 } from '../../src/bytes.ts';
import { encodeCoseKey } from '../../src/cose/key.ts';
import { isDeviceUrn } from '../../src/statement.ts';
import {
  type Command,
  EXIT,
  type ExitCode,
  type Io,
  optionalText,
  text,
  UsageError,
  type Values,
} from '../cli.ts';
import { parseText, readPublicKeyFile } from '../key-files.ts';
import { CONFIG_OPTION, configOf, settleRequests } from '../store-access.ts';

const DEVICE = {
  type: 'string',
  value: 'URN',
  description: 'the device (urn:dev:mac:..., RFC 9039)',
} as const;
const PATIENT = {
  type: 'string',
  value: 'NAME',
  description: 'pseudonym of the patient who wears it',
} as const;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;

interface Enrolment {
  readonly action: 'enrol';
  readonly device: string;
  readonly patient: string;
  readonly provider: string;
  /** COSE_Key, base64. */
  readonly key: string;
}

export const deviceEnrol: Command = {
  name: 'device enrol',
  summary: 'Enrol one device, or a file of them',
  options: {
    config: CONFIG_OPTION,
    device: DEVICE,
    patient: PATIENT,
    provider: {
      type: 'string',
      value: 'ID',
      description: 'provider that receives its readings, as in the configuration',
    },
    key: { type: 'string', value: 'FILE', description: 'its public key: PEM, JWK or COSE_Key' },
    from: {
      type: 'string',
      value: 'FILE',
      description: 'JSON lines {"device","patient","provider","key"}, key as COSE_Key in base64',
    },
  },
  help: `
The enrolment becomes a statement in the log; the device may send from then on. With --from every line is checked before
anything is asked for: one wrong line and nothing is enrolled. Works beside a running gateway and without one.`,
  async run(values, _positionals, io) {
    const config = configOf(values, io);
    const from = optionalText(values, 'from');
    const enrolments = from === undefined ? [oneEnrolment(values)] : readEnrolments(from);
    const known = new Set(config.providers.map(({ id }) => id));
    for (const { device, provider } of enrolments) {
      if (!known.has(provider))
        throw new UsageError(
          `${device}: there is no provider ${JSON.stringify(provider)} in the configuration`,
        );
    }
    return report(enrolments, await settleRequests(config, enrolments), io);
  },
};

/** retire, revoke, suspend, resume, add-key: one request each. */
export const deviceChanges: readonly Command[] = [
  change('retire', 'Retire a device’s key, or all of them', 'retire-key', {
    kid: {
      type: 'string',
      value: 'HEX',
      description: 'key id (device show lists them); without it every key is retired',
    },
  }),
  change('add-key', 'Give a device a further key, before retiring the old one', 'add-key', {
    key: {
      type: 'string',
      value: 'FILE',
      description: 'the public key: PEM, JWK or COSE_Key',
      required: true,
    },
  }),
  change('suspend', 'Refuse a device’s statements for now', 'suspend', {}),
  change('resume', 'Take a suspended device’s statements again', 'resume', {}),
  change('revoke', 'Trust a device no more, for good', 'revoke', {}),
];

function change(name: string, summary: string, action: string, options: Command['options']): Command {
  return {
    name: `device ${name}`,
    summary,
    options: { config: CONFIG_OPTION, device: { ...DEVICE, required: true }, ...options },
    async run(values, _positionals, io) {
      const config = configOf(values, io);
      const kid = optionalText(values, 'kid');
      const key = optionalText(values, 'key');
      const request = {
        action,
        device: urn(text(values, 'device')),
        ...(kid === undefined ? {} : { kid }),
        ...(key === undefined ? {} : { key: bytesToBase64(encodeCoseKey(readPublicKeyFile(key))) }),
      };
      return report([request], await settleRequests(config, [request]), io);
    },
  };
}

function report(
  requests: readonly { action: string; device: string }[],
  outcomes: readonly string[],
  io: Io,
): ExitCode {
  let refused = 0;
  for (const [at, { action, device }] of requests.entries()) {
    const outcome = outcomes[at] ?? '';
    if (outcome === '') io.out(`${action} ${device}: done`);
    else {
      refused += 1;
      io.err(`${action} ${device}: refused: ${outcome}`);
    }
  }
  return refused === 0 ? EXIT.ok : EXIT.no;
}

function oneEnrolment(values: Values): Enrolment {
  const key = bytesToBase64(encodeCoseKey(readPublicKeyFile(text(values, 'key'))));
  const fields = {
    device: text(values, 'device'),
    patient: text(values, 'patient'),
    provider: text(values, 'provider'),
  };
  const problem = problemOf(fields);
  if (problem !== undefined) throw new UsageError(problem);
  return { action: 'enrol', ...fields, key };
}

function readEnrolments(file: string): Enrolment[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`);
  }
  const problems: string[] = [];
  const enrolments: Enrolment[] = [];
  const seen = new Map<string, number>();
  for (const [at, line] of content.split('\n').entries()) {
    if (line.trim() === '') continue;
    const read = readLine(line);
    if (typeof read === 'string') problems.push(`line ${at + 1}: ${read}`);
    else if (seen.has(read.device))
      problems.push(`line ${at + 1}: ${read.device} stands on line ${seen.get(read.device)} already`);
    else {
      seen.set(read.device, at + 1);
      enrolments.push(read);
    }
  }
  if (problems.length > 0) throw new UsageError(`${file}: nothing was enrolled\n${problems.join('\n')}`);
  if (enrolments.length === 0) throw new UsageError(`${file} holds no enrolment`);
  return enrolments;
}

/** One enrolment, or what is wrong with the line. */
function readLine(line: string): Enrolment | string {
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return 'not JSON';
  }
  const { device, patient, provider, key } = raw ?? {};
  const problem = problemOf({ device, patient, provider });
  if (problem !== undefined) return problem;
  const parsed = typeof key === 'string' ? parseText(key) : undefined;
  if (parsed === undefined) return 'key: must be a COSE_Key in base64 or hex, a PEM or a JWK';
  if (parsed.kind === 'reject') return `key: ${parsed.detail}`;
  return {
    action: 'enrol',
    device: String(device),
    patient: String(patient),
    provider: String(provider),
    key: bytesToBase64(encodeCoseKey(parsed.value)),
  };
}

function problemOf({
  device,
  patient,
  provider,
}: {
  device: unknown;
  patient: unknown;
  provider: unknown;
}): string | undefined {
  if (typeof device !== 'string' || !isDeviceUrn(device))
    return `device: ${JSON.stringify(device)} is no device URN (urn:dev:...)`;
  if (typeof patient !== 'string' || !NAME.test(patient))
    return 'patient: must be a pseudonym of letters, digits, ._:- (at most 64)';
  if (typeof provider !== 'string' || !NAME.test(provider))
    return 'provider: must be the id of a provider in the configuration';
  return undefined;
}

function urn(device: string): string {
  if (!isDeviceUrn(device))
    throw new UsageError(`--device: ${JSON.stringify(device)} is no device URN (urn:dev:...)`);
  return device;
}
