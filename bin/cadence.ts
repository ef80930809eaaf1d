/** The longest silence of a device that is in order, as a person writes it. */
import { CADENCE_MAX_S } from '../gateway/log/device-requests.ts';

/** Whole seconds, `off` (any silence: 0) or `default` (what is configured: null); otherwise what is wrong with the text. */
export function parseCadence(text: string): number | null | string {
  const word = text.trim().toLowerCase();
  if (word === 'default') return null;
  if (word === 'off') return 0;
  const seconds = /^\d{1,8}$/.test(word) ? Number(word) : 0;
  return seconds >= 1 && seconds <= CADENCE_MAX_S
    ? seconds
    : `must be whole seconds from 1 to ${CADENCE_MAX_S} (a year), off or default`;
}
