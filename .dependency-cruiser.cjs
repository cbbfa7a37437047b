// SPDX-License-Identifier: Apache-2.0

// Which part may import which: common <- native <- criu <- containerd <- cli, shim beside both; see ARCHITECTURE.md.

const errors = (rules) => rules.map((rule) => ({ severity: 'error', ...rule }));

/** What does input and output. Parsers, codecs and plans get bytes and give values. */
const inputAndOutput =
  '^(node:)?(fs|net|child_process|http|https|dgram|tls|worker_threads|readline)(/|$)' +
  '|^src/native/(index|sys)\\.ts$';

const pure = [
  '^src/criu/procfs/(?!(reader|texts|many|still-process)\\.ts$)',
  '^src/criu/plan/',
  '^src/criu/image/(messages/|codec|schema|header|payload|batches|constants|types|validate)',
  '^src/criu/memory/(?!live/)',
  '^src/criu/compare/(stored|differing)',
  '^src/common/(messages|procfs|wire)/',
  '^src/containerd/(spec\\.ts$|proto/)',
  '^src/shim/(rpc/frame|proto/.+|args|daemon-arguments|runc/args|standby/handover|task/state)\\.ts$',
  '^src/cli/service/(mapping|messages/.+)\\.ts$',
  '^src/cli/standby/handover\\.ts$',
];

module.exports = {
  forbidden: errors([
    {
      name: 'common-is-a-leaf',
      comment: 'src/common imports nothing of the project.',
      from: { path: '^src/common/' },
      to: { path: '^(src|test|bench)/', pathNot: '^src/common/' },
    },
    {
      name: 'native-needs-common-alone',
      from: { path: '^src/native/' },
      to: { path: '^(src|test|bench)/', pathNot: '^src/(common|native)/' },
    },
    {
      name: 'criu-knows-no-containerd',
      from: { path: '^src/criu/' },
      to: { path: '^(src|test|bench)/', pathNot: '^src/(common|native|criu)/' },
    },
    {
      name: 'standby-knows-no-program',
      comment: 'The shim and the command line give src/standby what its forks are to do.',
      from: { path: '^src/standby/' },
      to: { path: '^(src|test|bench)/', pathNot: '^src/(common|native|standby)/' },
    },
    {
      name: 'shim-and-cli-stand-apart',
      from: { path: '^src/(shim|cli)/' },
      to: { path: '^src/(shim|cli)/', pathNot: '^src/$1/' },
    },
    {
      name: 'client-of-containerd-below-the-command',
      from: { path: '^src/containerd/' },
      to: { path: '^src/', pathNot: '^src/(common|native|criu|containerd)/' },
    },
    {
      name: 'one-door-to-the-client',
      comment: 'The command loads it only when a verb needs it; the shim does not.',
      from: { path: '^src/', pathNot: '^src/containerd/' },
      to: { path: '^src/containerd/', pathNot: '^src/containerd/index\\.ts$' },
    },
    {
      name: 'shim-is-no-client',
      from: { path: '^src/(shim|standby)/' },
      to: { path: '^src/containerd/' },
    },
    {
      name: 'one-door-to-criu',
      comment:
        'The engine is entered by src/criu/index.ts, types included; constants can be had without it.',
      from: { path: '^(src/(shim|cli|containerd)|bench)/' },
      to: { path: '^src/criu/', pathNot: '^src/criu/(index|constants)\\.ts$' },
    },
    {
      name: 'checkpoint-and-restore-stand-apart',
      from: { path: '^src/criu/(checkpoint|restore)/' },
      to: { path: '^src/criu/(checkpoint|restore)/', pathNot: '^src/criu/$1/' },
    },
    {
      name: 'what-both-need-lies-below-both',
      from: {
        path: '^src/criu/',
        pathNot: '^src/criu/(checkpoint/|restore/|compare/|rehearsal/|index\\.ts$)',
      },
      to: { path: '^src/criu/(checkpoint|restore)/' },
    },
    {
      name: 'memory-is-a-value',
      comment: 'Only src/criu/memory/live knows processes, holders and devices.',
      from: { path: '^src/criu/memory/', pathNot: '^src/criu/memory/live/' },
      to: { path: '^src/criu/(memory/live|procfs|tracee|vas|checkpoint|restore)/' },
    },
    {
      name: 'plans-know-no-dumps',
      comment: 'What both the dump and the plan of a resource need lies below both.',
      from: {
        path: '^src/criu/(plan|restore)/|^src/criu/.*plan\\.ts$',
        pathNot: '/fill-plan\\.ts$',
      },
      to: { path: '^src/criu/(resources/.*(dump|dumper)\\.ts$|tracee/session|memory/live/take-)' },
    },
    {
      name: 'dumps-know-no-plans',
      from: { path: '^src/criu/resources/.*(dump|dumper)\\.ts$' },
      to: { path: '^src/criu/(plan/|restore/|resources/.*plan\\.ts$)' },
    },
    {
      name: 'one-loader-of-the-addon',
      from: { path: '^(src|test|bench)/', pathNot: '^src/native/' },
      to: { path: '\\.node$' },
    },
    {
      name: 'rpc-and-task-meet-in-serve',
      from: { path: '^src/shim/(rpc|task)/' },
      to: { path: '^src/shim/(rpc|task)/', pathNot: '^src/shim/$1/' },
    },
    {
      name: 'pure-parts-do-no-io',
      from: { path: pure },
      to: { path: inputAndOutput },
    },
    {
      name: 'source-without-tests',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
    },
    { name: 'no-cycles', from: {}, to: { circular: true } },
    {
      name: 'no-development-dependencies',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'nothing-unresolved', from: {}, to: { couldNotResolve: true, pathNot: '\\.node$' } },
  ]),
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
