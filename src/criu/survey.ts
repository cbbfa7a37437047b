// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { freemem, machine, release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { ownPid } from '../common/ids.js';
import { cgroupMounts } from '../common/cgroup-places.js';
import { parseMountinfo } from '../common/procfs/mountinfo.js';
import { ShimError } from '../common/errors.js';
import * as kernel from '../native/kernel-facts.js';
import { readStatus } from './procfs/reader.js';
import { capabilitiesIn, nameCapabilities } from './resources/attributes/capabilities.js';
import { openBackend, type Backend } from './vas/backend.js';
import { KernelDevice } from './vas/kernel-device.js';
import { vasRoot } from './vas/directory.js';

/** What a kernel and a host can do, as far as checkpoints and restores depend on it. Plain data. */
export interface HostSurvey {
  readonly kernel: {
    /** `6.18.44` */
    readonly release: string;
    /** As uname(2) reports it. */
    readonly machine: string;
    /** CONFIG_CHECKPOINT_RESTORE. */
    readonly isBuiltForRestore: boolean;
    readonly hasKcmp: boolean;
    readonly canTakeFds: boolean;
    /** Name of an errno; '' if processes with given pids can be created. */
    readonly whyNoWantedPids: string;
    readonly canSuspendSeccomp: boolean;
    readonly tellsSemaphores: boolean;
    readonly hasTimerIds: boolean;
    readonly hasMemfdExecutability: boolean;
    readonly pageScan: kernel.PageScan;
    readonly hasGuards: boolean;
    readonly canCollapse: boolean;
    readonly hasSoftDirty: boolean;
    readonly hasAsyncWriteTracking: boolean;
    /** kernel.yama.ptrace_scope; 0 without yama. */
    readonly ptraceScope: number;
    /** vm.overcommit_memory. */
    readonly overcommit: number;
    /** Where transparent huge pages are used: `always`, `madvise`, `never`; '' if there are none. */
    readonly hugePages: string;
  };
  /** Of this process: containers get at most this. */
  readonly process: {
    /** Names of effective capabilities. */
    readonly capabilities: readonly string[];
    /** Names of capabilities that the kernel has and this process lacks. */
    readonly missingCapabilities: readonly string[];
    /** Whether a seccomp filter applies to it. */
    readonly isFiltered: boolean;
  };
  /** Version of the hierarchy; undefined if there is none. */
  readonly cgroups: { readonly freezer: 1 | 2 | undefined; readonly memory: 1 | 2 | undefined };
  /** Of the host, in bytes. */
  readonly memory: { readonly total: number; readonly available: number };
  /** `why`: why nothing can be written there; '' if it can. */
  readonly vasRoot: { readonly path: string; readonly why: string };
  /** The module mvas; `why`: why it cannot be used, with a remedy; '' if it can. */
  readonly module: {
    readonly version: number;
    readonly capabilities: number;
    readonly why: string;
  };
  /** What takes the memory at a checkpoint; '' if the backend that MVAS_BACKEND names cannot. */
  readonly backend: Backend | '';
}

/** Inspects this kernel and this host. Kernel features are probed once per process. */
export function surveyHost(): HostSurvey {
  return {
    kernel: surveyKernel(),
    process: surveyProcess(),
    cgroups: surveyCgroups(readFileSync('/proc/self/mountinfo', 'utf8')),
    memory: { total: totalmem(), available: availableMemory() },
    vasRoot: { path: vasRoot(), why: whyNotWritable(vasRoot()) },
    module: surveyModule(),
    backend: chosenBackend(),
  };
}

function surveyKernel(): HostSurvey['kernel'] {
  return {
    release: release(),
    machine: machine(),
    isBuiltForRestore: kernel.isBuiltForRestore(),
    hasKcmp: kernel.hasKcmp(),
    canTakeFds: kernel.canTakeFds(),
    whyNoWantedPids: kernel.whyNoWantedPids(),
    canSuspendSeccomp: kernel.canSuspendSeccomp(),
    tellsSemaphores: told(kernel.tellsSemaphores, false),
    hasTimerIds: kernel.hasTimerIds(),
    hasMemfdExecutability: kernel.hasMemfdExecutability(),
    pageScan: told(kernel.pageScan, 'none'),
    hasGuards: kernel.hasGuards(),
    canCollapse: kernel.canCollapse(),
    hasSoftDirty: told(kernel.hasSoftDirty, false),
    hasAsyncWriteTracking: kernel.hasAsyncWriteTracking(),
    ptraceScope: Number(setting('/proc/sys/kernel/yama/ptrace_scope')),
    overcommit: Number(setting('/proc/sys/vm/overcommit_memory')),
    hugePages: /\[(\w+)\]/.exec(setting('/sys/kernel/mm/transparent_hugepage/enabled'))?.[1] ?? '',
  };
}

/** /proc may hide some of this from a process without privileges. */
function told<T>(ask: () => T, otherwise: T): T {
  try {
    return ask();
  } catch {
    return otherwise;
  }
}

/** '' if there is no such setting, or we may not read it. */
function setting(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function surveyProcess(): HostSurvey['process'] {
  const { capabilities, seccomp } = readStatus(ownPid());
  const all = (1n << BigInt(kernel.lastCapability() + 1)) - 1n;
  return {
    capabilities: namesIn(capabilities.effective),
    missingCapabilities: namesIn(all & ~capabilities.effective),
    isFiltered: seccomp !== 0,
  };
}

function namesIn(set: bigint): string[] {
  return capabilitiesIn(set).map((number) => nameCapabilities(1n << BigInt(number)));
}

/** Where containers can be frozen, and where the memory of VASes is counted. Pure. */
export function surveyCgroups(mountinfo: string): HostSurvey['cgroups'] {
  const { v1, unified } = cgroupMounts(parseMountinfo(mountinfo));
  const versionOf = (controller: string): 1 | 2 | undefined =>
    v1.has(controller) ? 1 : unified === undefined ? undefined : 2;
  return { freezer: versionOf('freezer'), memory: versionOf('memory') };
}

/** What programs can have without swapping; free memory is less. */
function availableMemory(): number {
  const kilobytes = /^MemAvailable: +(\d+)/m.exec(setting('/proc/meminfo'))?.[1];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
}

function whyNotWritable(path: string): string {
  const nearest = existsSync(path) || path === dirname(path) ? path : undefined;
  if (nearest === undefined) return whyNotWritable(dirname(path));
  try {
    accessSync(nearest, constants.W_OK);
    return '';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

function surveyModule(): HostSurvey['module'] {
  try {
    const device = KernelDevice.open();
    const { version, capabilities } = device;
    device.close();
    return { version, capabilities: Number(capabilities), why: '' };
  } catch (error) {
    return { version: 0, capabilities: 0, why: ShimError.from(error).message };
  }
}

function chosenBackend(): HostSurvey['backend'] {
  try {
    const kernelBackend = openBackend(process.env['MVAS_BACKEND'] ?? '');
    kernelBackend?.device.close();
    return kernelBackend?.backend ?? 'holder';
  } catch {
    return '';
  }
}
