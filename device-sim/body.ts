/**
 * A body, second by second: one model drives every quantity, so that they move together as they do in a person.
 * Effort raises pulse, breath, blood pressure and temperature, each with its own delay; the day gives them a slow
 * rhythm; meals raise glucose; breathing modulates the time between beats (respiratory sinus arrhythmia).
 *
 * It looks plausible and nothing more: it is no model to learn physiology from.
 */
import { createRandom, type Random } from './random.ts';

/** A body at one moment. */
export interface Vitals {
  /** Beats a minute, without the modulation by breath. */
  readonly heartRate: number;
  /** Seconds from one beat to the next at this point of the breath. */
  readonly interval: number;
  /** Breaths a minute. */
  readonly respiration: number;
  /** Percent. */
  readonly saturation: number;
  /** Celsius. */
  readonly temperature: number;
  /** mm[Hg]. */
  readonly systolic: number;
  readonly diastolic: number;
  /** mg/dL. */
  readonly glucose: number;
  /** In the last second; fractions add up. */
  readonly steps: number;
}

const DAY_S = 86_400;
const HOUR_S = 3600;
const MEALS_H = [7.5, 12.5, 19];
const SLEEP_H = { from: 23, to: 6.5 };

/** One body; `advance` moves it on by a second. */
export class Body {
  readonly #random: Random;
  readonly #resting: number;
  readonly #mealSizes: number[];
  #time: number;
  /** Effort now and, smoothed, as heart, lungs, vessels and heat follow it; 0 to 1. */
  #effort = 0;
  #episodeEnds = 0;
  #heart = 0;
  #lungs = 0;
  #heat = 0;
  #breath = 0;
  #drift = 0;
  #glucoseDrift = 0;

  /** `startedAt` in Unix seconds; the day of the body is UTC's. */
  constructor(seed: string, startedAt: number) {
    this.#random = createRandom(`body ${seed}`);
    this.#time = startedAt;
    this.#resting = 58 + 14 * this.#random.next();
    this.#mealSizes = MEALS_H.map(() => 30 + 35 * this.#random.next());
  }

  advance(): Vitals {
    const random = this.#random;
    this.#time += 1;
    const hour = (this.#time % DAY_S) / HOUR_S;
    const isAsleep = hour >= SLEEP_H.from || hour < SLEEP_H.to;
    this.#updateEffort(isAsleep);
    // Rises faster than it falls: seconds to follow, chosen by eye.
    this.#heart = follow(this.#heart, this.#effort, this.#effort > this.#heart ? 35 : 90);
    this.#lungs = follow(this.#lungs, this.#effort, 50);
    this.#heat = follow(this.#heat, this.#effort, 900);
    this.#drift = follow(this.#drift, 0, 120) + 0.25 * random.normal();
    this.#glucoseDrift = follow(this.#glucoseDrift, 0, 1800) + 0.1 * random.normal();
    // Lowest at four in the night, highest twelve hours later.
    const rhythm = -Math.cos((2 * Math.PI * (hour - 4)) / 24);
    const heartRate = clamp(
      this.#resting + 4 * rhythm - (isAsleep ? 6 : 0) + 95 * this.#heart + this.#drift,
      38,
      195,
    );
    const respiration = clamp(13.5 - (isAsleep ? 1.5 : 0) + 22 * this.#lungs + 0.2 * this.#drift, 8, 45);
    this.#breath += respiration / 60;
    const arrhythmia = 0.05 * (1 - this.#heart) * Math.sin(2 * Math.PI * this.#breath);
    return {
      heartRate,
      interval: (60 / heartRate) * (1 + arrhythmia),
      respiration,
      saturation: clamp(97.6 - (isAsleep ? 0.8 : 0) - 1.2 * this.#lungs + 0.4 * random.normal(), 90, 100),
      temperature: 36.6 + 0.3 * rhythm + 0.7 * this.#heat + 0.02 * random.normal(),
      systolic: 116 + 6 * rhythm - (isAsleep ? 8 : 0) + 45 * this.#heart + 2 * random.normal(),
      diastolic: 75 + 4 * rhythm - (isAsleep ? 5 : 0) + 8 * this.#heart + 1.5 * random.normal(),
      glucose: clamp(90 + this.#mealRise(hour) - 18 * this.#heat + this.#glucoseDrift, 55, 250),
      steps: this.#effort > 0.15 ? (95 + 75 * this.#effort) / 60 : 0,
    };
  }

  /** Awake, an episode of effort begins about every fifty minutes and lasts 3 to 25. */
  #updateEffort(isAsleep: boolean): void {
    if (this.#time < this.#episodeEnds) return;
    this.#effort = isAsleep ? 0 : 0.02;
    if (isAsleep || this.#random.next() > 1 / 3000) return;
    this.#effort = 0.25 + 0.6 * this.#random.next();
    this.#episodeEnds = this.#time + 180 + this.#random.integer(1320);
  }

  /** Up within three quarters of an hour of a meal, gone after three. */
  #mealRise(hour: number): number {
    return MEALS_H.reduce((rise, meal, i) => {
      const since = (hour - meal + 24) % 24;
      const peak = 0.75;
      return rise + (this.#mealSizes[i] ?? 0) * (since / peak) * Math.exp(1 - since / peak);
    }, 0);
  }
}

/** One second of a first-order approach with the given time constant. */
function follow(value: number, target: number, seconds: number): number {
  return value + (target - value) / seconds;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
