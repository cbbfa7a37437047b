// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../common/errors.js';
import { SYS } from '../../../../native/sys.js';
import type { NsFileEntry } from '../../../image/types.js';
import { readNamespace } from '../../../procfs/reader.js';
import { AT_FDCWD, O } from '../../../../native/abi/index.js';
import type { DumpContext } from '../dump-context.js';
import type { FileKind } from '../kind.js';
import type { OpenFile } from '../open-file.js';
import type { PlanContext } from '../plan-context.js';

/** CLONE_NEW* (linux/sched.h) of the namespaces that /proc/PID/ns has. */
const FLAGS: ReadonlyMap<string, number> = new Map([
  ['time', 0x80],
  ['mnt', 0x20000],
  ['cgroup', 0x2000000],
  ['uts', 0x4000000],
  ['ipc', 0x8000000],
  ['user', 0x10000000],
  ['pid', 0x20000000],
  ['net', 0x40000000],
]);

/** Descriptors on namespaces of the container; they will refer to those of the new one. */
export const NAMESPACE: FileKind<'nsf'> = {
  type: 'NS',
  body: 'nsf',
  claims: ({ link }) => FLAGS.has(nameOf(link)),
  dump,
  check({ ns_cflag: flag }, _files, what) {
    if (wordOf(flag) === undefined) badImage(`${what}: there is no such namespace`);
  },
  open,
};

/** `net` of `net:[4026531840]`. */
function nameOf(link: string): string {
  return /^([a-z]+):\[\d+\]$/.exec(link)?.[1] ?? '';
}

function wordOf(flag: number): string | undefined {
  return [...FLAGS].find(([, one]) => one === flag)?.[0];
}

function dump({ init, refusals }: DumpContext, file: OpenFile): NsFileEntry | undefined {
  const { id, link, stat, flags, where } = file;
  const name = nameOf(link);
  if (link !== readNamespace(init.pid, name)) {
    refusals.add(where, `${link} is not a namespace of the container's init; remedy: close it`);
    return undefined;
  }
  const inode = Number(stat.ino & 0xffffffffn);
  return { id, ns_id: inode, ns_cflag: FLAGS.get(name) ?? 0, flags };
}

function open(
  { stage }: PlanContext,
  { id, ns_cflag: flag, flags }: NsFileEntry,
  number: number,
): void {
  const name = wordOf(flag) ?? badImage(`file ${String(id)}: there is no such namespace`);
  const path = stage.builder.string(`/proc/self/ns/${name}`);
  const args = [AT_FDCWD, path, (flags & O.path) | O.cloexec, 0];
  stage.make(`open file ${String(id)} (${name} namespace)`, number, SYS.openat, args);
}
