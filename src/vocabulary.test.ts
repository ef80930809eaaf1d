import { describe, expect, it } from 'vitest';
import { compareDecimal, decimalToNumber, multiplyDecimal } from './decimal.ts';
import { findTerm, findUnit, GLUCOSE_MG_DL_PER_MMOL_L, localName, VOCABULARY } from './vocabulary.ts';

describe('the vocabulary', () => {
  const terms = [...VOCABULARY.values()];

  it('holds these names with these codes, units and ranges', () => {
    const lines = terms.flatMap((term) => {
      const codes = [term.mdc ?? '-', ...term.otherMdc].join(',');
      return term.units.map((form) => {
        const range =
          form.low && form.high ? `${decimalToNumber(form.low)}..${decimalToNumber(form.high)}` : 'any';
        return `${term.name} ${codes} ${(form.loinc ?? term.loinc).join(',') || '-'} ${form.senml} = ${form.ucum}, ${range}`;
      });
    });
    expect(lines).toMatchInlineSnapshot(`
      [
        "hr 149530,149546 8867-4 1/min = /min, 20..300",
        "hr 149530,149546 8867-4 beat/min = /min, 20..300",
        "hr 149530,149546 8867-4 /min = /min, 20..300",
        "ibi - - s = s, 0.2..3",
        "ibi - - ms = ms, 200..3000",
        "spo2 150456 59408-5,2708-6 % = %, 50..100",
        "spo2 150456 59408-5,2708-6 / = 1, 0.5..1",
        "temp 150364 8310-5 Cel = Cel, 26..45",
        "temp 150364 8310-5 K = K, 299.15..318.15",
        "skin-temp - - Cel = Cel, 0..50",
        "skin-temp - - K = K, 273.15..323.15",
        "bp-sys 150021 8480-6 mm[Hg] = mm[Hg], 40..300",
        "bp-dia 150022 8462-4 mm[Hg] = mm[Hg], 20..200",
        "resp 151562 9279-1 1/min = /min, 2..70",
        "resp 151562 9279-1 beat/min = /min, 2..70",
        "resp 151562 9279-1 /min = /min, 2..70",
        "steps 8454247 55423-8 count = {steps}, 0..100000",
        "steps 8454247 55423-8 {steps} = {steps}, 0..100000",
        "steps 8454247 41950-7 /d = /d, 0..100000",
        "glucose 160184 99504-3,41653-7 mg/dL = mg/dL, 10..1000",
        "glucose 160184 105272-9 mmol/L = mmol/L, 0.554..55.5",
        "weight 188736 29463-7 kg = kg, 0.3..400",
        "weight 188736 29463-7 g = g, 300..400000",
        "hrv-sdnn - 80404-7 ms = ms, 0..500",
        "hrv-sdnn - 80404-7 s = s, 0..0.5",
        "ecg 131328 11524-6 mV = mV, any",
        "ecg 131328 11524-6 V = V, any",
        "ecg 131328 11524-6 / = 1, any",
        "acc-x - - m/s2 = m/s2, any",
        "acc-y - - m/s2 = m/s2, any",
        "acc-z - - m/s2 = m/s2, any",
        "bvp - - / = 1, any",
        "ppg - - / = 1, any",
        "eda - - S = S, any",
        "eda - - uS = uS, any",
      ]
    `);
  });

  it('has names that a SenML record may carry and finds each behind any base name', () => {
    for (const { name } of terms) {
      expect(name).toMatch(/^[a-z0-9][a-z0-9-]*$/);
      for (const base of [
        '',
        'urn:dev:ow:10e2073a0108006:',
        'urn:dev:mac:0024befffe804ff1_',
        '2001:db8::2/',
      ]) {
        expect(findTerm(base + name)?.name).toBe(name);
      }
    }
    expect(localName('a_b:c/hr')).toBe('hr');
    expect(findTerm('heart-rate')).toBeUndefined();
    expect(findTerm('constructor')).toBeUndefined();
  });

  it('states the same range in each unit of a quantity', () => {
    const glucose = VOCABULARY.get('glucose');
    const molar = glucose && findUnit(glucose, 'mmol/L');
    if (!glucose?.low || !glucose.high || !molar?.low || !molar.high) throw new Error('glucose has no range');
    expect(compareDecimal(multiplyDecimal(molar.low, GLUCOSE_MG_DL_PER_MMOL_L), glucose.low)).toBeLessThan(0);
    expect(
      compareDecimal(multiplyDecimal(molar.high, GLUCOSE_MG_DL_PER_MMOL_L), glucose.high),
    ).toBeGreaterThan(0);
    for (const { low, high } of terms.flatMap((term) => term.units)) {
      if (low && high) expect(compareDecimal(low, high)).toBe(-1);
    }
  });

  it('assumes the first unit, and knows a foreign one', () => {
    const hr = VOCABULARY.get('hr');
    if (!hr) throw new Error('no hr');
    expect(findUnit(hr, undefined)?.senml).toBe('1/min');
    expect(findUnit(hr, 'beat/min')?.ucum).toBe('/min');
    expect(findUnit(hr, 'Cel')).toBeUndefined();
  });
});
