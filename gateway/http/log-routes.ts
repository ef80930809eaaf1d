/** The log for whoever follows it: C2SP tlog-checkpoint and tlog-tiles. Hashes only, so it is open to all. */
import type { FastifyInstance } from 'fastify';
import { encodeEntryBundle, parseTilePath, TILE_WIDTH, type TilePath, tileWidth } from '../../src/tile.ts';
import type { LogReader } from '../ports.ts';
import { sendProblem } from './problems.ts';

/** A tile never changes, a partial one neither: it is part of a tree that was signed (tlog-tiles, "Merkle Tree"). */
const FOR_EVER = 'public, max-age=31536000, immutable';

export interface LogParts {
  readonly log: LogReader;
}

export function logRoutes(app: FastifyInstance, { log }: LogParts): void {
  app.get(
    '/checkpoint',
    { exposeHeadRoute: true, schema: { summary: 'Newest checkpoint, a C2SP signed note' } },
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
    { exposeHeadRoute: true, schema: { summary: 'Tiles and entry bundles, C2SP tlog-tiles' } },
    async (request, reply) => {
      const path = parseTilePath(request.url.slice(1)); // attacker-controlled
      if (path.kind === 'reject') return sendProblem(reply, 'not-found', path.detail);
      const bytes = await readTile(log, path.value);
      if (bytes === undefined) return sendProblem(reply, 'not-found', 'the log is not that far');
      return reply
        .type('application/octet-stream')
        .header('cache-control', FOR_EVER)
        .send(Buffer.from(bytes));
    },
  );
}

/** Only what a checkpoint covers is shown: what is not sealed yet is not the log's word yet. */
async function readTile(log: LogReader, { level, index, width }: TilePath): Promise<Uint8Array | undefined> {
  const sealed = (await log.newestCheckpoint())?.size ?? 0;
  if (tileWidth(level, index, sealed) < width) return undefined;
  if (level !== 'entries') return log.tile(level, index, width);
  const from = index * TILE_WIDTH;
  return encodeEntryBundle(await log.entryHashes(from, from + width));
}
