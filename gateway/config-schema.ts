/**
 * The one schema of the gateway's configuration. docs/configuration.md and docs/configuration.schema.json are generated from
 * it; `attack` says what someone gains who can change the setting.
 */
import Type, { type Static, type TSchemaOptions } from 'typebox';

interface Setting extends TSchemaOptions {
  readonly description: string;
  readonly attack?: string;
  /** What would match the pattern, told to whom it did not. */
  readonly example?: string;
}

const closed = { additionalProperties: false };
const text = (setting: Setting) => Type.String({ minLength: 1, ...setting });
const port = (setting: Setting) => Type.Integer({ minimum: 0, maximum: 65_535, ...setting });
const count = (setting: Setting & { minimum?: number; maximum?: number }) =>
  Type.Integer({ minimum: 1, ...setting });
const seconds = (setting: Setting) => Type.Number({ minimum: 0.05, maximum: 86_400, ...setting });

/** The gateway looks for as many sessions at its start, so that none that it left is forgotten. */
export const CONNECTIONS_MAX = 16;
const NAME = '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$';
const HEX_32 = '^0x[0-9a-fA-F]{64}$';
const ADDRESS = '^0x[0-9a-fA-F]{40}$';

const mqttTls = Type.Object(
  {
    host: text({
      default: '127.0.0.1',
      description: 'Address the broker listens on with TLS.',
      attack: 'Opens the broker to other networks.',
    }),
    port: port({ default: 8883, description: 'Port of the broker with TLS; 0 picks a free one.' }),
    certFile: text({
      description:
        'PEM file with the certificate of the server and its intermediates. Read again when it changes, without a restart.',
      attack: 'With a certificate that devices trust, another can stand in for the gateway.',
    }),
    keyFile: text({
      description:
        'PEM file with the unencrypted private key of the certificate. Read again when it changes.',
      attack: 'With this file another can stand in for the gateway, and read what devices send it.',
    }),
    clientCaFile: Type.Optional(
      text({
        description:
          'PEM file with the authorities whose client certificates count. Read again when it changes.',
        attack: 'Whoever adds an authority can make certificates for every device.',
      }),
    ),
    clientCertificate: Type.Enum(['none', 'optional', 'required'], {
      default: 'none',
      description:
        'Whether clients are asked for a certificate, and whether those without a good one are sent away in the handshake. It must name the device as a URI among its subject alternative names.',
      attack: 'Less than `required`: whoever reaches the port gets to say CONNECT.',
    }),
  },
  closed,
);

const mqttToken = Type.Object(
  {
    maxSeconds: count({
      default: 600,
      maximum: 86_400,
      description: 'Longest validity of a token, in seconds; one made out for longer is refused.',
      attack: 'A high value lets a token that was overheard be used for longer.',
    }),
    leewaySeconds: count({
      default: 300,
      minimum: 0,
      maximum: 86_400,
      description: 'How far the clock of a device may be off, in seconds.',
      attack: 'As for mqtt.token.maxSeconds.',
    }),
  },
  { ...closed, default: {} },
);

const mqttLimits = Type.Object(
  {
    connectionsPerAddress: count({
      default: 5_000,
      maximum: 1_000_000,
      description:
        'Connections from one address at once. A whole clinic may stand behind one; keep it below mqtt.maxConnections, so that no address can take all.',
      attack: 'A value near mqtt.maxConnections lets one address keep everyone else out.',
    }),
    pendingPerAddress: count({
      default: 1_000,
      maximum: 100_000,
      description:
        'Connections from one address that have not said who they are; a further one takes the place of the oldest that had three seconds for it.',
      attack: 'A high value lets silent connections pile up.',
    }),
    connectsPerSecondPerAddress: count({
      default: 500,
      maximum: 1_000_000,
      description:
        'New connections a second from one address in the long run, ten times as many at once; more are closed unread. A tenth of it while the address is shut out.',
      attack: 'A high value lets one address spend the processor on handshakes.',
    }),
    connectsPerMinutePerDevice: count({
      default: 120,
      maximum: 1_000_000,
      description:
        'Times a device may connect in a minute from one address; more cost it a back-off of one second that doubles up to five minutes.',
      attack: 'A high value lets a device that reconnects in a loop go on.',
    }),
    connectionsPerDevice: count({
      default: 4,
      maximum: 10_000,
      description: 'Connections of one device at once; a further one closes the oldest.',
      attack: 'A high value lets one device take the connections of others.',
    }),
    failuresPerMinutePerAddress: count({
      default: 100,
      maximum: 1_000_000,
      description:
        'Failures (bad packets, failed authentication, slow or broken-off connecting) in a minute from one address; more shut the address out, from one second up to five minutes. Devices that have proven themselves from there still come in.',
      attack: 'A high value gives whoever tries names or tokens more tries.',
    }),
    inFlightMessages: count({
      default: 1_000,
      maximum: 65_535,
      description:
        'Messages of one connection that wait for their verdict; behind so many it is not read from. Also: messages sent to it that it has not acknowledged; more are not sent.',
      attack: 'A high value lets one connection crowd the intake.',
    }),
    inFlightBytes: count({
      default: 1_048_576,
      minimum: 65_536,
      maximum: 1_073_741_824,
      description: 'The same in bytes of packets.',
      attack: 'A high value lets one connection take the memory.',
    }),
    messagesPerSecond: count({
      default: 5_000,
      maximum: 1_000_000,
      description:
        'Packets a second of one connection in the long run, ten times as many at once; who sends faster is read from more slowly.',
      attack: 'A high value lets one connection crowd out others.',
    }),
    bytesPerSecond: count({
      default: 4_194_304,
      minimum: 1_024,
      maximum: 1_073_741_824,
      description: 'The same in bytes.',
      attack: 'A high value lets one connection crowd out others.',
    }),
    connectSeconds: seconds({
      default: 10,
      description:
        'Time from the first byte of a connection, TLS handshake included, to its complete CONNECT.',
      attack: 'A high value lets slow connections hold their places.',
    }),
    packetSeconds: seconds({
      default: 60,
      description: 'Time to finish a packet once it has begun.',
      attack: 'A high value lets half-sent packets hold memory.',
    }),
    idleSeconds: seconds({
      default: 3_600,
      description:
        'Longest silence of a connection, also of one that promised no keep-alive or a longer one; then it counts as gone.',
      attack: 'A high value lets dead connections hold their places.',
    }),
  },
  { ...closed, default: {} },
);

const mqtt = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description:
        'Whether the embedded MQTT broker runs. Without it statements come through `brokers` alone.',
      attack: 'Off: devices that know only this broker are not heard.',
    }),
    host: text({
      default: '127.0.0.1',
      description: 'Address the embedded MQTT broker listens on.',
      attack: 'Opens the broker to other networks.',
    }),
    port: port({ default: 1883, description: 'Port of the embedded MQTT broker; 0 picks a free one.' }),
    plain: Type.Boolean({
      default: true,
      description:
        'Listen without TLS, on mqtt.host and mqtt.port. For this machine or a network that is trusted.',
      attack: 'On an open network, readings can be read on the way, and connections taken over.',
    }),
    tls: Type.Optional(mqttTls),
    authentication: Type.Enum(['none', 'token', 'certificate', 'token-or-certificate'], {
      default: 'none',
      description:
        'What a device must show to connect under its name: nothing; a token signed with its enrolled key; a client certificate. No statement gets in without the device’s signature in any case.',
      attack:
        'With `none`, whoever reaches the broker and knows a device’s name can hear its acknowledgements and have it shut out.',
    }),
    token: mqttToken,
    maxConnections: count({
      default: 10_000,
      maximum: 1_000_000,
      description: 'Connections at once; more are refused.',
      attack: 'A high value lets a flood of connections take the memory.',
    }),
    maxStatementBytes: count({
      default: 262_144,
      minimum: 1024,
      maximum: 16_777_216,
      description: 'Longest statement taken, in bytes; a longer one is `oversize`.',
      attack: 'A high value lets one device take the memory.',
    }),
    limits: mqttLimits,
  },
  { ...closed, default: {} },
);

const broker = Type.Object(
  {
    name: Type.String({ pattern: NAME, description: 'Name of the broker in logs, metrics and status.' }),
    url: Type.String({
      pattern: '^mqtts?://[^@]+$',
      description:
        'An existing MQTT 5 broker: `mqtt://host:port`, or `mqtts://host:port` for TLS. Without credentials.',
      attack:
        'Statements and answers come from and go to another broker: it can hold back, repeat and read them, not forge them.',
    }),
    username: Type.Optional(text({ description: 'User name at the broker.' })),
    passwordFile: Type.Optional(
      text({
        description: 'File with the password; read at each connection.',
        attack:
          'With the password statements can be taken out of the broker and answers sent in the gateway’s name.',
      }),
    ),
    caFile: Type.Optional(
      text({
        description:
          'PEM file with the certificate authorities that may vouch for the broker; without it those Node trusts.',
        attack: 'Another broker can pass for this one.',
      }),
    ),
    certFile: Type.Optional(
      text({ description: 'PEM file with the gateway’s certificate, for mutual TLS.' }),
    ),
    keyFile: Type.Optional(
      text({
        description: 'PEM file with the private key of that certificate.',
        attack: 'With both files someone else can connect as the gateway.',
      }),
    ),
    group: Type.String({
      pattern: NAME,
      default: 'vitalseal',
      description:
        'Share name of the subscription, and part of the client ids `vitalseal-GROUP-1`, `-2` ... One gateway alone may use it.',
      attack: 'Two gateways in one group take statements from each other.',
    }),
    connections: count({
      default: 1,
      maximum: CONNECTIONS_MAX,
      description:
        'Connections that share the subscription. One is as fast as several, and keeps the order; more help where the broker limits each connection.',
    }),
    receiveMaximum: count({
      default: 1_000,
      maximum: 65_535,
      description: 'Statements that each connection has in flight, unacknowledged.',
      attack: 'A high value lets statements that wait for the disk take the memory.',
    }),
    sessionExpirySeconds: count({
      default: 2_592_000,
      maximum: 4_294_967_295,
      description:
        'How long the broker keeps what comes while the gateway is away; 4294967295 is for ever. The broker may allow less.',
      attack: 'A low value lets a short outage of the gateway lose what the broker gathered.',
    }),
    answers: Type.Boolean({
      default: true,
      description:
        'Whether each device is told on its acks topic what became of each statement. Devices that keep a statement until then need it.',
      attack: 'Off: such devices send the same again and again, and never forget.',
    }),
  },
  closed,
);

const http = Type.Object(
  {
    host: text({
      default: '127.0.0.1',
      description: 'Address of the HTTP interface.',
      attack: 'Opens the interface to other networks; put TLS in front.',
    }),
    port: port({ default: 8480, description: 'Port of the HTTP interface; 0 picks a free one.' }),
  },
  { ...closed, default: {} },
);

const keys = Type.Object(
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

const chain = Type.Object(
  {
    rpcUrl: Type.String({
      pattern: '^https?://',
      example: 'https://rpc.example.org',
      description: 'JSON-RPC endpoint of the chain.',
      attack: 'A lying endpoint can delay anchors and show false finality to this gateway, not to verifiers.',
    }),
    chainId: count({
      description: 'Chain id the endpoint must report.',
      attack: 'Anchors go to a chain that nobody checks.',
    }),
    contract: Type.String({
      pattern: ADDRESS,
      example: `0x${'5f'.repeat(20)}`,
      description: 'Address of the ReadingLog contract.',
      attack: 'Anchors go where verifiers do not look.',
    }),
    logId: Type.String({
      pattern: HEX_32,
      example: `0x${'5f'.repeat(32)}`,
      description: 'Id of this log in the contract.',
    }),
    keystoreFile: text({ description: 'Encrypted keystore (JSON) of the operator account.' }),
    passwordFile: text({
      description: 'File with the password of the keystore.',
      attack:
        'With both files anchors can be made in this log’s name; the contract still refuses any that rewrite history.',
    }),
    finality: Type.Enum(['auto', 'finalized', 'confirmations'], {
      default: 'auto',
      description:
        'How a block is known to be final: by the chain’s own `finalized` tag, by confirmations, or by the tag where the node knows it.',
      attack:
        'By confirmations on a chain that reorganises deeper: anchors are called final that can still be undone.',
    }),
    confirmations: count({
      default: 12,
      maximum: 10_000,
      description: 'Blocks after which an anchor is final on a chain without a `finalized` tag.',
      attack: 'A low value calls anchors final that a reorganisation can still undo.',
    }),
    maxFeeGwei: Type.Number({
      default: 200,
      exclusiveMinimum: 0,
      description:
        'Highest fee per gas offered, in gwei. While the chain asks more, anchors wait; no reading does.',
      attack: 'A high value lets fees eat the balance.',
    }),
    pollSeconds: seconds({ default: 4, description: 'How often the chain is asked for news.' }),
  },
  closed,
);

const provider = Type.Object(
  {
    id: Type.String({
      pattern: NAME,
      example: 'clinic-1',
      description: 'Name of the provider, as used at enrolment.',
    }),
    url: Type.String({
      pattern: '^https?://',
      example: 'https://clinic.example/vitalseal',
      description: 'Where deliveries are posted.',
      attack: 'Sealed deliveries go elsewhere; without the sealing key they cannot be read.',
    }),
    sealingKey: Type.String({
      pattern: '^[A-Za-z0-9+/]{43}=$',
      example: 'the 44 characters that `vitalseal provider init` prints',
      description: 'X25519 public key of the provider, base64: deliveries are sealed to it.',
      attack: 'Deliveries can be read by whoever holds the matching secret.',
    }),
  },
  closed,
);

const witness = Type.Object(
  {
    key: Type.String({
      pattern: '^[^+]+\\+[0-9a-f]{8}\\+[A-Za-z0-9+/]+={0,2}$',
      example: 'the key that `vitalseal witness init` prints',
      description:
        'Verifier key of the witness: its name, the id and the Ed25519 key (C2SP signed-note, type 4).',
      attack: 'Checkpoints carry the cosignatures of another witness, which need not refuse a fork.',
    }),
    url: Type.String({
      pattern: '^https?://[^@]+$',
      example: 'https://witness.example/w1',
      description: 'Submission prefix of the witness (C2SP tlog-witness). Without credentials.',
      attack: 'Checkpoints are shown to another; without the witness’s key it can cosign none.',
    }),
  },
  closed,
);

const timestamps = Type.Object(
  {
    url: Type.String({
      pattern: '^https?://[^@]+$',
      example: 'https://tsa.example.org/tsr',
      description: 'A timestamping authority (RFC 3161 over HTTP). Without credentials.',
      attack: 'Another can refuse timestamps, or give such as no verifier accepts.',
    }),
    everySeconds: Type.Number({
      default: 3_600,
      minimum: 1,
      maximum: 86_400,
      description:
        'At most one checkpoint in so many seconds is stamped, the newest one, and one after each start.',
    }),
    policy: Type.Optional(
      Type.String({
        pattern: '^[0-2](?:\\.(?:0|[1-9][0-9]{0,8})){1,20}$',
        example: '1.2.3.4.1',
        description: 'Object identifier of the policy that tokens must be made under; without it, any.',
      }),
    ),
  },
  closed,
);

const access = Type.Object(
  {
    name: Type.String({
      pattern: NAME,
      example: 'night-nurse',
      description: 'For logs: who this token belongs to.',
    }),
    role: Type.Enum(['admin', 'auditor', 'provider', 'patient'], {
      description:
        'admin: everything; auditor: status and every receipt; provider and patient: receipts of their own subject.',
      attack: 'Receipts hold readings: a wider role shows more of them.',
    }),
    subject: Type.Optional(
      Type.String({
        pattern: NAME,
        example: 'clinic-1',
        description: 'The provider id or patient pseudonym; required for these two roles.',
      }),
    ),
    tokenSha256: Type.String({
      pattern: '^[0-9a-f]{64}$',
      example: 'what `printf %s TOKEN | sha256sum` prints',
      description: 'SHA-256 of the bearer token, in hex. The token itself is kept nowhere here.',
    }),
  },
  closed,
);

const limits = Type.Object(
  {
    quarantinePerDevice: count({
      default: 1_000,
      description:
        'Refused statements kept for each device, and as many that are held back while it is suspended; further ones of those are not acknowledged.',
      attack: 'A low value lets evidence be flushed out.',
    }),
    quarantineTotal: count({
      default: 100_000,
      description: 'Refused statements kept in all, and as many that are held back.',
      attack: 'A high value lets refused statements fill the disk.',
    }),
    checkThreads: Type.Optional(
      count({
        maximum: 256,
        description: 'Threads that verify signatures; without it, one for each core.',
      }),
    ),
    intakeQueue: count({
      default: 20_000,
      description:
        'Statements that may wait to be checked. From there on devices are not read; twice as many are refused unacknowledged.',
      attack: 'A high value lets a flood take the memory.',
    }),
    commitQueue: count({
      default: 20_000,
      description: 'Statements that may wait for a commit; more are not acknowledged.',
    }),
    commitBatch: count({
      default: 1_024,
      maximum: 100_000,
      description: 'Statements in one commit at most.',
    }),
    commitAgeMs: Type.Number({
      default: 5,
      minimum: 0,
      maximum: 1_000,
      description:
        'Longest that a statement waits for others to share its commit, in milliseconds. It never waits longer than the commit before took.',
    }),
    commitBatchBytes: count({
      default: 8_388_608,
      minimum: 65_536,
      description: 'Bytes of statements in one commit at most.',
    }),
    deliveryBatch: count({
      default: 200,
      maximum: 4_096,
      description: 'Statements in one delivery at most.',
    }),
  },
  { ...closed, default: {} },
);

export const GatewayConfigSchema = Type.Object(
  {
    origin: Type.String({
      pattern: '^[a-z0-9.-]+(/[A-Za-z0-9._~-]+)*$',
      example: 'clinic.example/log',
      maxLength: 128,
      description:
        'Name of this log, a schema-less URL: origin line of its checkpoints, issuer of its receipts. Never change it.',
      attack: 'Receipts name another log.',
    }),
    checkpointEverySeconds: seconds({
      default: 60,
      description:
        'Cadence of checkpoints, and of anchors where a chain is configured. Fixed, so that its moments tell nothing of activity; the sizes tell how many statements came in between.',
      attack: 'A cadence that follows activity would leak it.',
    }),
    dataDir: text({ description: 'Directory of the store; one gateway at a time.' }),
    keys,
    mqtt,
    brokers: Type.Array(broker, {
      default: [],
      description: 'Existing MQTT 5 brokers that statements are taken from as well.',
    }),
    http,
    chain: Type.Optional(chain),
    providers: Type.Array(provider, { default: [], description: 'Care providers that receive readings.' }),
    witnesses: Type.Array(witness, {
      default: [],
      maxItems: 32,
      description: 'Witnesses that are asked to cosign every checkpoint. Nothing waits for them.',
    }),
    timestamps: Type.Optional(timestamps),
    access: Type.Array(access, { default: [], description: 'Bearer tokens of the HTTP interface, by role.' }),
    limits,
    policy: Type.Object(
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
    ),
    logLevel: Type.Enum(['debug', 'info', 'warn', 'error', 'silent'], {
      default: 'info',
      description: 'Least important log lines that are written, to standard error. No level holds a payload.',
    }),
  },
  closed,
);

export type GatewayConfig = Static<typeof GatewayConfigSchema>;
export type BrokerConfig = Static<typeof broker>;
