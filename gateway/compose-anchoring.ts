/** Puts the anchor stage together; without a chain, a loop that only seals. */
import { hexToBytes } from '../src/bytes.ts';
import { Anchorer } from './anchor/anchorer.ts';
import { EthersChain } from './anchor/ethers-chain.ts';
import { loadWallet } from './anchor/ethers-wallet.ts';
import type { FeePolicy } from './anchor/fee-policy.ts';
import { LATE_MS, type MemberParts } from './anchor/quorum/member.ts';
import { majorityOf } from './anchor/quorum/votes.ts';
import { QuorumChain } from './anchor/quorum-chain.ts';
import { RemoteSigner } from './anchor/remote-signer.ts';
import type { TransactionSigner } from './anchor/signing.ts';
import type { AnchorMetrics, AnchorStatus } from './anchor/status.ts';
import type { GatewayConfig } from './config-schema.ts';
import type { GatewayError } from './errors.ts';
import type { Metrics } from './http/metrics.ts';
import { SealLoop } from './log/seal-loop.ts';
import type { AnchorEvents, Clock, DeviceOutlet, Logger, Sealer } from './ports.ts';
import type { ConnectedStore } from './store-thread/connect.ts';

/** One call to the chain, or all calls for one event proof. A node that takes longer is treated as not there. */
const RPC_TIMEOUT_MS = 10_000;
/** A pending transaction is replaced after so many cadences without its block. */
const STUCK_AFTER_CADENCES = 3;
const GWEI = 1e9;

type ChainConfig = NonNullable<GatewayConfig['chain']>;

export interface Anchoring extends AnchorEvents {
  start(): void;
  close(): Promise<void>;
  /** undefined without a chain. */
  status(): Promise<AnchorStatus | undefined>;
}

export interface AnchoringParts {
  readonly store: ConnectedStore;
  readonly sealer: Sealer;
  readonly outlet: DeviceOutlet;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly onFatal: (error: GatewayError) => void;
}

export async function composeAnchoring(config: GatewayConfig, parts: AnchoringParts): Promise<Anchoring> {
  const { store, sealer, outlet, clock, logger, metrics, onFatal } = parts;
  const everyMs = config.checkpointEverySeconds * 1000;
  if (config.chain === undefined) {
    const loop = new SealLoop(sealer, logger, everyMs);
    return {
      start: () => loop.start(),
      close: () => loop.close(),
      status: async () => undefined,
      onFinal: () => () => undefined,
    };
  }
  const { chain } = config;
  const quorumChain = await connectChain(chain, { clock, logger, lateMs: LATE_MS });
  metrics.watchChainNodes(() => quorumChain.nodes());
  const anchorer = new Anchorer(
    {
      chain: quorumChain,
      store: store.anchors,
      log: store.log.reader,
      sealer,
      outlet,
      clock,
      logger,
      metrics: anchorMetrics(metrics),
      onFatal,
    },
    {
      ...feePolicy(chain),
      anchorEveryMs: everyMs,
      ...(chain.anchorEveryEntries !== undefined && { anchorEveryEntries: chain.anchorEveryEntries }),
      lowBalanceDays: chain.lowBalanceDays,
      pollEveryMs: chain.pollSeconds * 1000,
      retryAtMostMs: everyMs,
      stuckAfterMs: Math.max(STUCK_AFTER_CADENCES * everyMs, 3 * chain.pollSeconds * 1000),
    },
  );
  return anchorer;
}

function feePolicy(chain: ChainConfig): FeePolicy {
  const { transactions, preferredFeeGwei } = chain;
  const waitMs = chain.preferredFeeWaitSeconds * 1000;
  return {
    transactions,
    feeCeiling: toWei(chain.maxFeeGwei),
    ...(preferredFeeGwei !== undefined && { preferred: { price: toWei(preferredFeeGwei), waitMs } }),
  };
}

function toWei(gwei: number): bigint {
  return BigInt(Math.round(gwei * GWEI));
}

/** The configuration has been checked to name one of the two. */
async function openSigner(chain: ChainConfig): Promise<TransactionSigner> {
  const { signer, keystoreFile = '', passwordFile = '' } = chain;
  if (signer === undefined) return loadWallet(keystoreFile, passwordFile);
  return new RemoteSigner({ ...signer, timeoutMs: signer.timeoutSeconds * 1000 });
}

async function connectChain(config: ChainConfig, parts: MemberParts): Promise<QuorumChain> {
  const shared = {
    target: {
      chainId: BigInt(config.chainId),
      contract: hexToBytes(config.contract.slice(2)),
      logId: hexToBytes(config.logId.slice(2)),
    },
    signer: await openSigner(config),
    finality: { by: config.finality, confirmations: config.confirmations },
    timeoutMs: RPC_TIMEOUT_MS,
  };
  const nodes = config.rpcUrls.map((rpcUrl) => new EthersChain({ rpcUrl, ...shared }));
  return new QuorumChain(nodes, { ...parts, quorum: config.quorum ?? majorityOf(nodes.length) });
}

function anchorMetrics(metrics: Metrics): AnchorMetrics {
  return {
    submitted: (_size, kind) => metrics.anchor(kind === 'new' ? 'submitted' : kind),
    anchored: (_size, gasUsed) => metrics.anchor('anchored', gasUsed),
    final: () => metrics.anchor('final'),
    setback: (kind) => metrics.anchor(kind),
    failed: (code) => metrics.anchorFailure(code),
    chain: (view) => metrics.chain(view),
    reachable: (is) => metrics.chainReachable(is),
  };
}
