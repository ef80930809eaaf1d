import { accessSync, constants } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ChainError } from './errors.ts';
import { foundryBinary } from './foundry-binary.ts';

describe('foundryBinary', () => {
  it('is the platform package’s own executable, not the wrapper that its child outlives', () => {
    for (const tool of ['anvil', 'forge'] as const) {
      const path = foundryBinary(tool);
      expect(path).not.toContain('.bin');
      accessSync(path, constants.X_OK);
    }
  });

  it('says what to do on a machine without one', () => {
    const failure = (() => {
      try {
        return foundryBinary('anvil', 'freebsd', 'riscv64');
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toBeInstanceOf(ChainError);
    expect(failure).toMatchObject({ code: 'node-missing' });
    expect((failure as ChainError).message).toMatchInlineSnapshot(
      `"anvil is not installed for freebsd-riscv64: run npm ci without --omit=optional (it brings @foundry-rs/anvil-freebsd-riscv64 where Foundry publishes one)"`,
    );
  });
});
