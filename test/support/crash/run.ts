/** A crash test: campaigns, each on a fresh installation with settings of its own, until the kills add up. */
import { endPrograms } from '../command.ts';
import { SeededRandom } from '../seeded-random.ts';
import { Campaign, type CampaignResult } from './campaign.ts';
import { killsOf, planRound, planSetting, type Round, type Setting } from './plan.ts';

/** Kills on one installation at most. fsck reads the whole log after each: a short log keeps a round short. */
const KILLS_EACH = 20;

export interface CrashOptions {
  readonly kills: number;
  /** The same seed gives the same plan; what the processes do meanwhile is their own. */
  readonly seed: number;
  readonly killsEach?: number;
  readonly say: (line: string) => void;
}

/** Totals over all campaigns. */
export interface CrashResult extends CampaignResult {
  readonly kills: number;
  readonly campaigns: number;
}

/** @throws Error when anything acknowledged is missing, twice or altered, or fsck finds something; the installation then stays where it is. */
export async function runCrashTest(options: CrashOptions): Promise<CrashResult> {
  const random = new SeededRandom(options.seed);
  let result: CrashResult = { kills: 0, campaigns: 0, acknowledged: 0, entries: 0, delivered: 0 };
  while (result.kills < options.kills) {
    const setting = planSetting(random, result.campaigns % 2 === 0);
    const kills = Math.min(options.killsEach ?? KILLS_EACH, options.kills - result.kills);
    const rounds = planRounds(random, setting, kills);
    const campaign = await runCampaign(setting, rounds, options);
    result = {
      kills: result.kills + rounds.reduce((sum, round) => sum + killsOf(round), 0),
      campaigns: result.campaigns + 1,
      acknowledged: result.acknowledged + campaign.acknowledged,
      entries: result.entries + campaign.entries,
      delivered: result.delivered + campaign.delivered,
    };
    options.say(`${result.kills} kills: ${result.acknowledged} acknowledged, each in the log once`);
  }
  return result;
}

function planRounds(random: SeededRandom, setting: Setting, kills: number): Round[] {
  const rounds: Round[] = [];
  for (let planned = 0; planned < kills; ) {
    const round = planRound(random, setting);
    rounds.push(round);
    planned += killsOf(round);
  }
  return rounds;
}

async function runCampaign(
  setting: Setting,
  rounds: readonly Round[],
  { seed, say }: CrashOptions,
): Promise<CampaignResult> {
  const campaign = await Campaign.begin(setting);
  try {
    for (const round of rounds) {
      const started = performance.now();
      try {
        await campaign.run(round);
      } catch (cause) {
        throw failure(`${JSON.stringify({ ...setting, ...round })}`, cause);
      }
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      say(`${round.moment} +${round.afterMs} ms, ${round.starts.length} starts cut short: ${seconds} s`);
    }
    const result = await campaign.finish();
    await campaign.close();
    await endPrograms();
    campaign.site.remove();
    return result;
  } catch (cause) {
    await campaign.close();
    await endPrograms();
    throw failure(`seed ${seed}; the installation is kept in ${campaign.site.directory}`, cause);
  }
}

function failure(what: string, cause: unknown): Error {
  return new Error(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
