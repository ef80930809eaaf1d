import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvRecord, readCsv } from './csv.ts';

const read = (text: string) =>
  Array.from(readCsv(text), (record) =>
    'problem' in record ? `${record.line}! ${record.problem}` : [record.line, ...record.fields],
  );

describe('RFC 4180, section 2', () => {
  test.each<[string, string, unknown[]]>([
    [
      '1: records end in CRLF',
      'aaa,bbb\r\nzzz,yyy\r\n',
      [
        [1, 'aaa', 'bbb'],
        [2, 'zzz', 'yyy'],
      ],
    ],
    [
      '2: the last may end without',
      'aaa,bbb\r\nzzz,yyy',
      [
        [1, 'aaa', 'bbb'],
        [2, 'zzz', 'yyy'],
      ],
    ],
    ['4: spaces belong to a field', ' a , b ', [[1, ' a ', ' b ']]],
    ['5: fields may be quoted', '"aaa",bbb,"ccc"', [[1, 'aaa', 'bbb', 'ccc']]],
    [
      '6: commas and line ends in quotes',
      '"a\r\nb","c,d"\r\nx,y',
      [
        [1, 'a\r\nb', 'c,d'],
        [3, 'x', 'y'],
      ],
    ],
    ['7: a quote in quotes is doubled', '"a""b",""""', [[1, 'a"b', '"']]],
  ])('%s', (_name, text, expected) => expect(read(text)).toEqual(expected));
});

test.each<[string, string, unknown[]]>([
  ['nothing', '', []],
  [
    'line feeds alone',
    'a,b\nc,d\n',
    [
      [1, 'a', 'b'],
      [2, 'c', 'd'],
    ],
  ],
  [
    'empty lines',
    '\na,b\n\r\n\nc,d\n\n',
    [
      [2, 'a', 'b'],
      [5, 'c', 'd'],
    ],
  ],
  [
    'empty fields',
    ',\n"",""\n',
    [
      [1, '', ''],
      [2, '', ''],
    ],
  ],
  ['a comma at the end', 'a,', [[1, 'a', '']]],
  ['a carriage return at the very end', 'a,b\r', [[1, 'a', 'b']]],
])('%s', (_name, text, expected) => expect(read(text)).toEqual(expected));

test('what is not CSV is told by its line, and the next line is read', () => {
  expect(
    read('a,b"c\n"a"b,c\ra,b\nok,ok\n"two\nlines",x"\n"a" ,b\nok,ok\n1\r2,3\n"open\n1,2\n3,4'),
  ).toMatchInlineSnapshot(`
    [
      "1! a quote stands within a field that does not begin with one",
      "2! something stands between a closing quote and the next comma",
      [
        3,
        "ok",
        "ok",
      ],
      "4! a quote stands within a field that does not begin with one",
      "6! something stands between a closing quote and the next comma",
      [
        7,
        "ok",
        "ok",
      ],
      "8! a carriage return stands without a line feed",
      "9! the quote that line 9 opens is never closed; nothing behind it was read",
    ]
  `);
});

test('whatever is written by the rules is read as it was', () => {
  const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é', '\u{1f493}') });
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const isPlain = (text: string) => !/[,"\r\n]/.test(text);
  fc.assert(
    fc.property(
      fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 5 }),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      (rows, end, always) => {
        const lines = rows.map((row) => row.map((f) => (isPlain(f) && !always ? f : quote(f))).join(','));
        expect(read(lines.join(end)).map((record) => record.slice(1))).toEqual(rows);
        expect(read(rows.map(csvRecord).join(end)).map((record) => record.slice(1))).toEqual(rows);
      },
    ),
    { numRuns: 500 },
  );
});

test('whatever the text, reading ends, lines go up, and each says either fields or a problem', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', '\u0000', ';') });
  fc.assert(
    fc.property(text, (content) => {
      const records = [...readCsv(content)];
      const lines = records.map(({ line }) => line);
      expect(lines).toEqual(lines.toSorted((a, b) => a - b));
      expect(records.length).toBeLessThanOrEqual(content.split('\n').length);
      for (const record of records) expect('problem' in record).not.toBe('fields' in record);
    }),
    { numRuns: 2000 },
  );
});
