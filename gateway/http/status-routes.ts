/** Health, metrics and status. */
import type { FastifyInstance } from 'fastify';
import type { AccessList } from './access.ts';
import { requireRole } from './guard.ts';
import type { Metrics } from './metrics.ts';

export interface Health {
  readonly healthy: boolean;
  /** Each check by name: `ok`, or what is wrong. */
  readonly checks: Readonly<Record<string, string>>;
}

export interface StatusParts {
  readonly access: AccessList;
  readonly metrics: Metrics;
  readonly health: () => Promise<Health>;
  readonly status: () => Promise<object>;
}

export function statusRoutes(app: FastifyInstance, parts: StatusParts): void {
  app.get(
    '/health',
    { schema: { summary: 'Whether the store answers and a recent checkpoint can be read' } },
    async (_request, reply) => {
      const health = await parts.health();
      return reply.code(health.healthy ? 200 : 503).send(health);
    },
  );
  app.get(
    '/metrics',
    { schema: { summary: 'Prometheus metrics; no personal data' } },
    async (_request, reply) => {
      return reply.type(parts.metrics.registry.contentType).send(await parts.metrics.registry.metrics());
    },
  );
  app.get(
    '/v1/status',
    {
      schema: { summary: 'What the gateway is doing', security: [{ bearer: [] }] },
      preHandler: requireRole(parts.access, ['admin', 'auditor']),
    },
    async () => parts.status(),
  );
}
