import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder, type TestFolder } from '../testing/folder.ts';
import { takeWriterLock } from './writer-lock.ts';

let folder: TestFolder;

beforeEach(() => {
  folder = makeFolder();
});

afterEach(() => folder.remove());

test('makes the directory, for its owner only', () => {
  const dataDir = join(folder.path, 'data');
  const lock = takeWriterLock(dataDir);
  expect(existsSync(dataDir)).toBe(true);
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  lock?.release();
});

test('makes no whole path: a directory whose parent is missing is refused by name', () => {
  const dataDir = join(folder.path, 'missing', 'data');
  expect(() => takeWriterLock(dataDir)).toThrow(`cannot use the data directory ${dataDir}`);
  expect(() => takeWriterLock('/proc/vitalseal')).toThrow('cannot use the data directory /proc/vitalseal');
});

test('is held by one at a time, and free again after release', () => {
  const lock = takeWriterLock(folder.path);
  expect(lock).toBeDefined();
  expect(takeWriterLock(folder.path)).toBeUndefined();
  lock?.release();
  const next = takeWriterLock(folder.path);
  expect(next).toBeDefined();
  next?.release();
});

test('of a process that was killed is free at once', async () => {
  const module = new URL('./writer-lock.ts', import.meta.url).href;
  const script = `
    const { takeWriterLock } = await import(${JSON.stringify(module)});
    globalThis.lock = takeWriterLock(${JSON.stringify(folder.path)});
    console.log(lock === undefined ? 'refused' : 'held');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  expect(String(line).trim()).toBe('held');
  expect(takeWriterLock(folder.path)).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = takeWriterLock(folder.path);
  expect(lock).toBeDefined();
  lock?.release();
});

test('a directory that cannot be used is a clear failure', () => {
  const file = join(folder.path, 'file');
  writeFileSync(file, '');
  expect(() => takeWriterLock(join(file, 'data'))).toThrow(
    expect.objectContaining({
      code: 'store-unavailable',
      fatal: true,
      message: expect.stringContaining('cannot use the data directory'),
    }),
  );
});
