import { bytesToHex } from '../../src/bytes.ts';
import { chainQuestions, verifyPack, verifyReceipt } from '../../src/receipt/verify.ts';
import { type Command, EXIT, optionalText } from '../cli.ts';
import { describeStatement } from '../describe-statement.ts';
import { isPack, readReceiptFile } from '../receipt-file.ts';
import { describeTimestamp } from '../receipt-timestamp.ts';
import { isTestData } from '../statement-content.ts';

export const receiptInspect: Command = {
  name: 'receipt inspect',
  summary: 'Show what a receipt says, without checking who says it',
  positionals: 'FILE',
  options: {
    all: { type: 'boolean', description: 'show every reading, not the first few' },
    'timestamp-out': {
      type: 'string',
      value: 'NAME',
      description: 'write its timestamp to NAME.checkpoint and NAME.tst, for openssl ts -verify',
    },
  },
  async run(values, positionals, io) {
    const bytes = readReceiptFile(positionals);
    const verdicts = isPack(bytes)
      ? verifyPack(bytes, { logs: [], deviceKeys: [] })
      : verifyReceipt(bytes, { logs: [], deviceKeys: [] });
    const wellFormed = verdicts.answers['well-formed'];
    if (wellFormed.verdict !== 'yes') {
      io.err(`not a receipt: ${wellFormed.detail}`);
      return EXIT.no;
    }
    const statements = verdicts.kind === 'pack' ? verdicts.statements : [verdicts];
    for (const { statement, index } of statements) {
      if (statement === undefined) continue;
      io.out(describeStatement(statement, index, values['all'] === true));
      if (isTestData(statement)) io.out('  TEST DATA: the device says that this does not come from a body');
    }
    const questions = chainQuestions(bytes);
    for (const anchor of questions.kind === 'ok' ? questions.value.anchors : []) {
      io.out(
        `claims an anchor: chain ${anchor.chainId}, contract 0x${bytesToHex(anchor.contract)}, log size ${anchor.size}, block ${anchor.blockNumber}, transaction 0x${bytesToHex(anchor.transactionHash)}, ${anchor.eventProof === undefined ? 'without' : 'with'} the proof of its event`,
      );
    }
    const out = optionalText(values, 'timestamp-out');
    const stamped = describeTimestamp(bytes, out);
    for (const line of stamped) io.out(line);
    if (out !== undefined && stamped.length === 0) {
      io.err('the receipt holds no timestamp; nothing was written');
      return EXIT.no;
    }
    const but = stamped.length > 0 ? ', but how the parts of the timestamp fit' : '';
    io.out(`none of this has been checked${but}; vitalseal receipt verify does that`);
    return EXIT.ok;
  },
};
