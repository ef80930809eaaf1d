import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../gateway/config.ts';
import { makeFolder, type TestFolder } from '../gateway/testing/folder.ts';
import { writeGatewayFiles } from '../gateway/testing/gateway-bench.ts';
import { settleRequests, withStore } from './store-access.ts';

let folder: TestFolder;

beforeEach(() => {
  folder = makeFolder();
});

afterEach(() => folder.remove());

test('who only looks at a store that is not there is told so, and leaves nothing behind', async () => {
  const config = loadConfig(writeGatewayFiles(folder.path), {});
  mkdirSync(join(folder.path, 'data'));
  const looked = withStore(config, async () => 'seen');
  await expect(looked).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(readdirSync(join(folder.path, 'data'))).toEqual([]);
});

test('a first request makes the store, and from then on it can be looked at', async () => {
  const config = loadConfig(writeGatewayFiles(folder.path), {});
  const [outcome] = await settleRequests(config, [{ action: 'suspend', device: 'urn:dev:mac:000000000001' }]);
  expect(outcome).toBe('urn:dev:mac:000000000001 is not enrolled');
  expect(await withStore(config, async ({ log }) => log.registry.lists.count())).toBe(0);
});
