/** The HTTP interface: health, metrics, status, receipts, and the log for whoever follows it. The one file that starts fastify. */
import swagger from '@fastify/swagger';
import fastify, { type FastifyInstance } from 'fastify';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../ports.ts';
import { type AdminParts, adminRoutes } from './admin-routes.ts';
import { type LogParts, logRoutes } from './log-routes.ts';
import { sendProblem } from './problems.ts';
import { type ReceiptParts, receiptRoutes } from './receipt-routes.ts';
import { type StatusParts, statusRoutes } from './status-routes.ts';

/** Nothing here takes a large body. */
const BODY_LIMIT_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
/** Above the longest parameter that a schema allows, so that it is the schema that answers. */
const PARAM_LENGTH_MAX = 512;

export interface HttpParts extends StatusParts, ReceiptParts, LogParts, AdminParts {
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
}

/** Builds the server without listening. */
export async function buildHttp(parts: HttpParts): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    // A URL that cannot be read comes before any handler of ours.
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, 'invalid-request', error.message),
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Vitalseal gateway', version: '1' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
  });
  app.setErrorHandler((error, _request, reply) => {
    const { validation, statusCode, message } = error as {
      validation?: unknown;
      statusCode?: number;
      message: string;
    };
    if (validation !== undefined || (statusCode !== undefined && statusCode < 500)) {
      return sendProblem(reply, 'invalid-request', message);
    }
    parts.logger.error({ reason: message }, 'a request failed');
    const code = error instanceof GatewayError ? error.code : 'store-unavailable';
    return reply
      .code(500)
      .type('application/problem+json')
      .send(JSON.stringify({ type: code, status: 500 }));
  });
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, 'not-found', 'there is nothing under this path'),
  );
  statusRoutes(app, parts);
  receiptRoutes(app, parts);
  logRoutes(app, parts);
  adminRoutes(app, parts);
  app.get('/openapi.json', { schema: { hide: true } as object }, async () => app.swagger());
  await app.ready();
  return app;
}

/** Starts listening and returns the port. Throws GatewayError port-in-use. */
export async function listenHttp(app: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const busy = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const what = busy
      ? 'is in use; stop what holds it or set http.port'
      : `cannot be listened on: ${(cause as Error).message}`;
    throw new GatewayError('port-in-use', `HTTP port ${host}:${port} ${what}`, { cause, fatal: true });
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
