/**
 * Real recordings as streams of frames, in the layout of ../shared/data/recordings:
 * empatica-e4/{HR,IBI,TEMP,ACC,BVP,EDA}.csv, cgm/*.csv, ecg-biosppy/{ecg,ppg}.txt.
 *
 * Left aside: ecg-biosppy/resp.txt, whose raw counts are no respiratory rate, and ecg-biosppy/acc.txt, whose header says
 * m/s^2 over values of about 1, which is g.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decimal } from '../src/decimal.ts';
import { FRAME_SECONDS, type Frame, mergeFrames } from './frame.ts';
import { parseSignal, rawFrames } from './recordings/biosppy.ts';
import { beatFrames, parseBeats, parseSeries, seriesFrames, waveFrames } from './recordings/empatica.ts';
import { glucoseFrames, parseGlucose } from './recordings/glucose.ts';

export { RecordingError } from './recordings/text.ts';

/** What one worn device recorded. */
export interface Recording {
  /** For people: "wrist band", "glucose monitor", "chest strap". */
  readonly name: string;
  /** Unix seconds of the first moment, where the recording says. */
  readonly startedAt?: number;
  /** In the order of their ends. Subjects: vitals, motion, eda, ppg, glucose, ecg. */
  readonly frames: readonly Frame[];
}

/**
 * Loads what is there of the layout; what is missing is left out.
 * Throws RecordingError naming file and line, or Error when the folder holds none of it.
 */
export async function loadRecordings(folder: string): Promise<Recording[]> {
  const loaded = await Promise.all([
    loadWristBand(folder),
    ...(await loadGlucose(folder)),
    loadChestStrap(folder),
  ]);
  const recordings = loaded.filter((recording) => recording !== undefined);
  if (recordings.length === 0) {
    throw new Error(`${folder}: no recordings; expected empatica-e4, cgm or ecg-biosppy in it`);
  }
  return recordings;
}

// The export's own word: acceleration in 1/64 g. Standard gravity is 9.80665 m/s2 exactly.
const ACCELERATION_SCALE = decimal('0.15322890625');
const MICRO = decimal('1e-6');

async function loadWristBand(folder: string): Promise<Recording | undefined> {
  const read = (name: string) => readText(join(folder, 'empatica-e4', name));
  const load = async (name: string, columns = 1) => {
    const text = await read(name);
    return text === undefined ? undefined : parseSeries(join('empatica-e4', name), text, columns);
  };
  const [hr, temp, acc, eda, bvp] = await Promise.all([
    load('HR.csv'),
    load('TEMP.csv'),
    load('ACC.csv', 3),
    load('EDA.csv'),
    load('BVP.csv'),
  ]);
  const ibiText = await read('IBI.csv');
  const ibi = ibiText === undefined ? undefined : parseBeats(join('empatica-e4', 'IBI.csv'), ibiText);
  const starts = [hr, temp, acc, eda, bvp, ibi].flatMap((part) => (part ? [part.startedAt] : []));
  if (starts.length === 0) return undefined;
  const session = Math.min(...starts);
  const minute = { seconds: FRAME_SECONDS };
  const streams: Frame[][] = [];
  if (hr)
    streams.push(seriesFrames(hr, session, { ...minute, subject: 'vitals', name: 'hr', unit: '1/min' }));
  if (ibi) streams.push(beatFrames(ibi.beats, ibi.startedAt - session));
  if (temp) {
    const options = {
      ...minute,
      subject: 'vitals',
      names: ['skin-temp'],
      unit: 'Cel',
      places: 2,
      scale: decimal('1'),
    };
    streams.push(waveFrames(temp, session, options));
  }
  if (acc) {
    const names = ['acc-x', 'acc-y', 'acc-z'];
    const options = {
      subject: 'motion',
      names,
      unit: 'm/s2',
      seconds: 20,
      places: 0,
      scale: ACCELERATION_SCALE,
    };
    streams.push(waveFrames(acc, session, options));
  }
  if (eda) {
    streams.push(
      seriesFrames(eda, session, { ...minute, subject: 'eda', name: 'eda', unit: 'S', scale: MICRO }),
    );
  }
  if (bvp) streams.push(seriesFrames(bvp, session, { subject: 'ppg', name: 'bvp', unit: '/', seconds: 10 }));
  return { name: 'wrist band', startedAt: session, frames: mergeFrames(streams) };
}

async function loadGlucose(folder: string): Promise<Promise<Recording>[]> {
  const names = await readdir(join(folder, 'cgm')).catch(() => []);
  return names
    .filter((name) => name.endsWith('.csv'))
    .sort()
    .map(async (name) => {
      const file = join('cgm', name);
      const readings = parseGlucose(file, await readFile(join(folder, file), 'utf8'));
      const startedAt = readings[0]?.time;
      return {
        name: 'glucose monitor',
        ...(startedAt !== undefined && { startedAt }),
        frames: glucoseFrames(readings),
      };
    });
}

async function loadChestStrap(folder: string): Promise<Recording | undefined> {
  const load = async (name: string) => {
    const text = await readText(join(folder, 'ecg-biosppy', name));
    return text === undefined ? undefined : parseSignal(join('ecg-biosppy', name), text);
  };
  const [ecg, ppg] = await Promise.all([load('ecg.txt'), load('ppg.txt')]);
  if (!ecg && !ppg) return undefined;
  const streams = [ecg ? rawFrames(ecg, 'ecg', 'ecg') : [], ppg ? rawFrames(ppg, 'ppg', 'ppg') : []];
  return { name: 'chest strap', frames: mergeFrames(streams) };
}

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
