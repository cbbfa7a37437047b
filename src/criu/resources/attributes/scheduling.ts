// SPDX-License-Identifier: Apache-2.0
import type { HostTid } from '../../../common/ids.js';
import { badImage } from '../../../common/errors.js';
import { syscall } from '../../../native/index.js';
import { check, SYS } from '../../../native/sys.js';
import type { ThreadCoreEntry } from '../../image/types.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { Sequence } from '../../plan/sequence.js';
import type { NamedThread } from '../../tracee/tracee.js';
import { reader } from '../../../native/structures.js';

/** `struct sched_attr` up to the utilization clamps (Linux 5.3). Source: linux/sched/types.h. */
const SCHED_ATTR_SIZE = 56;
const SCHED_ATTR_SIZE_VER0 = 48;
/** Room for 8192 processors. */
const MOST_MASK_BYTES = 1024;
const WHO_PROCESS = 1;
const IOPRIO_CLASS_SHIFT = 13;
const IOPRIO_CLASS_REALTIME = 1;
const IOPRIO_CLASSES = 4;
const POLICY = { normal: 0, fifo: 1, roundRobin: 2, batch: 3, idle: 5, deadline: 6 } as const;
const REALTIME: readonly number[] = [POLICY.fifo, POLICY.roundRobin, POLICY.deadline];

/** What the kernel writes into, at each call. */
const ATTR = Buffer.alloc(SCHED_ATTR_SIZE);
const MASK = new Uint8Array(MOST_MASK_BYTES);

/** The scheduling of a thread, as its entry has it. */
export type Scheduling = Pick<
  ThreadCoreEntry,
  'sched_nice' | 'sched_policy' | 'sched_prio' | 'mvas_sched_attr' | 'mvas_cpu_mask' | 'mvas_ioprio'
>;

/**
 * Policy, priorities, processors and I/O priority of a thread, all read from outside.
 *
 * @param cpus processors that its container may use, see {@link usableCpus}
 */
export function dumpScheduling({ tid, label }: NamedThread, cpus: readonly number[]): Scheduling {
  const got = syscall(SYS.sched_getattr, tid, ATTR, SCHED_ATTR_SIZE, 0);
  if (got < 0) check(`read the scheduling of ${label}`, got);
  const attr = sharedAttr();
  const priority = syscall(SYS.ioprio_get, WHO_PROCESS, tid);
  const ioprio = priority < 0 ? check(`read the I/O priority of ${label}`, priority) : priority;
  const mask = readCpuMask(tid, label);
  const scheduling: Scheduling = {
    sched_nice: attr.readInt32LE(16),
    sched_policy: attr.readUInt32LE(4),
    sched_prio: attr.readUInt32LE(20),
    mvas_sched_attr: attr,
  };
  if (!isEveryCpu(mask, cpus)) scheduling.mvas_cpu_mask = mask.slice();
  if (ioprio >> IOPRIO_CLASS_SHIFT !== 0) scheduling.mvas_ioprio = ioprio;
  return scheduling;
}

let lastAttr: Buffer = Buffer.alloc(0);

/** A copy of what was read. Most threads have the same, and share it. */
function sharedAttr(): Buffer {
  const attr = ATTR.subarray(0, ATTR.readUInt32LE(0));
  if (!attr.equals(lastAttr)) lastAttr = Buffer.from(attr);
  return lastAttr;
}

/** What it returns changes at the next call. */
function readCpuMask(tid: HostTid, label: string): Uint8Array {
  const length = syscall(SYS.sched_getaffinity, tid, MASK.length, MASK);
  if (length < 0) check(`read the processors of ${label}`, length);
  return MASK.subarray(0, length);
}

/** A mask of all processors is not a wish of the thread: it would exclude processors that are added later. */
function isEveryCpu(mask: Uint8Array, cpus: readonly number[]): boolean {
  return cpus.every((cpu) => ((mask[cpu >> 3] ?? 0) >> (cpu & 7)) & 1);
}

/** The part of a thread's scheduling that takes CAP_SYS_NICE, although nice values from `lowestNice` up do not. */
export function schedulingPrivilege(core: ThreadCoreEntry, lowestNice: number): string | undefined {
  const attr = attrOf(core);
  if (REALTIME.includes(attr.readUInt32LE(4))) return 'real-time scheduling';
  const nice = attr.readInt32LE(16);
  if (nice < lowestNice) return `nice value ${String(nice)}`;
  const isRealtime = (core.mvas_ioprio ?? 0) >> IOPRIO_CLASS_SHIFT === IOPRIO_CLASS_REALTIME;
  return isRealtime ? 'real-time I/O priority' : undefined;
}

/** Throws `dataLoss` for scheduling that no kernel would have reported. */
export function checkScheduling(where: string, core: ThreadCoreEntry): void {
  const size = core.mvas_sched_attr?.length ?? SCHED_ATTR_SIZE;
  const isPossible =
    size >= SCHED_ATTR_SIZE_VER0 &&
    size <= SCHED_ATTR_SIZE &&
    (core.mvas_cpu_mask?.length ?? 8) <= MOST_MASK_BYTES &&
    (core.mvas_ioprio ?? 0) >= 0 &&
    (core.mvas_ioprio ?? 0) < IOPRIO_CLASSES << IOPRIO_CLASS_SHIFT;
  if (!isPossible) badImage(`${where}: impossible scheduling`);
}

/** Sets a thread's scheduling; by the thread, while it has privileges. */
export function planScheduling(
  builder: PlanBuilder,
  core: ThreadCoreEntry,
  sequence: Sequence,
): void {
  if (core.mvas_cpu_mask) {
    const mask = builder.data(core.mvas_cpu_mask);
    const args = [0, core.mvas_cpu_mask.length, mask];
    // The new container may have other processors; then these wishes are dropped, as at any change of a cpuset.
    sequence.syscall('choose processors', SYS.sched_setaffinity, args, { tolerate: true });
  }
  if (core.mvas_ioprio !== undefined) {
    const args = [WHO_PROCESS, 0, core.mvas_ioprio];
    sequence.syscall(`set I/O priority ${String(core.mvas_ioprio)}`, SYS.ioprio_set, args);
  }
  const attr = attrOf(core);
  const what = `set scheduling policy ${String(attr.readUInt32LE(4))}`;
  sequence.syscall(what, SYS.sched_setattr, [0, builder.data(attr), 0]);
}

/** `struct sched_attr` of a thread; built from CRIU's fields if ours is missing. */
function attrOf(core: ThreadCoreEntry): Buffer {
  const attr = Buffer.alloc(SCHED_ATTR_SIZE);
  if (core.mvas_sched_attr) {
    attr.set(core.mvas_sched_attr);
    attr.writeUInt32LE(core.mvas_sched_attr.length, 0);
    return reader(attr.subarray(0, core.mvas_sched_attr.length));
  }
  attr.writeUInt32LE(SCHED_ATTR_SIZE_VER0, 0);
  attr.writeUInt32LE(core.sched_policy ?? 0, 4);
  attr.writeInt32LE(core.sched_nice ?? 0, 16);
  attr.writeUInt32LE(core.sched_prio ?? 0, 20);
  return reader(attr.subarray(0, SCHED_ATTR_SIZE_VER0));
}
