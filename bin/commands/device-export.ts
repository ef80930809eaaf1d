import type { GatewayStore } from '../../gateway/open-store.ts';
import type { DeviceRowSummary } from '../../gateway/store/device-lists.ts';
import { bytesToBase64 } from '../../src/bytes.ts';
import { encodeCoseKey, type PublicKey } from '../../src/cose/key.ts';
import { type Command, EXIT } from '../cli.ts';
import { CONFIG_OPTION, configOf, withStore } from '../store-access.ts';

const PAGE = 1000;

export const deviceExport: Command = {
  name: 'device export',
  summary: 'Write the enrolments as a file that device enrol takes: for a new log',
  options: { config: CONFIG_OPTION },
  help: `
Prints one JSON object a line for each active device, with its newest key that is not retired. A device that is suspended or revoked is left
out, and one that has further keys is written with one; both are said on standard error.`,
  async run(values, _positionals, io) {
    await withStore(configOf(values, io), async (store) => {
      for (const exported of enrolments(store)) {
        if (exported.line !== undefined) io.out(JSON.stringify(exported.line));
        if (exported.remark !== undefined) io.err(`${exported.device}: ${exported.remark}`);
      }
    });
    return EXIT.ok;
  },
};

interface KeyRow {
  readonly key: PublicKey;
  readonly addedAt: number;
  readonly retiredAt?: number | undefined;
}

interface Exported {
  readonly device: string;
  readonly line?: object;
  readonly remark?: string;
}

function* enrolments({ log: { registry } }: GatewayStore): Generator<Exported> {
  for (let behind: string | undefined = ''; behind !== undefined; ) {
    const page = registry.lists.summaries(PAGE, behind);
    for (const row of page) {
      const id = registry.device(row.device)?.id ?? 0;
      yield exportOne(row, registry.keys.of(id));
    }
    behind = page.at(-1)?.device;
  }
}

function exportOne(row: DeviceRowSummary, all: readonly KeyRow[]): Exported {
  const { device, patient, provider, status, ownCadence } = row;
  const keys = all.filter(({ retiredAt }) => retiredAt === undefined);
  const newest = keys.toSorted((a, b) => a.addedAt - b.addedAt).at(-1);
  if (status !== 'active') return { device, remark: `left out: it is ${status}` };
  if (newest === undefined) return { device, remark: 'left out: all its keys are retired' };
  const cadence = ownCadence === 0 ? 'off' : ownCadence;
  const key = bytesToBase64(encodeCoseKey(newest.key));
  return {
    device,
    line: { device, patient, provider, key, ...(cadence !== null && { cadence }) },
    ...(keys.length > 1 && { remark: `has ${keys.length} keys; add the others with device add-key` }),
  };
}
