/** aedes as it comes, with every option left alone, in a process of its own: what the gateway is measured against. */
import { createServer } from 'node:net';
import process from 'node:process';
import { Aedes } from 'aedes';

const aedes = await Aedes.createBroker();
for (const event of ['clientError', 'connectionError'] as const) aedes.on(event, () => undefined);
const server = createServer(aedes.handle);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`);
});
