/** Serves the source as it lies there, types taken off, so that a browser runs what Node runs: no bundler in between. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import { join, normalize } from 'node:path';
import { ROOT } from './command.ts';

const SERVED =
  /^\/(?:src|test\/support|node_modules\/(?:@noble\/(?:curves|hashes)|cborg))\/[\w./-]+\.(?:ts|js)$/;
const IMPORTS = {
  '@noble/curves/': '/node_modules/@noble/curves/',
  '@noble/hashes/': '/node_modules/@noble/hashes/',
  cborg: '/node_modules/cborg/cborg.js',
};
const PAGE = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script type="module">
  import * as src from '/src/index.ts';
  import * as checks from '/test/support/page-checks.ts';
  Object.assign(globalThis, { src, checks });
</script>`;

/** Starts on a free port. `served` lists every module asked for. */
export async function startPageServer(): Promise<{
  readonly url: string;
  readonly served: readonly string[];
  close(): void;
}> {
  const served: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (path === '/') return response.setHeader('content-type', 'text/html').end(PAGE);
    if (!SERVED.test(path) || normalize(path) !== path) return response.writeHead(404).end();
    served.push(path);
    const text = readFileSync(join(ROOT, path), 'utf8');
    const code = path.endsWith('.ts') ? stripTypeScriptTypes(text) : text;
    return response.setHeader('content-type', 'text/javascript').end(code);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    served,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
