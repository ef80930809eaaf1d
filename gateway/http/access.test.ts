import { describe, expect, test } from 'vitest';
import type { LogEntry } from '../ports.ts';
import { type Caller, mayReadEntry, type Role } from './access.ts';

const entry: LogEntry = {
  index: 1,
  entry: new Uint8Array(32),
  kind: 'statement',
  receivedAt: 0,
  flags: [],
  device: 'urn:dev:os:1-a',
  patient: 'alice',
  provider: 'clinic',
};
const { patient: _patient, provider: _provider, ...heartbeat } = entry;
const caller = (role: Role, subject?: string): Caller => ({ name: 'x', role, subject });

describe('who may read an entry', () => {
  test.each([
    [caller('admin'), true, true],
    [caller('auditor'), true, true],
    [caller('provider', 'clinic'), true, false],
    [caller('provider', 'alice'), false, false],
    [caller('provider'), false, false],
    [caller('patient', 'alice'), true, false],
    [caller('patient', 'clinic'), false, false],
    [caller('patient'), false, false],
  ])('%j', (who, mayReadHers, mayReadNobodys) => {
    expect(mayReadEntry(who, entry)).toBe(mayReadHers);
    expect(mayReadEntry(who, heartbeat)).toBe(mayReadNobodys);
  });
});
