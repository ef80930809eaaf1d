/** Ports for programs that must be told one. */
import { createServer, type Server } from 'node:net';

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const holder = await holdPort();
  await holder.release();
  return holder.port;
}

/** A port that is busy until `release`. */
export async function holdPort(): Promise<{ readonly port: number; release(): Promise<void> }> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, release: () => new Promise((resolve) => server.close(() => resolve())) };
}
