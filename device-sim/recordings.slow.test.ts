import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decimalToNumber, formatDecimal } from '../src/decimal.ts';
import { inspectPayload } from '../src/payload.ts';
import { decodeSenml, type ResolvedRecord, resolveSenml } from '../src/senml.ts';
import { localName } from '../src/vocabulary.ts';
import { readWaveform, waveformValue } from '../src/waveform.ts';
import { encodeFrame } from './frame.ts';
import { parseSignal } from './recordings/biosppy.ts';
import { parseBeats, parseSeries } from './recordings/empatica.ts';
import { parseGlucose } from './recordings/glucose.ts';
import { loadRecordings, type Recording } from './recordings.ts';

const RECORDINGS = fileURLToPath(new URL('../../shared/data/recordings', import.meta.url));
const missing = !existsSync(RECORDINGS);

/** Every value of one name in a recording, waveforms spread out, as text with its unit and time. */
function replay(recording: Recording | undefined, name: string): string[] {
  const start = recording?.startedAt ?? 1_000_000_000;
  return (recording?.frames ?? []).flatMap((frame) => {
    const pack = decodeSenml(encodeFrame(frame, start, false));
    if (pack.kind === 'reject') throw new Error(pack.detail);
    return resolveSenml(pack.value)
      .filter((record) => localName(record.name) === name)
      .flatMap((record) => spread(record, start));
  });
}

function spread(record: ResolvedRecord, start: number): string[] {
  const at = decimalToNumber(record.time.seconds) - start;
  const waveform = readWaveform(record);
  if (waveform.kind === 'reject') throw new Error(waveform.detail);
  const wave = waveform.value;
  if (wave === undefined) {
    const value = record.value?.kind === 'number' ? formatDecimal(record.value.value) : '?';
    return [`${at.toFixed(6)} ${value} ${record.unit}`];
  }
  return [...wave.samples.keys()].map((i) => {
    const time = at + i * decimalToNumber(wave.period);
    return `${time.toFixed(6)} ${formatDecimal(waveformValue(wave, i))} ${record.unit}`;
  });
}

describe.skipIf(missing)('the real recordings (skipped without ../shared/data)', () => {
  let wrist: Recording | undefined;
  let glucose: Recording | undefined;
  let chest: Recording | undefined;
  const lines = async (file: string) =>
    (await readFile(join(RECORDINGS, file), 'utf8')).trimEnd().split(/\r?\n/);

  beforeAll(async () => {
    [wrist, glucose, chest] = await loadRecordings(RECORDINGS);
  });

  it('come as frames of at most a minute, in the order of their ends, each a pack without faults', () => {
    const outcomes = new Set<string>();
    const marked = new Set<string>();
    for (const recording of [wrist, glucose, chest]) {
      let latest = 0;
      for (const frame of recording?.frames ?? []) {
        expect(frame.end - frame.start).toBeLessThanOrEqual(60);
        expect(frame.end).toBeGreaterThanOrEqual(latest);
        latest = frame.end;
        const payload = encodeFrame(frame, 1_700_000_000, false);
        expect(payload.length).toBeLessThan(16_384);
        outcomes.add(JSON.stringify(inspectPayload(112, payload)));
        marked.add(JSON.stringify(inspectPayload(112, encodeFrame(frame, 1_700_000_000, true))));
      }
    }
    expect([...outcomes]).toEqual(['{"kind":"ok","value":{"flags":[]}}']);
    expect([...marked]).toEqual(['{"kind":"ok","value":{"flags":["test-data"]}}']);
    expect(
      [wrist, glucose, chest].map((recording) => [recording?.name, recording?.frames.length]),
    ).toMatchInlineSnapshot(`
      [
        [
          "wrist band",
          223,
        ],
        [
          "glucose monitor",
          2561,
        ],
        [
          "chest strap",
          9,
        ],
      ]
    `);
  });

  it('keep every heart rate, interval, temperature and glucose value, digit for digit, at its time', async () => {
    const hr = (await lines('empatica-e4/HR.csv')).slice(2);
    expect(replay(wrist, 'hr')).toEqual(hr.map((value, i) => `${(10 + i).toFixed(6)} ${value} 1/min`));
    const ibi = (await lines('empatica-e4/IBI.csv')).slice(1).map((line) => line.split(','));
    expect(replay(wrist, 'ibi')).toEqual(ibi.map(([time, value]) => `${time} ${value} s`));
    const temp = (await lines('empatica-e4/TEMP.csv')).slice(2);
    expect(replay(wrist, 'skin-temp')).toEqual(temp.map((value, i) => `${(i / 4).toFixed(6)} ${value} Cel`));
    const cgm = (await lines('cgm/001.csv')).slice(1).map((line) => line.split(','));
    const first = Date.parse(`${cgm[0]?.[0]?.replace(' ', 'T')}Z`);
    const offset = (stamp = '') => ((Date.parse(`${stamp.replace(' ', 'T')}Z`) - first) / 1000).toFixed(6);
    expect(replay(glucose, 'glucose')).toEqual(
      cgm.map(([stamp, value]) => `${offset(stamp)} ${value} mg/dL`),
    );
  });

  it('keep every ECG and acceleration sample', async () => {
    const ecg = (await lines('ecg-biosppy/ecg.txt')).slice(4);
    expect(replay(chest, 'ecg')).toEqual(ecg.map((v, i) => `${(i / 1000).toFixed(6)} ${Number(v)} /`));
    const acc = (await lines('empatica-e4/ACC.csv')).slice(2).map((line) => line.split(',').map(Number));
    for (const [column, name] of ['acc-x', 'acc-y', 'acc-z'].entries()) {
      const values = replay(wrist, name).map((line) => Number(line.split(' ')[1]));
      expect(values).toEqual(acc.map((row) => Number(((row[column] ?? 0) * 0.15322890625).toFixed(11))));
    }
    const eda = (await lines('empatica-e4/EDA.csv')).slice(2);
    expect(replay(wrist, 'eda').map((line) => Number(line.split(' ')[1]))).toEqual(
      eda.map((v) => Number(`${v}e-6`)),
    );
    expect(replay(wrist, 'bvp')).toHaveLength((await lines('empatica-e4/BVP.csv')).length - 2);
  });
});

describe('a broken recording', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recordings-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is refused with its file and line', () => {
    const attempt = (parse: () => unknown): string => {
      try {
        parse();
        return 'no error';
      } catch (error) {
        return String(error);
      }
    };
    expect({
      'no rate': attempt(() => parseSeries('HR.csv', '1560279835.0\n', 1)),
      'start in words': attempt(() => parseSeries('HR.csv', 'monday\n1\n', 1)),
      'rate 0': attempt(() => parseSeries('HR.csv', '1\n0\n', 1)),
      'a word': attempt(() => parseSeries('HR.csv', '1\n1\n93.00\nfast\n', 1)),
      'an empty line': attempt(() => parseSeries('HR.csv', '1\n1\n93.00\n\n94\n', 1)),
      'a column too few': attempt(() => parseSeries('ACC.csv', '1,1,1\n32,32,32\n1,2\n', 3)),
      'beats in disorder': attempt(() => parseBeats('IBI.csv', '1, IBI\n2.0,0.8\n1.5,0.8\n')),
      'nothing in it': attempt(() => parseBeats('IBI.csv', '')),
      'another header': attempt(() => parseGlucose('001.csv', 'time,mmol\n')),
      'another time': attempt(() =>
        parseGlucose('001.csv', 'timestamp,glucose_value_mg_dl\n13.02.2020 17:23,61\n'),
      ),
      'a time that is none': attempt(() =>
        parseGlucose('001.csv', 'timestamp,glucose_value_mg_dl\n2020-13-40 17:23:00,61\n'),
      ),
      'a gap in a column': attempt(() =>
        parseGlucose('001.csv', 'timestamp,glucose_value_mg_dl\n2020-02-13 17:23:00,\n'),
      ),
      'no labels': attempt(() =>
        parseSignal('ecg.txt', '# Sampling Rate (Hz):= 1000\n# Resolution:= 12\n1\n'),
      ),
      'no samples': attempt(() =>
        parseSignal('ecg.txt', '# Sampling Rate (Hz):= 1000\n# Resolution:= 12\n# Labels:= ECG\n'),
      ),
      'a bad sample': attempt(() =>
        parseSignal('ecg.txt', '# Sampling Rate (Hz):= 9\n# Resolution:= 12\n# Labels:= ECG\n1\nx\n'),
      ),
    }).toMatchInlineSnapshot(`
      {
        "a bad sample": "RecordingError: ecg.txt:5: not a number",
        "a column too few": "RecordingError: ACC.csv:3: 2 columns where there should be 3",
        "a gap in a column": "RecordingError: 001.csv:2: not a number",
        "a time that is none": "RecordingError: 001.csv:2: not a time as YYYY-MM-DD hh:mm:ss",
        "a word": "RecordingError: HR.csv:4: not a number",
        "an empty line": "RecordingError: HR.csv:4: not a number",
        "another header": "RecordingError: 001.csv:1: does not begin with timestamp,glucose_value_mg_dl",
        "another time": "RecordingError: 001.csv:2: not a time as YYYY-MM-DD hh:mm:ss",
        "beats in disorder": "RecordingError: IBI.csv:3: a beat that is not after the one before",
        "no labels": "RecordingError: ecg.txt:1: no header line "Labels"",
        "no rate": "RecordingError: HR.csv:1: ends before its start time and rate",
        "no samples": "RecordingError: ecg.txt:4: ends before its first sample",
        "nothing in it": "RecordingError: IBI.csv:1: ends before its start time",
        "rate 0": "RecordingError: HR.csv:2: rate: not a whole number from 1",
        "start in words": "RecordingError: HR.csv:1: start time: not a whole number from 0",
      }
    `);
  });

  it('is named by its place in the folder, and an empty folder by its path', async () => {
    await expect(loadRecordings(folder)).rejects.toThrow(
      'no recordings; expected empatica-e4, cgm or ecg-biosppy',
    );
    await mkdir(join(folder, 'cgm'));
    await writeFile(
      join(folder, 'cgm', '002.csv'),
      'timestamp,glucose_value_mg_dl\r\n2020-02-13 17:23:32,61.0\r\n',
    );
    expect(replay((await loadRecordings(folder))[0], 'glucose')).toEqual(['0.000000 61.0 mg/dL']);
    await cp(join(folder, 'cgm', '002.csv'), join(folder, 'cgm', '003.csv'));
    expect(await loadRecordings(folder)).toHaveLength(2);
    await writeFile(
      join(folder, 'cgm', '003.csv'),
      'timestamp,glucose_value_mg_dl\n2020-02-13 17:23:32,low\n',
    );
    await expect(loadRecordings(folder)).rejects.toThrow('cgm/003.csv:2: not a number');
  });
});
