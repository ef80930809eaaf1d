/** Answers that are not a success: RFC 9457 problem details whose type is a code of docs/errors.md. */
import type { FastifyReply } from 'fastify';

export const PROBLEM_CODES = [
  'invalid-request',
  'unauthenticated',
  'forbidden',
  'not-found',
  'not-sealed-yet',
  'erased',
] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

const STATUS: Readonly<Record<ProblemCode, number>> = {
  'invalid-request': 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'not-sealed-yet': 409,
  erased: 410,
};

/** Sends a problem. `detail` says what happened, to what, and what to do. */
export function sendProblem(reply: FastifyReply, code: ProblemCode, detail: string): FastifyReply {
  const status = STATUS[code];
  if (code === 'unauthenticated') void reply.header('www-authenticate', 'Bearer');
  return reply
    .code(status)
    .type('application/problem+json')
    .header('cache-control', 'no-store') // what is not there yet may be in a second
    .send(JSON.stringify({ type: code, status, detail }));
}
