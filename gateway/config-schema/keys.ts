/** Where the secrets of the gateway lie. */
import Type from 'typebox';
import { closed, text } from './setting.ts';

export const keys = Type.Object(
  {
    masterKeyFile: text({
      description: 'File with the 32-byte master key in hex: wraps every patient key.',
      attack: 'With this file and the data directory every reading can be read.',
    }),
    logKeyFile: text({
      description:
        'File with the 32-byte Ed25519 secret of the log in hex: signs checkpoints, receipts, device events.',
      attack: 'With this file a false log can be signed; the anchors on the chain contradict it.',
    }),
    webhookKeyFile: text({
      description: 'File with the 32-byte Ed25519 secret that signs deliveries, in hex.',
      attack: 'With this file deliveries can be forged; the device signatures inside cannot.',
    }),
  },
  closed,
);
