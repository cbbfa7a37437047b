// SPDX-License-Identifier: Apache-2.0
import type { HostPid, HostTid } from '../../../common/ids.js';
import type { CredsEntry } from '../../image/types.js';
import {
  readComm,
  readLimits,
  readPersonality,
  readStatus,
  readThreadFile,
} from '../../procfs/reader.js';
import type { ProcStatus, TaskIds } from '../../procfs/status.js';
import { CAPABILITY_SETS, decodeCapabilities, nameCapabilities } from './capabilities.js';
import { readIdMap } from './id-map.js';
import { plainLabel } from './labels.js';
import { RESOURCES } from '../../procfs/limits.js';
import { queueMask } from './pending.js';
import type { ExpectedThread } from './plan.js';
import { actionMasks } from './sigactions.js';

/** A thread, by its host tid. */
export interface HostThread {
  readonly pid: HostPid;
  readonly tid: HostTid;
}

const SECCOMP_MODES = { disabled: 0, strict: 1, filter: 2 } as const;

/**
 * Compares a restored thread, which its tracer is about to let go, with what it should be. Reads only the host's
 * /proc. Returns the differences in words, or none.
 */
export function auditThread(host: HostThread, expected: ExpectedThread): string[] {
  const status = readStatus(host.pid, host.tid);
  const found = new Differences();
  const { core, task } = expected;
  const thread = core.thread_core;
  if (thread?.creds) auditCreds(host, status, thread.creds, found);
  found.compare('no_new_privs', expected.noNewPrivs, status.noNewPrivs);
  auditSeccomp(status, expected, found);
  for (const { module, name, file } of expected.labels) {
    found.compare(`${module} label`, name, plainLabel(readThreadFile(host.pid, host.tid, file)));
  }
  const { ignored, caught } = actionMasks(task.sigactions);
  found.compareMask('blocked signals', thread?.blk_sigset ?? 0n, status.signals.blocked);
  found.compareMask('ignored signals', ignored, status.signals.ignored);
  found.compareMask('caught signals', caught, status.signals.caught);
  const pending = queueMask(thread?.signals_p);
  found.compareMask('pending signals', pending, status.signals.pending & pending);
  found.compare('name', thread?.comm ?? task.comm, readComm(host.pid, host.tid));
  if (expected.isLeader) auditProcess(host, status, expected, found);
  return found.list;
}

function auditCreds(
  host: HostThread,
  status: ProcStatus,
  creds: CredsEntry,
  found: Differences,
): void {
  const users = readIdMap(host.pid, 'uid_map');
  const groups = readIdMap(host.pid, 'gid_map');
  const list = (ids: readonly number[]): string => ids.join(' ');
  const inside = (ids: TaskIds, map: typeof users): string =>
    list([ids.real, ids.effective, ids.saved, ids.fileSystem].map((id) => map.toInside(id)));
  const { uid, euid, suid, fsuid, gid, egid, sgid, fsgid } = creds;
  found.compare('uids', list([uid, euid, suid, fsuid]), inside(status.uid, users));
  found.compare('gids', list([gid, egid, sgid, fsgid]), inside(status.gid, groups));
  const sorted = (ids: readonly number[]): string => list([...ids].sort((a, b) => a - b));
  const supplementary = status.groups.map((group) => groups.toInside(group));
  found.compare('groups', sorted(creds.groups), sorted(supplementary));
  const wanted = decodeCapabilities(creds);
  for (const name of CAPABILITY_SETS) {
    const [want, have] = [wanted[name], status.capabilities[name]];
    if (want === have) continue;
    const words = `${name} capabilities: ${nameCapabilities(want ^ have)}`;
    found.list.push(`${words} ${(have & ~want) === 0n ? 'missing' : 'differ'}`);
  }
}

function auditSeccomp(status: ProcStatus, expected: ExpectedThread, found: Differences): void {
  const own = SECCOMP_MODES[expected.core.thread_core?.seccomp_mode ?? 'disabled'];
  const mode = expected.filters > 0 ? SECCOMP_MODES.filter : own;
  found.compare('seccomp mode', own === SECCOMP_MODES.strict ? own : mode, status.seccomp);
  if (status.seccompFilters === undefined || own === SECCOMP_MODES.strict) return;
  found.compare('seccomp filters', expected.filters, status.seccompFilters);
}

function auditProcess(
  host: HostThread,
  status: ProcStatus,
  { task, rlimits }: ExpectedThread,
  found: Differences,
): void {
  const pending = queueMask(task.signals_s);
  found.compareMask('shared pending signals', pending, status.signals.sharedPending & pending);
  const personality = task.mvas_personality ?? task.personality;
  found.compare('personality', personality, readPersonality(host.pid));
  const limits = readLimits(host.pid);
  rlimits.forEach(({ cur, max }, resource) => {
    const limit = limits[resource];
    const name = `limit ${RESOURCES[resource] ?? String(resource)}`;
    const text = (soft: bigint | undefined, hard: bigint | undefined): string =>
      `${String(soft)} to ${String(hard)}`;
    found.compare(name, text(cur, max), text(limit?.soft, limit?.hard));
  });
}

class Differences {
  readonly list: string[] = [];

  compare(
    what: string,
    expected: string | number | boolean,
    found: string | number | boolean,
  ): void {
    if (expected === found) return;
    this.list.push(`${what}: expected ${String(expected)}, found ${String(found)}`);
  }

  compareMask(what: string, expected: bigint, found: bigint): void {
    this.compare(what, expected.toString(16), found.toString(16));
  }
}
