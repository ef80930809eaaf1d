import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type FileWatch, watchFile } from './file-watch.ts';

let folder: string;
let file: string;
let watch: FileWatch;
const said: string[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  said.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'vitalseal-watch-'));
  file = join(folder, 'gateway.db');
  writeFileSync(file, 'first');
  watch = watchFile(file, ({ code, fatal, message }) => {
    said.push(`${code} ${fatal} ${message.replace(file, 'FILE')}`);
  });
});

afterEach(() => {
  watch.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

it('says nothing while the file is there, written to or not', () => {
  writeFileSync(file, 'more', { flag: 'a' });
  vi.advanceTimersByTime(60_000);
  expect(said).toEqual([]);
});

it('says once that the file is gone', () => {
  rmSync(file);
  vi.advanceTimersByTime(60_000);
  expect(said).toMatchInlineSnapshot(`
    [
      "store-unavailable true the store FILE is not there any more; put the data directory back where it was, then start again",
    ]
  `);
});

it('says that another file is in its place', () => {
  writeFileSync(`${file}.new`, 'second');
  renameSync(`${file}.new`, file);
  vi.advanceTimersByTime(60_000);
  expect(said).toMatchInlineSnapshot(`
    [
      "store-unavailable true the store FILE is another file now; put the data directory back where it was, then start again",
    ]
  `);
});

it('says nothing after it was closed', () => {
  watch.close();
  rmSync(file);
  vi.advanceTimersByTime(60_000);
  expect(said).toEqual([]);
});
