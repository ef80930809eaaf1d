/** The log for whoever follows it: C2SP tlog-checkpoint and tlog-tiles. Hashes only, so it is open to all. */
import type { FastifyInstance } from 'fastify';
import { concatBytes } from '../../src/bytes.ts';
import { parseTilePath } from '../../src/tile.ts';
import type { LogReader } from '../ports.ts';
import { sendProblem } from './problems.ts';

const TILE_WIDTH = 256;

export interface LogParts {
  readonly log: LogReader;
}

export function logRoutes(app: FastifyInstance, { log }: LogParts): void {
  app.get(
    '/checkpoint',
    { schema: { summary: 'Newest checkpoint, a C2SP signed note' } },
    async (_request, reply) => {
      const checkpoint = await log.newestCheckpoint();
      if (checkpoint === undefined)
        return sendProblem(reply, 'not-found', 'no checkpoint has been sealed yet');
      return reply
        .type('text/plain; charset=utf-8')
        .header('cache-control', 'no-cache')
        .send(checkpoint.note);
    },
  );
  app.get(
    '/tile/*',
    { schema: { summary: 'Tiles and entry bundles, C2SP tlog-tiles' } },
    async (request, reply) => {
      const path = parseTilePath(request.url.slice(1)); // attacker-controlled
      if (path.kind === 'reject') return sendProblem(reply, 'not-found', path.detail);
      const bytes = await readTile(log, path.value);
      if (bytes === undefined) return sendProblem(reply, 'not-found', 'the log is not that far');
      const cacheable =
        path.value.width === TILE_WIDTH ? 'public, max-age=31536000, immutable' : 'public, max-age=60';
      return reply
        .type('application/octet-stream')
        .header('cache-control', cacheable)
        .send(Buffer.from(bytes));
    },
  );
}

/** Only what a checkpoint covers is shown: what is not sealed yet is not the log's word yet. */
async function readTile(
  log: LogReader,
  { level, index, width }: { level: number | 'entries'; index: number; width: number },
): Promise<Uint8Array | undefined> {
  const sealed = (await log.newestCheckpoint())?.size ?? 0;
  const height = level === 'entries' ? 0 : level;
  if ((index * TILE_WIDTH + width) * TILE_WIDTH ** height > sealed) return undefined;
  if (level !== 'entries') return log.tile(level, index, width);
  const hashes = await log.entryHashes(index * TILE_WIDTH, index * TILE_WIDTH + width);
  return concatBytes(...hashes.map(withLength));
}

/** Entry bundles are uint16-prefixed entries, big-endian. */
function withLength(entry: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry);
}
