import { writeFileSync } from 'node:fs';
import type { GatewayConfig } from '../../gateway/config-schema.ts';
import type { GatewayStore } from '../../gateway/open-store.ts';
import type { LogEntry } from '../../gateway/ports.ts';
import { LogReceipts } from '../../gateway/receipt/receipt-maker.ts';
import { readSigner } from '../../gateway/secrets.ts';
import { type Command, EXIT, optionalText, text, UsageError, type Values, whole } from '../cli.ts';
import { CONFIG_OPTION, configOf, withStore } from '../store-access.ts';
import { describeTrust } from '../trust-file.ts';

const DEVICE = { type: 'string', value: 'URN', description: 'the device' } as const;

export const receiptExport: Command = {
  name: 'receipt export',
  summary: 'Write the receipt of one reading: the file a patient keeps',
  options: {
    config: CONFIG_OPTION,
    index: { type: 'string', value: 'N', description: 'its log index; or' },
    device: DEVICE,
    seq: {
      type: 'string',
      value: 'N',
      description: 'and its sequence number; without one, the device’s newest statement',
    },
    boot: { type: 'string', value: 'N', description: 'and its boot', default: '0' },
    out: { type: 'string', value: 'FILE', description: 'where to write it; by default INDEX.receipt.cbor' },
    'require-final': { type: 'boolean', description: 'fail unless the anchor is final' },
  },
  help: 'The file holds the reading itself, the device’s signature, the proof that it is in the log, and the anchor on the chain.',
  async run(values, _positionals, io) {
    const config = configOf(values, io);
    return withStore(config, async (store) => {
      const entry = await findEntry(store, values);
      if (entry === undefined) {
        io.err('there is no such statement in the log');
        return EXIT.no;
      }
      const made = await receiptsOf(config, store).make(entry.index);
      if (made.kind === 'reject') {
        io.err(made.detail);
        return EXIT.no;
      }
      const { bytes, state } = made.value;
      if (values['require-final'] === true && state !== 'final') {
        io.err(`entry ${entry.index} is ${state}, not final yet; nothing was written`);
        return EXIT.no;
      }
      const file = optionalText(values, 'out') ?? `${entry.index}.receipt.cbor`;
      writeFileSync(file, bytes, { mode: 0o600 });
      io.out(
        `wrote ${file}: ${entry.device} boot ${entry.boot} seq ${entry.seq}, index ${entry.index}, ${state}`,
      );
      return EXIT.ok;
    });
  },
};

export const receiptTrust: Command = {
  name: 'receipt trust',
  summary: 'Write what a verifier may be handed to trust: log key, contract, device keys',
  options: {
    config: CONFIG_OPTION,
    device: { ...DEVICE, description: 'only this device’s keys' },
    out: { type: 'string', value: 'FILE', description: 'where to write it; by default standard output' },
  },
  help: `
This is the gateway operator's word. A verifier who does not want to take it gets the log key and contract from the operator's
public pages and the device keys from the device maker, and writes the same file.`,
  async run(values, _positionals, io) {
    const config = configOf(values, io);
    const device = optionalText(values, 'device');
    const content = await withStore(config, async ({ log }) => {
      const logKey = readSigner(config.keys.logKeyFile, 'keys.logKeyFile').publicKey;
      return JSON.stringify(describeTrust(config, logKey, log.registry, device), null, 2);
    });
    const file = optionalText(values, 'out');
    if (file === undefined) io.out(content);
    else {
      writeFileSync(file, `${content}\n`);
      io.out(`wrote ${file}: the operator's word on the log key, the contract and the device keys`);
    }
    return EXIT.ok;
  },
};

function receiptsOf(config: GatewayConfig, store: GatewayStore): LogReceipts {
  const signer = readSigner(config.keys.logKeyFile, 'keys.logKeyFile');
  const { log, anchors, timestamps } = store;
  return new LogReceipts({ origin: config.origin, signer, log: log.reader, anchors, timestamps });
}

async function findEntry({ log }: GatewayStore, values: Values): Promise<LogEntry | undefined> {
  if (values['index'] !== undefined)
    return log.reader.entry(whole(values, 'index', 0, Number.MAX_SAFE_INTEGER));
  if (values['device'] === undefined) throw new UsageError('--index, or --device, says which reading');
  const device = text(values, 'device');
  if (values['seq'] === undefined) return (await log.reader.newestOfDevice(device, 1))[0];
  const boot = whole(values, 'boot', 0, Number.MAX_SAFE_INTEGER);
  return log.reader.findStatement(device, boot, whole(values, 'seq', 0, Number.MAX_SAFE_INTEGER));
}
