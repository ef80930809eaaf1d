import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ChainError } from './errors.ts';

const OS_NAMES: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin', win32: 'win32' };
const ARCH_NAMES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * The absolute path of a Foundry tool as npm installed it for this machine.
 *
 * The platform package's own binary, never the `.bin` wrapper: the wrapper is a Node process whose child
 * outlives it, so killing it would leave the tool running.
 *
 * @throws ChainError `node-missing` when Foundry publishes nothing for this platform or npm skipped it.
 */
export function foundryBinary(
  tool: 'anvil' | 'forge',
  platform = process.platform,
  arch = process.arch,
): string {
  const target = `${OS_NAMES[platform] ?? platform}-${ARCH_NAMES[arch] ?? arch}`;
  const binary = locate(tool, target, platform === 'win32' ? `${tool}.exe` : tool);
  if (binary !== undefined) return binary;
  throw new ChainError(
    'node-missing',
    `${tool} is not installed for ${target}: run npm ci without --omit=optional ` +
      `(it brings @foundry-rs/${tool}-${target} where Foundry publishes one)`,
  );
}

function locate(tool: string, target: string, file: string): string | undefined {
  try {
    // The platform package is a dependency of the wrapper, not of ours: resolve it from there.
    const wrapper = createRequire(import.meta.url).resolve(`@foundry-rs/${tool}/package.json`);
    const manifest = createRequire(wrapper).resolve(`@foundry-rs/${tool}-${target}/package.json`);
    const binary = join(dirname(manifest), 'bin', file);
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}
