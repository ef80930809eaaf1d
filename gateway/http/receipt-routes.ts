/** Receipts for those who may have them. A receipt holds the reading itself. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { LogEntry, LogReader, ReceiptMaker } from '../ports.ts';
import { type AccessList, mayReadEntry } from './access.ts';
import { callerOf, requireRole } from './guard.ts';
import { sendProblem } from './problems.ts';

export const RECEIPT_MEDIA_TYPE = 'application/vnd.vitalseal.receipt+cbor';

export interface ReceiptParts {
  readonly access: AccessList;
  readonly log: LogReader;
  readonly receipts: ReceiptMaker;
}

const ByIndex = Type.Object({ index: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) });
const ByNumber = Type.Object({
  device: Type.String({ maxLength: 128 }),
  seq: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
});
const Boot = Type.Object({
  boot: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 }),
});

export function receiptRoutes(app: FastifyInstance, parts: ReceiptParts): void {
  const preHandler = requireRole(parts.access, ['admin', 'auditor', 'provider', 'patient']);
  const security = [{ bearer: [] }];
  app.get<{ Params: Static<typeof ByIndex> }>(
    '/v1/receipts/:index',
    { schema: { params: ByIndex, summary: 'The receipt of a log entry', security }, preHandler },
    async (request, reply) => send(parts, request, reply, await parts.log.entry(request.params.index)),
  );
  app.get<{ Params: Static<typeof ByNumber>; Querystring: Static<typeof Boot> }>(
    '/v1/devices/:device/statements/:seq/receipt',
    {
      schema: {
        params: ByNumber,
        querystring: Boot,
        summary: 'The receipt of a device’s statement',
        security,
      },
      preHandler,
    },
    async (request, reply) => {
      const { device, seq } = request.params;
      return send(parts, request, reply, await parts.log.findStatement(device, request.query.boot, seq));
    },
  );
}

async function send(
  parts: ReceiptParts,
  request: FastifyRequest,
  reply: FastifyReply,
  entry: LogEntry | undefined,
): Promise<FastifyReply> {
  // What a caller may not read and what does not exist look alike.
  if (entry === undefined || !mayReadEntry(callerOf(request), entry))
    return sendProblem(reply, 'not-found', 'no such entry');
  const made = await parts.receipts.make(entry.index);
  if (made.kind === 'reject') return sendProblem(reply, made.code, made.detail);
  return reply
    .type(RECEIPT_MEDIA_TYPE)
    .header('content-disposition', `attachment; filename="${entry.index}.receipt.cbor"`)
    .header('x-vitalseal-state', made.value.state)
    .send(Buffer.from(made.value.bytes));
}
