/** Lets a request through when its caller has one of the roles; remembers the caller. */
import type { FastifyReply, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify';
import type { AccessList, Caller, Role } from './access.ts';
import { sendProblem } from './problems.ts';

const callers = new WeakMap<FastifyRequest, Caller>();

export function requireRole(access: AccessList, roles: readonly Role[]): preHandlerAsyncHookHandler {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const caller = access.identify(request);
    if (caller === undefined)
      return sendProblem(reply, 'unauthenticated', 'a bearer token of this gateway is needed');
    if (!roles.includes(caller.role))
      return sendProblem(reply, 'forbidden', `the role ${caller.role} may not do this`);
    callers.set(request, caller);
    return undefined;
  };
}

/** The caller that `requireRole` let through. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new TypeError('request: no guard ran before this handler');
  return caller;
}
