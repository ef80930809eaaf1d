/** What the gateway does about devices that contradict themselves or fall silent. */
import Type from 'typebox';
import { closed } from './setting.ts';

export const policy = Type.Object(
  {
    suspendOnEquivocation: Type.Boolean({
      default: true,
      description: 'Suspend a device that signs two statements for one number.',
      attack: 'Off: a cloned key can go on sending beside the real device.',
    }),
    silenceAfterSeconds: Type.Optional(
      Type.Number({
        minimum: 1,
        maximum: 31_536_000,
        description:
          'An active device of which nothing is accepted for so long is silent: a warning in the log, `vitalseal_devices_silent`, `GET /v1/devices?silent=true`. A device can have a cadence of its own (`vitalseal device cadence`). Without either it is never silent.',
        attack: 'Without it, or with a high value, readings that do not come are noticed by nobody.',
      }),
    ),
  },
  { ...closed, default: {} },
);
