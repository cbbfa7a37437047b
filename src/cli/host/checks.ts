// SPDX-License-Identifier: Apache-2.0
import type { HostSurvey } from '../../criu/index.js';
import { formatBytes } from '../text.js';
import type { Programs } from './programs.js';

/** Everything that is checked. */
export interface Survey extends HostSurvey {
  readonly programs: Programs;
}

/** What was found about one thing, and the consequence if something is missing. */
export interface Finding {
  readonly name: string;
  /** `missing`: nothing can be checkpointed or restored; `limited`: something cannot. */
  readonly status: 'ok' | 'limited' | 'missing';
  readonly found: string;
  readonly follows?: string;
  readonly remedy?: string;
}

type Lack = Omit<Finding, 'name' | 'found'> & { readonly status: 'limited' | 'missing' };

interface Check {
  readonly name: string;
  /** What there is, in a few words. */
  readonly found: (survey: Survey) => string;
  /** undefined: nothing is missing. */
  readonly lack: (survey: Survey) => Lack | undefined;
}

const NECESSARY_CAPABILITIES = ['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE'];
const OLDEST_TESTED = [6, 1] as const;

const CHECKS: readonly Check[] = [
  {
    name: 'kernel',
    found: ({ kernel }) => `Linux ${kernel.release}, ${kernel.machine}`,
    lack: ({ kernel }) => {
      const [major = 0, minor = 0] = kernel.release.split('.').map(Number);
      const [oldMajor, oldMinor] = OLDEST_TESTED;
      if (kernel.machine !== 'x86_64') return missing('only x86-64 is supported');
      if (major > oldMajor || (major === oldMajor && minor >= oldMinor)) return undefined;
      return limited('kernels before 6.1 are not tested', 'use a newer kernel');
    },
  },
  {
    name: 'privileges',
    found: ({ process: { capabilities, missingCapabilities: lacking } }) => {
      if (capabilities.length === 0) return 'no capabilities';
      return lacking.length === 0 ? 'all capabilities' : `without ${lacking.join(', ')}`;
    },
    lack: ({ process: { missingCapabilities: lacking } }) => {
      const needed = NECESSARY_CAPABILITIES.filter((name) => lacking.includes(name));
      if (needed.length > 0) {
        const remedy = 'run containerd and mvas as root, with all capabilities';
        return missing(`containers cannot be traced without ${needed.join(' and ')}`, remedy);
      }
      if (lacking.length === 0) return undefined;
      const follows = 'no container and no restored process can have what is missing here';
      return limited(
        lacking.includes('CAP_SYS_RESOURCE')
          ? `${follows}, lower its oom_score_adj, or raise a hard limit`
          : follows,
        'give containerd and mvas all capabilities',
      );
    },
  },
  {
    name: 'support for restores',
    found: ({ kernel }) => yesNo(kernel.isBuiltForRestore),
    lack: ({ kernel }) =>
      kernel.isBuiltForRestore
        ? undefined
        : missing(
            'the memory layout of a process cannot be restored',
            'use a kernel with CONFIG_CHECKPOINT_RESTORE=y',
          ),
  },
  {
    name: 'choosing pids',
    found: ({ kernel }) => kernel.whyNoWantedPids || 'yes',
    lack: ({ kernel: { whyNoWantedPids: why } }) =>
      why === ''
        ? undefined
        : missing(
            'processes cannot be restored under their pids',
            why === 'EPERM' ? 'run as root' : 'use Linux 5.5 or later',
          ),
  },
  {
    name: 'comparing processes',
    found: ({ kernel }) => yesNo(kernel.hasKcmp),
    lack: ({ kernel }) =>
      kernel.hasKcmp
        ? undefined
        : missing('what processes share cannot be found', 'use a kernel with CONFIG_KCMP=y'),
  },
  {
    name: 'taking descriptors',
    found: ({ kernel }) => yesNo(kernel.canTakeFds),
    lack: ({ kernel }) =>
      kernel.canTakeFds
        ? undefined
        : missing('open files cannot be read or restored', 'use Linux 5.6 or later'),
  },
  {
    name: 'tracing',
    found: ({ kernel: { ptraceScope: scope } }) =>
      scope === 0 ? 'allowed' : `kernel.yama.ptrace_scope = ${String(scope)}`,
    lack: ({ kernel: { ptraceScope: scope } }) =>
      scope < 3
        ? undefined
        : missing(
            'nobody may trace a process until the next boot',
            'boot with a lower kernel.yama.ptrace_scope (sysctl.d)',
          ),
  },
  {
    name: 'suspending seccomp',
    found: ({ kernel, process }) => yesNo(kernel.canSuspendSeccomp && !process.isFiltered),
    lack: ({ kernel, process }) => {
      const follows = 'containers with seccomp filters, as most have, are refused';
      if (process.isFiltered) return limited(follows, 'run mvas and containerd without seccomp');
      if (kernel.canSuspendSeccomp) return undefined;
      return limited(follows, 'use a kernel with CONFIG_SECCOMP=y and CONFIG_CHECKPOINT_RESTORE=y');
    },
  },
  {
    name: 'freezer',
    found: ({ cgroups }) => cgroupText(cgroups.freezer),
    lack: ({ cgroups }) =>
      cgroups.freezer !== undefined
        ? undefined
        : missing('containers cannot be stopped as a whole', 'mount cgroup2 at /sys/fs/cgroup'),
  },
  {
    name: 'memory cgroup',
    found: ({ cgroups }) => cgroupText(cgroups.memory),
    lack: ({ cgroups }) =>
      cgroups.memory !== undefined
        ? undefined
        : limited(
            "the memory of VASes counts as the shim's, and cannot be limited",
            'boot with cgroup_enable=memory',
          ),
  },
  {
    name: 'VAS directory',
    found: ({ vasRoot: { path, why } }) => `${path}${why === '' ? '' : ` (${why})`}`,
    lack: ({ vasRoot: { why } }) =>
      why === ''
        ? undefined
        : missing(
            'no VAS can be made',
            why === 'EACCES' ? 'run as root' : 'name another directory by MVAS_ROOT',
          ),
  },
  {
    name: 'memory',
    found: ({ memory: { available, total } }) =>
      `${formatBytes(available)} of ${formatBytes(total)} available; a VAS needs as much as its container has`,
    lack: () => undefined,
  },
  {
    name: 'overcommit',
    found: ({ kernel }) => `vm.overcommit_memory = ${String(kernel.overcommit)}`,
    lack: ({ kernel }) =>
      kernel.overcommit !== 2
        ? undefined
        : limited(
            'each restored container is charged for all memory of its VAS, shared or not',
            'sysctl vm.overcommit_memory=0',
          ),
  },
  {
    name: 'huge pages',
    found: ({ kernel: { canCollapse, hugePages } }) =>
      canCollapse ? `on demand (by default: ${hugePages || 'none'})` : 'not on demand',
    lack: ({ kernel }) =>
      kernel.canCollapse
        ? undefined
        : limited(
            'restores of much memory take longer',
            'use Linux 6.1 or later with CONFIG_TRANSPARENT_HUGEPAGE=y',
          ),
  },
  {
    name: 'finding pages',
    found: ({ kernel: { pageScan } }) =>
      ({ guards: 'at once', plain: 'at once, without guards', none: 'page by page' })[pageScan],
    lack: ({ kernel: { pageScan, hasGuards } }) => {
      if (hasGuards && pageScan !== 'guards') {
        const follows = 'containers with guards in memory (MADV_GUARD_INSTALL) are refused';
        return limited(follows, 'use Linux 6.15 or later');
      }
      return pageScan !== 'none'
        ? undefined
        : limited('checkpoints of much memory take longer', 'use Linux 6.7 or later');
    },
  },
  {
    name: 'eventfds',
    found: ({ kernel }) => yesNo(kernel.tellsSemaphores),
    lack: ({ kernel }) =>
      kernel.tellsSemaphores
        ? undefined
        : limited('containers with an eventfd are refused', 'use Linux 6.5 or later'),
  },
  {
    name: 'high timer ids',
    found: ({ kernel }) => yesNo(kernel.hasTimerIds),
    lack: ({ kernel }) =>
      kernel.hasTimerIds
        ? undefined
        : limited(
            'containers with a timer whose id is above 99,999 are refused',
            'use Linux 6.15 or later',
          ),
  },
  {
    name: 'module mvas',
    found: ({ module, backend }) =>
      module.why === ''
        ? `version ${String(module.version)}; backend ${backend || 'none'}`
        : `not in use; backend ${backend || 'none'}`,
    lack: ({ module, backend }) => {
      if (backend === '') {
        return missing('MVAS_BACKEND asks for what is not there', 'unset MVAS_BACKEND');
      }
      if (backend !== 'holder') return undefined;
      const [why = '', remedy] = module.why.split('; remedy: ');
      const follows = 'a container stands still while its memory is copied';
      return limited(why === '' ? follows : `${follows} (${why})`, remedy);
    },
  },
  {
    name: 'runtime',
    found: ({ programs: { runc, crun } }) => {
      const found = [runc && `runc ${runc}`, crun && `crun ${crun}`].filter(Boolean);
      return found.join(', ') || 'not found';
    },
    lack: ({ programs: { runc, crun } }) => {
      if (runc !== '') return undefined;
      if (crun === '') return missing('no container can be made', 'install runc or crun, in PATH');
      const follows = 'crun is used only where it is named';
      return limited(
        follows,
        'set BinaryName in containerd and --runtime of mvas, or install runc',
      );
    },
  },
  {
    name: 'containerd',
    found: ({ programs }) => programs.containerd || 'not found',
    lack: ({ programs }) =>
      programs.containerd !== ''
        ? undefined
        : limited("only 'mvas checkpoint' and 'mvas restore' can be used", 'install containerd'),
  },
  {
    name: 'shim',
    found: ({ programs }) => programs.shim || 'not found',
    lack: ({ programs }) =>
      programs.shim !== '' || programs.containerd === ''
        ? undefined
        : limited('containerd does not find the shim', 'mvas install'),
  },
];

/** Judges what was found, the most basic first. Pure. */
export function judge(survey: Survey): Finding[] {
  return CHECKS.map(({ name, found, lack }) => ({
    name,
    found: found(survey),
    ...(lack(survey) ?? { status: 'ok' }),
  }));
}

function missing(follows: string, remedy?: string): Lack {
  return { status: 'missing', follows, ...(remedy !== undefined && { remedy }) };
}

function limited(follows: string, remedy?: string): Lack {
  return { status: 'limited', follows, ...(remedy !== undefined && { remedy }) };
}

function yesNo(isThere: boolean): string {
  return isThere ? 'yes' : 'no';
}

function cgroupText(version: 1 | 2 | undefined): string {
  return version === undefined ? 'none' : `cgroup version ${String(version)}`;
}
