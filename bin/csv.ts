/**
 * Comma-separated values as RFC 4180 has them, and nothing looser: a file that is read otherwise than it was meant enrols the
 * wrong patient. Beyond the letter of the RFC a line may end in LF alone, and empty lines are passed over.
 */

/** One record, or what keeps it from being one. `line`: where it begins, from 1. */
export type CsvRecord =
  | { readonly line: number; readonly fields: readonly string[] }
  | { readonly line: number; readonly problem: string };

/** Reads the records of a text one after another. After a problem it goes on with the next line. */
export function* readCsv(text: string): Generator<CsvRecord> {
  const reader = new CsvReader(text);
  for (let record = reader.next(); record !== undefined; record = reader.next()) {
    if ('problem' in record || record.fields.length > 1 || record.fields[0] !== '') yield record;
  }
}

/** One record, without the end of its line. */
export function csvRecord(fields: readonly string[]): string {
  return fields
    .map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
}

class CsvReader {
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  next(): CsvRecord | undefined {
    if (this.#at >= this.#text.length) return undefined;
    const line = this.#line;
    const fields: string[] = [];
    for (;;) {
      const field = this.#text[this.#at] === '"' ? this.#quoted() : this.#plain();
      if (typeof field !== 'string') return this.#skip(line, field.problem);
      fields.push(field);
      if (this.#text[this.#at] === ',') this.#at += 1;
      else if (this.#endLine()) return { line, fields };
      else return this.#skip(line, 'something stands between a closing quote and the next comma');
    }
  }

  /** Up to the next comma or the end of the line, which are left standing. */
  #plain(): string | { problem: string } {
    const end = this.#find(/[,"\r\n]/g);
    if (this.#text[end] === '"')
      return { problem: 'a quote stands within a field that does not begin with one' };
    const isBareReturn = this.#text[end] === '\r' && this.#text[end + 1] !== '\n';
    if (isBareReturn && end + 1 < this.#text.length)
      return { problem: 'a carriage return stands without a line feed' };
    const field = this.#text.slice(this.#at, end);
    this.#at = end;
    return field;
  }

  /** From one quote to its closing one, which is passed. Lines within count. */
  #quoted(): string | { problem: string } {
    const opened = this.#line;
    let field = '';
    for (let from = this.#at + 1; ; ) {
      const quote = this.#text.indexOf('"', from);
      if (quote < 0) {
        this.#at = this.#text.length;
        return { problem: `the quote that line ${opened} opens is never closed; nothing behind it was read` };
      }
      const part = this.#text.slice(from, quote);
      this.#line += part.split('\n').length - 1;
      field += part;
      if (this.#text[quote + 1] !== '"') {
        this.#at = quote + 1;
        return field;
      }
      field += '"';
      from = quote + 2;
    }
  }

  /** Passes the end of a line, or of the text. */
  #endLine(): boolean {
    const rest = /\r?\n|\r?$/y;
    rest.lastIndex = this.#at;
    const end = rest.exec(this.#text);
    if (end === null) return false;
    this.#at += end[0].length;
    if (end[0].endsWith('\n')) this.#line += 1;
    return true;
  }

  #skip(line: number, problem: string): CsvRecord {
    const end = this.#text.indexOf('\n', this.#at);
    if (end >= 0) this.#line += 1;
    this.#at = end < 0 ? this.#text.length : end + 1;
    return { line, problem };
  }

  #find(pattern: RegExp): number {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.index ?? this.#text.length;
  }
}
