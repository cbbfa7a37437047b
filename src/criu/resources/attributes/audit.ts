// SPDX-License-Identifier: Apache-2.0
import type { HostPid, HostTid } from '../../../common/ids.js';
import type { CredsEntry } from '../../image/types.js';
import { decodeBytes } from '../../../common/bytes.js';
import { parsePersonality } from '../../procfs/personality.js';
import { remember } from '../../../common/procfs/remember.js';
import { parseStatus, type ProcStatus, type TaskIds } from '../../procfs/status.js';
import { ProcTexts } from '../../procfs/texts.js';
import { CAPABILITY_SETS, decodeCapabilities, nameCapabilities } from './capabilities.js';
import { IdMap } from '../../procfs/id-map.js';
import { plainLabel } from './labels.js';
import { parseLimits, RESOURCES } from '../../procfs/limits.js';
import { queueMask } from './pending.js';
import type { ExpectedThread } from './plan.js';
import { actionMasks } from './sigactions.js';

/** A thread, by its host tid. */
export interface HostThread {
  readonly pid: HostPid;
  readonly tid: HostTid;
}

const FILES = ['status', 'comm', 'uid_map', 'gid_map'] as const;
const LEADER_FILES = [...FILES, 'personality', 'limits'] as const;
type Texts = ProcTexts<string>;

/** What most threads have in common is understood once. */
const usersIn = remember((text) => new IdMap(text));
const groupsIn = remember((text) => new IdMap(text));
const limitsIn = remember(parseLimits);

const SECCOMP_MODES = { disabled: 0, strict: 1, filter: 2 } as const;

/**
 * Compares a restored thread, which its tracer is about to let go, with what it should be. Reads only the host's
 * /proc. Returns the differences in words, or none.
 */
export function auditThread(host: HostThread, expected: ExpectedThread): string[] {
  const { core, task, labels } = expected;
  const files = expected.isLeader ? LEADER_FILES : FILES;
  const folder = `${String(host.pid)}/task/${String(host.tid)}`;
  const proc = ProcTexts.read<string>(folder, [...files, ...labels.map(({ file }) => file)]);
  const status = parseStatus(proc.file('status'));
  const found = new Differences();
  const thread = core.thread_core;
  if (thread?.creds) auditCreds(proc, status, thread.creds, found);
  found.compare('no_new_privs', expected.noNewPrivs, status.noNewPrivs);
  auditSeccomp(status, expected, found);
  for (const { module, name, file } of labels) {
    found.compare(`${module} label`, name, plainLabel(decodeBytes(proc.file(file))));
  }
  const { ignored, caught } = actionMasks(task.sigactions);
  found.compareMask('blocked signals', thread?.blk_sigset ?? 0n, status.signals.blocked);
  found.compareMask('ignored signals', ignored, status.signals.ignored);
  found.compareMask('caught signals', caught, status.signals.caught);
  const pending = queueMask(thread?.signals_p);
  found.compareMask('pending signals', pending, status.signals.pending & pending);
  const comm = decodeBytes(proc.file('comm')).replace(/\n$/, '');
  found.compare('name', thread?.comm ?? task.comm, comm);
  if (expected.isLeader) auditProcess(proc, status, expected, found);
  return found.list;
}

function auditCreds(proc: Texts, status: ProcStatus, creds: CredsEntry, found: Differences): void {
  const users = usersIn(proc.file('uid_map'));
  const groups = groupsIn(proc.file('gid_map'));
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
  proc: Texts,
  status: ProcStatus,
  { task, rlimits }: ExpectedThread,
  found: Differences,
): void {
  const pending = queueMask(task.signals_s);
  found.compareMask('shared pending signals', pending, status.signals.sharedPending & pending);
  const personality = task.mvas_personality ?? task.personality;
  found.compare('personality', personality, parsePersonality(proc.file('personality')));
  const limits = limitsIn(proc.file('limits'));
  rlimits.forEach(({ cur, max }, resource) => {
    const limit = limits[resource];
    if (limit?.soft === cur && limit.hard === max) return;
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
    if (expected !== found) this.compare(what, expected.toString(16), found.toString(16));
  }
}
