/** What the clinic's administrator looks at and mends: devices, quarantine, dead letters. */
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { DeadLetters, DeviceDirectory, QuarantineReader } from '../ports.ts';
import type { AccessList } from './access.ts';
import { requireRole } from './guard.ts';
import { sendProblem } from './problems.ts';

export interface AdminParts {
  readonly access: AccessList;
  readonly devices: DeviceDirectory;
  readonly quarantine: QuarantineReader;
  readonly deadLetters: DeadLetters;
}

const Page = Type.Object({
  after: Type.String({ default: '', maxLength: 128 }),
  limit: Type.Integer({ default: 100, minimum: 1, maximum: 1000 }),
});
const DevicePage = Type.Object({ ...Page.properties, silent: Type.Boolean({ default: false }) });
const Limit = Type.Object({ limit: Type.Integer({ default: 100, minimum: 1, maximum: 1000 }) });
const Device = Type.Object({ device: Type.String({ maxLength: 128 }) });
const BatchId = Type.Object({ id: Type.String({ maxLength: 256 }) });

export function adminRoutes(app: FastifyInstance, parts: AdminParts): void {
  const preHandler = requireRole(parts.access, ['admin']);
  const security = [{ bearer: [] }];
  app.get<{ Querystring: Static<typeof DevicePage> }>(
    '/v1/devices',
    {
      schema: {
        querystring: DevicePage,
        summary: 'Enrolled devices; with silent=true those that are silent past their cadence',
        security,
      },
      preHandler,
    },
    async ({ query: { limit, after, silent } }) => ({
      devices: await parts.devices.list(limit, after, silent),
    }),
  );
  app.get<{ Params: Static<typeof Device> }>(
    '/v1/devices/:device',
    { schema: { params: Device, summary: 'One device, its keys and gaps', security }, preHandler },
    async (request, reply) =>
      (await parts.devices.show(request.params.device)) ?? sendProblem(reply, 'not-found', 'no such device'),
  );
  app.get<{ Querystring: Static<typeof Limit> }>(
    '/v1/quarantine',
    {
      schema: {
        querystring: Limit,
        summary: 'Refused statements, newest first, without their bytes',
        security,
      },
      preHandler,
    },
    async (request) => ({ refusals: await parts.quarantine.list(request.query.limit) }),
  );
  app.get(
    '/v1/dead-letters',
    { schema: { summary: 'Deliveries that cannot heal by themselves', security }, preHandler },
    async () => ({
      deadLetters: await parts.deadLetters.list(),
    }),
  );
  app.post<{ Params: Static<typeof BatchId> }>(
    '/v1/dead-letters/:id/retry',
    {
      schema: { params: BatchId, summary: 'Sends a dead letter again, under the same id', security },
      preHandler,
    },
    async (request, reply) => {
      if (!(await parts.deadLetters.retry(request.params.id)))
        return sendProblem(reply, 'not-found', 'no such dead letter');
      return { retried: request.params.id };
    },
  );
}
