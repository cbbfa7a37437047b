// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { judge, type Finding, type Survey } from '../../../src/cli/host/checks.js';
import { surveyPrograms } from '../../../src/cli/host/programs.js';
import { surveyCgroups } from '../../../src/criu/survey.js';
import { BIN } from '../../helpers/paths.js';
import { runMain } from '../../helpers/run-main.js';

/** A host that lacks nothing. */
const GOOD: Survey = {
  kernel: {
    release: '6.18.1-arch1',
    machine: 'x86_64',
    isBuiltForRestore: true,
    hasKcmp: true,
    canTakeFds: true,
    whyNoWantedPids: '',
    canSuspendSeccomp: true,
    tellsSemaphores: true,
    hasTimerIds: true,
    hasMemfdExecutability: true,
    pageScan: 'guards',
    hasGuards: true,
    canCollapse: true,
    hasSoftDirty: false,
    hasAsyncWriteTracking: false,
    ptraceScope: 1,
    overcommit: 0,
    hugePages: 'madvise',
  },
  process: { capabilities: ['CAP_SYS_ADMIN'], missingCapabilities: [], isFiltered: false },
  cgroups: { freezer: 2, memory: 2 },
  memory: { total: 8 << 20, available: 4 << 20 },
  vasRoot: { path: '/run/mvas', why: '' },
  module: { version: 1, capabilities: 22, why: '' },
  backend: 'kernel-exec',
  programs: { runc: '1.3.0', crun: '', containerd: '2.1.0', shim: '/usr/local/bin/shim' },
};

type Part = Exclude<keyof Survey, 'backend'>;
type Changes = { readonly [K in Part]?: Partial<Survey[K]> } & Partial<Pick<Survey, 'backend'>>;

/** The good host with some facts changed. */
function host({ backend = GOOD.backend, ...changes }: Changes): Survey {
  const changed = Object.entries(changes).map(([part, facts]) => [
    part,
    { ...GOOD[part as Part], ...facts },
  ]);
  return { ...GOOD, ...(Object.fromEntries(changed) as Partial<Survey>), backend };
}

function notOk(survey: Survey): Finding[] {
  return judge(survey).filter(({ status }) => status !== 'ok');
}

const without = (name: string) => ({ process: { missingCapabilities: [name] } });

/** The result of each lack: the name of the check, the status, and the remedy. */
const LACKS: readonly (readonly [string, Changes, Finding['status'], RegExp | undefined])[] = [
  ['kernel', { kernel: { machine: 'aarch64' } }, 'missing', undefined],
  ['kernel', { kernel: { release: '5.15.0' } }, 'limited', /newer kernel/],
  ['privileges', without('CAP_SYS_ADMIN'), 'missing', /as root/],
  ['privileges', without('CAP_SYS_PTRACE'), 'missing', /as root/],
  ['privileges', without('CAP_SYS_RESOURCE'), 'limited', /all capabilities/],
  ['privileges', without('CAP_SYS_BOOT'), 'limited', /all capabilities/],
  ['support for restores', { kernel: { isBuiltForRestore: false } }, 'missing', /CONFIG_CHECK/],
  ['choosing pids', { kernel: { whyNoWantedPids: 'EPERM' } }, 'missing', /root/],
  ['choosing pids', { kernel: { whyNoWantedPids: 'E2BIG' } }, 'missing', /5\.5/],
  ['comparing processes', { kernel: { hasKcmp: false } }, 'missing', /CONFIG_KCMP/],
  ['taking descriptors', { kernel: { canTakeFds: false } }, 'missing', /5\.6/],
  ['tracing', { kernel: { ptraceScope: 3 } }, 'missing', /ptrace_scope/],
  ['suspending seccomp', { kernel: { canSuspendSeccomp: false } }, 'limited', /CONFIG_/],
  ['suspending seccomp', { process: { isFiltered: true } }, 'limited', /without secc/],
  ['freezer', { cgroups: { freezer: undefined } }, 'missing', /cgroup2/],
  ['memory cgroup', { cgroups: { memory: undefined } }, 'limited', /cgroup_enable=memory/],
  ['VAS directory', { vasRoot: { why: 'EACCES' } }, 'missing', /root/],
  ['VAS directory', { vasRoot: { why: 'EROFS' } }, 'missing', /MVAS_ROOT/],
  ['overcommit', { kernel: { overcommit: 2 } }, 'limited', /sysctl vm\.overcommit_memory=0/],
  ['huge pages', { kernel: { canCollapse: false } }, 'limited', /6\.1/],
  ['finding pages', { kernel: { pageScan: 'plain' } }, 'limited', /6\.15/],
  ['finding pages', { kernel: { pageScan: 'none', hasGuards: false } }, 'limited', /6\.7/],
  ['eventfds', { kernel: { tellsSemaphores: false } }, 'limited', /6\.5/],
  ['high timer ids', { kernel: { hasTimerIds: false } }, 'limited', /6\.15/],
  [
    'module mvas',
    {
      module: { why: 'cannot use /dev/mvas: not there; remedy: modprobe mvas' },
      backend: 'holder',
    },
    'limited',
    /^modprobe mvas$/,
  ],
  ['module mvas', { backend: '' }, 'missing', /unset MVAS_BACKEND/],
  ['runtime', { programs: { runc: '' } }, 'missing', /install runc or crun/],
  ['runtime', { programs: { runc: '', crun: '1.8' } }, 'limited', /BinaryName/],
  ['containerd', { programs: { containerd: '' } }, 'limited', /install containerd/],
  ['shim', { programs: { shim: '' } }, 'limited', /mvas install/],
];

for (const [name, changes, status, remedy] of LACKS) {
  test(`${name}: ${JSON.stringify(changes)} is ${status}`, (t) => {
    const [finding, ...others] = notOk(host(changes));
    t.deepEqual([finding?.name, finding?.status, others.length], [name, status, 0]);
    t.truthy(finding?.follows);
    if (remedy === undefined) t.is(finding?.remedy, undefined);
    else t.regex(finding?.remedy ?? '', remedy);
  });
}

test('nothing is missing on a good host, and whatever is checked can be missing', (t) => {
  t.deepEqual(notOk(GOOD), []);
  const tried = new Set(LACKS.map(([name]) => name));
  const untried = judge(GOOD).filter(({ name }) => !tried.has(name));
  t.deepEqual(
    untried.map(({ name }) => name),
    ['memory'],
    'memory is shown and not judged',
  );
});

test('a kernel that knows no guards lacks nothing if it does not tell them', (t) => {
  t.deepEqual(notOk(host({ kernel: { pageScan: 'plain', hasGuards: false } })), []);
});

test('the exit code says whether something necessary is missing', async (t) => {
  const check = async (changes: Changes, line = 'check') =>
    await runMain(line, { survey: () => Promise.resolve(host(changes)), searchPath: '/none' });
  // Without a search path there is no runc.
  const bad = await check({});
  t.deepEqual([bad.code, bad.err], [3, '']);
  t.regex(
    bad.out,
    /^missing {2}runtime {2,}not found\n {11}no container can be made\n {11}remedy: /m,
  );
  t.regex(bad.out, /\n\nContainers cannot be checkpointed and restored here\.\n$/);
  const json = JSON.parse((await check({}, 'check --json')).out) as Record<string, unknown>;
  t.is(json['canRestore'], false);
  t.deepEqual(Object.keys(json), ['canRestore', 'findings', 'survey']);
});

test('programs are found in the search path, and asked', (t) => {
  const none = { runc: '', crun: '', containerd: '', shim: '' };
  t.deepEqual(surveyPrograms(''), none);
  const found = surveyPrograms(`/none:${BIN}`);
  t.deepEqual(found, { ...none, shim: join(BIN, 'containerd-shim-mvas-v1') });
});

test('cgroups are found in hierarchies of either version', (t) => {
  const line = (point: string, type: string, options: string): string =>
    `30 20 0:1 / ${point} rw - ${type} cgroup rw,${options}\n`;
  const unified = line('/sys/fs/cgroup', 'cgroup2', 'nsdelegate');
  t.deepEqual(surveyCgroups(''), { freezer: undefined, memory: undefined });
  t.deepEqual(surveyCgroups(unified), { freezer: 2, memory: 2 });
  t.deepEqual(surveyCgroups(unified + line('/f', 'cgroup', 'freezer')), { freezer: 1, memory: 2 });
  t.deepEqual(surveyCgroups(line('/m', 'cgroup', 'memory')), { freezer: undefined, memory: 1 });
});

test('this host is looked at, and nothing is left of the look', (t) => {
  const { status, stdout, stderr } = spawnSync(join(BIN, 'mvas'), ['check', '--json'], {
    encoding: 'utf8',
  });
  const { canRestore, findings } = JSON.parse(stdout) as {
    readonly canRestore: boolean;
    readonly findings: readonly Finding[];
  };
  t.deepEqual([status, stderr], [canRestore ? 0 : 3, '']);
  t.is(findings.length, judge(GOOD).length);
  t.regex(findings[0]?.found ?? '', /^Linux \d+\.\d+/);
});
