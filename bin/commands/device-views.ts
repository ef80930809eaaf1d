import { RegistryDirectory } from '../../gateway/log/directory.ts';
import type { DeviceDetails, DeviceSummary } from '../../gateway/ports.ts';
import { argument, type Command, EXIT } from '../cli.ts';
import { CONFIG_OPTION, configOf, withStore } from '../store-access.ts';

const JSON_OPTION = { type: 'boolean', description: 'print JSON instead of text' } as const;
const PAGE = 1000;

export const deviceList: Command = {
  name: 'device list',
  summary: 'List the enrolled devices',
  options: { config: CONFIG_OPTION, json: JSON_OPTION },
  async run(values, _positionals, io) {
    const devices = await withStore(configOf(values, io), async ({ log }) => {
      const directory = new RegistryDirectory(log.registry, log.sequences);
      const all: DeviceSummary[] = [];
      for (
        let page = await directory.list(PAGE, '');
        page.length > 0;
        page = await directory.list(PAGE, all.at(-1)?.device ?? '')
      ) {
        all.push(...page);
      }
      return all;
    });
    if (values['json'] === true) io.out(JSON.stringify(devices, null, 2));
    else if (devices.length === 0) io.out('no device is enrolled; vitalseal device enrol enrols one');
    else for (const device of devices) io.out(summaryLine(device));
    return EXIT.ok;
  },
};

export const deviceShow: Command = {
  name: 'device show',
  summary: 'Show one device: its keys, what it sent, what is missing',
  positionals: 'URN',
  options: { config: CONFIG_OPTION, json: JSON_OPTION },
  async run(values, positionals, io) {
    const urn = argument(positionals);
    const device = await withStore(configOf(values, io), ({ log }) =>
      new RegistryDirectory(log.registry, log.sequences).show(urn),
    );
    if (device === undefined) {
      io.err(`${urn} is not enrolled`);
      return EXIT.no;
    }
    io.out(values['json'] === true ? JSON.stringify(device, null, 2) : describe(device));
    return EXIT.ok;
  },
};

function summaryLine({
  device,
  status,
  patient,
  provider,
  statements,
  missing,
  lastSeen,
}: DeviceSummary): string {
  const seen = lastSeen === null ? 'never seen' : `last seen ${new Date(lastSeen).toISOString()}`;
  return `${device}  ${status}  patient ${patient}  provider ${provider}  ${statements} statements, ${missing} missing  ${seen}`;
}

function describe(device: DeviceDetails): string {
  const keys = device.keys.map(({ kid, algorithm, retiredAt }) => {
    return `  key ${kid} ${algorithm}${retiredAt === null ? '' : `, retired ${new Date(retiredAt).toISOString()}`}`;
  });
  const gaps = device.gaps.map(({ boot, from, to }) => `  missing boot ${boot} seq ${from} to ${to}`);
  return [summaryLine(device), ...keys, ...gaps].join('\n');
}
