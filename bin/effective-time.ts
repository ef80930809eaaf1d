/** Times on the command line: a moment with its zone, or so long before or after now. */
import { UsageError } from './cli.ts';

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/;
/** 24h-ago or +7d: what begins with a dash would be taken for an option. */
const DISTANCE = /^(?:(?<ago>\d{1,6})(?<agoUnit>[mhd])[ -]ago|\+(?<ahead>\d{1,6})(?<aheadUnit>[mhd]))$/;
const UNIT_S = { m: 60, h: 3600, d: 86_400 } as const;
/** Beyond that a digit too many is likelier than a plan. */
const FURTHEST_AHEAD_S = 5 * 366 * UNIT_S.d;

/** Whole seconds since the Unix epoch. Throws UsageError naming the option. */
export function parseEffectiveTime(text: string, nowMs: number, option: string): number {
  const now = Math.floor(nowMs / 1000);
  const seconds = fromDistance(text, now) ?? fromMoment(text);
  if (seconds === undefined || seconds < 0)
    throw new UsageError(
      `--${option}: ${JSON.stringify(text)} is no time; write 2026-07-01T12:00:00Z, 2026-07-01T14:00+02:00, 24h-ago or +7d`,
    );
  if (seconds - now > FURTHEST_AHEAD_S)
    throw new UsageError(
      `--${option}: ${new Date(seconds * 1000).toISOString()} is more than five years ahead`,
    );
  return seconds;
}

function fromDistance(text: string, now: number): number | undefined {
  const { ago, agoUnit, ahead, aheadUnit } = DISTANCE.exec(text)?.groups ?? {};
  if (ago !== undefined) return now - Number(ago) * UNIT_S[agoUnit as keyof typeof UNIT_S];
  return ahead === undefined ? undefined : now + Number(ahead) * UNIT_S[aheadUnit as keyof typeof UNIT_S];
}

/** A date that does not exist is none: Date would take 30 February for 2 March. */
function fromMoment(text: string): number | undefined {
  if (!MOMENT.test(text)) return undefined;
  const time = Date.parse(text);
  const isReal = new Date(Date.parse(`${text.slice(0, 10)}T00:00Z`)).toJSON()?.startsWith(text.slice(0, 10));
  return Number.isNaN(time) || isReal !== true ? undefined : Math.floor(time / 1000);
}
