/** What the commands that change devices share. */
import { isDeviceUrn } from '../../src/statement.ts';
import { EXIT, type ExitCode, type Io, type Option, UsageError } from '../cli.ts';

export const DEVICE: Option = {
  type: 'string',
  value: 'URN',
  description: 'the device (urn:dev:mac:..., RFC 9039)',
};

export const PATIENT: Option = {
  type: 'string',
  value: 'NAME',
  description: 'pseudonym of the patient who wears it',
};

/** The device of an option. Throws UsageError. */
export function deviceUrn(device: string): string {
  if (!isDeviceUrn(device))
    throw new UsageError(`--device: ${JSON.stringify(device)} is no device URN (urn:dev:...)`);
  return device;
}

/** Says what became of each request: `outcomes` are '' for done, or why it was refused. */
export function reportOutcomes(
  requests: readonly { action: string; device: string }[],
  outcomes: readonly string[],
  isJson: boolean,
  io: Io,
): ExitCode {
  for (const [at, { action, device }] of requests.entries()) {
    const refusal = outcomes[at] ?? '';
    if (isJson) io.out(JSON.stringify({ action, device, ...(refusal === '' ? {} : { refusal }) }));
    else if (refusal === '') io.out(`${action} ${device}: done`);
    else io.err(`${action} ${device}: refused: ${refusal}`);
  }
  return outcomes.every((outcome) => outcome === '') ? EXIT.ok : EXIT.no;
}
