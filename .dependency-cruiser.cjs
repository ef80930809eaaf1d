/** Who may import whom (docs/architecture.md). Tests may reach across. */
const TEST = '\\.test\\.ts$|/testing/';
const PARTS = ['gateway', 'provider', 'witness', 'device-sim'];

const onlyIn = (pkg, ...places) => ({
  name: `${pkg.replace(/[^a-z0-9]/gi, '-')}-in-one-adapter`,
  comment: `${pkg} may be imported only by ${places.join(', ')}`,
  severity: 'error',
  from: {
    path: '^(src|gateway|provider|witness|device-sim|contracts|bin)/',
    pathNot: `^(${places.join('|')})|${TEST}`,
  },
  to: { path: `^node_modules/${pkg}(/|$)|^${pkg}$` },
});

module.exports = {
  forbidden: [
    {
      name: 'src-is-isomorphic',
      comment: 'src imports only itself and @noble/*',
      severity: 'error',
      from: { path: '^src/', pathNot: TEST },
      to: { pathNot: '^src/|^node_modules/@noble/(curves|hashes)/' },
    },
    ...PARTS.map((part) => ({
      name: `${part}-stands-alone`,
      comment: 'gateway, provider, witness and device-sim know src, never one another',
      severity: 'error',
      from: { path: `^${part}/`, pathNot: TEST },
      to: { path: `^(${PARTS.filter((other) => other !== part).join('|')}|bin)/` },
    })),
    {
      name: 'contracts-stand-alone',
      severity: 'error',
      from: { path: '^contracts/', pathNot: TEST },
      to: { path: `^(${PARTS.join('|')}|bin)/` },
    },
    ...['ingest', 'validate', 'log', 'anchor', 'deliver', 'http', 'watch', 'witness', 'timestamp'].map(
      (stage) => ({
        name: `${stage}-sees-ports-only`,
        comment: 'a stage sees its neighbours through gateway/ports.ts',
        severity: 'error',
        from: { path: `^gateway/${stage}/`, pathNot: TEST },
        to: {
          path: `^gateway/(?!${stage}/|ports\\.ts|errors\\.ts|checked-batch\\.ts|back-off\\.ts|bounded-answer\\.ts|woken-loop\\.ts|store/|crypto/)`,
        },
      }),
    ),
    {
      name: 'fsck-looks-from-outside',
      comment: 'the checker shares no code with what it checks',
      severity: 'error',
      from: { path: '^gateway/fsck/', pathNot: TEST },
      to: { path: '^gateway/(log|validate|ingest|deliver|http|receipt)/|^gateway/(open-store|main|compose)' },
    },
    {
      name: 'adapters-know-no-stage',
      severity: 'error',
      from: { path: '^gateway/(store|crypto)/', pathNot: TEST },
      to: { path: '^gateway/(ingest|validate|log|anchor|deliver|http|main)' },
    },
    onlyIn('aedes', 'gateway/ingest/'),
    onlyIn('mqtt', 'gateway/ingest/external/broker-connection', 'device-sim/'),
    onlyIn('ethers', 'gateway/anchor/', 'gateway/fsck/chain-ethers', 'contracts/', 'bin/'),
    onlyIn('better-sqlite3', 'gateway/store/', 'provider/', 'witness/'),
    onlyIn('sodium-native', 'gateway/crypto/'),
    onlyIn('piscina', 'gateway/validate/'),
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
};
