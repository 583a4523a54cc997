/**
 * The import rules of docs/architecture.md, enforced. A room is entered by its index.ts alone;
 * pure rooms import nothing of ours and no Node module; there are no cycles.
 */
const rooms = [
  'raft',
  'mvcc',
  'history',
  'consensus',
  'etcd-api',
  'event-store',
  'apimachinery',
  'apiserver',
  'client',
  'controllers',
  'scheduler',
  'kubelet',
  'kube-proxy',
  'pki',
  'telemetry',
  'simulation',
];
const may = {
  raft: [],
  mvcc: [],
  history: [],
  apimachinery: [],
  consensus: ['raft', 'mvcc'],
  'etcd-api': ['consensus'],
  'event-store': ['consensus', 'mvcc'],
  apiserver: ['consensus', 'apimachinery'],
  client: ['apimachinery'],
  controllers: ['client', 'apimachinery'],
  scheduler: ['client', 'apimachinery'],
  kubelet: ['client', 'apimachinery'],
  'kube-proxy': ['client', 'apimachinery'],
  pki: [],
  telemetry: [],
  simulation: ['raft', 'mvcc', 'history', 'consensus'],
};
const specs = '\\.spec\\.ts$';
module.exports = {
  forbidden: [
    ...rooms.map((room) => ({
      name: `${room}-imports`,
      comment: `libs/${room} may import ${may[room].join(', ') || 'nothing of ours'}`,
      severity: 'error',
      from: { path: `^libs/${room}/`, pathNot: specs },
      to: { path: '^(libs|apps|loadtest|test)/', pathNot: `^libs/(${[room, ...may[room]].join('|')})/` },
    })),
    {
      name: 'pure-rooms-have-no-io',
      severity: 'error',
      from: { path: '^libs/(raft|mvcc|history|apimachinery)/', pathNot: specs },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pure-rooms-have-no-frameworks',
      severity: 'error',
      from: { path: '^libs/(raft|mvcc|history|apimachinery)/', pathNot: specs },
      to: { path: 'node_modules/(@nestjs|rxjs)/' },
    },
    {
      name: 'rooms-are-entered-by-index',
      severity: 'error',
      from: { path: '^(libs/([^/]+)|apps|loadtest|test)/' },
      to: { path: '^libs/', pathNot: ['^libs/$2/', '^libs/[^/]+/src/index\\.ts$'] },
    },
    { name: 'libs-do-not-import-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    {
      name: 'simulation-is-for-tests',
      severity: 'error',
      from: { path: '^(apps|libs|loadtest)/', pathNot: [specs, '^libs/simulation/'] },
      to: { path: '^libs/simulation/' },
    },
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
    exclude: { path: '(^dist/|loadtest/k6/)' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'require', 'node', 'default', 'types'],
    },
  },
};
