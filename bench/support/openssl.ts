/** What OpenSSL itself verifies in a second, by its own `openssl speed`: the measure every figure of the intake is held against. */
import { runProgram } from '../../test/support/command.ts';

export type SpeedName = 'ed25519' | 'ecdsap256';

/** The version line of the `openssl` in the path. Throws when there is none. */
export async function opensslVersion(): Promise<string> {
  const { out } = await runProgram('openssl', ['version']);
  return out.trim().replace(/ \(.*/, '');
}

/**
 * Verifications a second. With one process: per second of its user time, so that neighbours on the machine do not count. With
 * several: what `openssl speed -multi` prints, the sum of what each reaches in a second of the clock.
 */
export async function verifications(name: SpeedName, seconds: number, processes = 1): Promise<number> {
  const multi = processes === 1 ? [] : ['-multi', String(processes)];
  const { code, out, err } = await runProgram('openssl', [
    ...['speed', '-seconds', String(seconds)],
    ...multi,
    name,
  ]);
  const last = out.trim().split('\n').at(-1) ?? '';
  const rate = Number(last.trim().split(/\s+/).at(-1)); // the last column is verify/s
  if (code !== 0 || !(rate > 0)) throw new Error(`openssl speed ${name} ended with ${code}: ${last}${err}`);
  return rate;
}
