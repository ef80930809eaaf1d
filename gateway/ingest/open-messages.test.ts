import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { openMessages } from './open-messages.ts';

const packet = { messageId: 7, topic: 't' };

test('a message is held from PUBLISH to PUBREL, for its own connection alone', async () => {
  const store = openMessages();
  const [client, namesake] = [{ id: '#1' }, { id: '#1' }];
  await store.incomingStorePacket(client, packet);
  expect(await store.incomingGetPacket(client, { messageId: 7 })).toBe(packet);
  await expect(store.incomingGetPacket(client, { messageId: 8 })).rejects.toThrow('no such packet');
  await expect(store.incomingGetPacket(namesake, { messageId: 7 })).rejects.toThrow('no such packet');
  await store.incomingDelPacket(client, { messageId: 7 });
  await expect(store.incomingDelPacket(client, { messageId: 7 })).rejects.toThrow('no such packet');
});

test('a clean session begins without any', async () => {
  const store = openMessages();
  const client = {};
  await store.incomingStorePacket(client, packet);
  await store.cleanIncoming(client);
  await expect(store.incomingGetPacket(client, packet)).rejects.toThrow('no such packet');
});

test('what a connection left open ends with it', async () => {
  const store = openMessages();
  const gone = await leaveOpen(store);
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  await new Promise((resolve) => setImmediate(resolve)); // what was made in this turn is kept until its end
  collectGarbage();
  expect(gone.deref()).toBeUndefined();
  await store.cleanIncoming({}); // the store itself is still there
});

async function leaveOpen(store: ReturnType<typeof openMessages>): Promise<WeakRef<object>> {
  const client = { id: '#1' };
  const message = { messageId: 7, payload: new Uint8Array(1_000) };
  await store.incomingStorePacket(client, message);
  return new WeakRef(message);
}
