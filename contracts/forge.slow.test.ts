import { expect, it } from 'vitest';
import { runForge } from './forge-test.ts';

it('holds under forge: fuzz tests against the RFC’s text, invariants over random crowds of callers', async () => {
  expect((await runForge()).status).toBe(0);
});
